// SPDX-License-Identifier: Apache-2.0
//
// One direction of a descriptor, for Spin: the actors, rounds and edges of
// explorer_bench.cc, and a step wherever the source has an access to something
// shared. Every stimulus may also never come.
//
//   spin -DROUNDS=2 -DEDGES=2 -a poller.pml
//   gcc -O2 -DSAFETY -DMEMLIM=8000 -o pan pan.c && ./pan -m1000000
//
// With -DMOVES=3 a thread sets the deadline: later, to the past, to none.

#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef EDGES
#define EDGES 2
#endif
#ifndef MOVES
#define MOVES 0
#endif

#define NIL 0
#define READY 1
#define WAIT 2
#define TASK 3

#define CLOSING 1
#define EXPIRED 2

byte word = NIL;     // The semaphore.
byte status = 0;     // CLOSING, EXPIRED.
byte gen = 1;        // Of the descriptor, in the status word.
short waiters = 0;
bool lock = 0;
bool runnable = 0;   // The task, once somebody has woken it.
bool parked = 0;

// Under the lock.
bool closing = 0;
byte deadline = 1;   // 0 none, 1 and 2 times, 3 past.
byte seq = 0;
bool armed = 1;

// The timer of the deadline.
bool waits = 1;
byte when = 1;
byte timer_seq = 0;

// The kernel.
byte unread = 0;
bool pending = 0;
bool registered = 1;

byte users = (MOVES > 0 -> 2 : 1);
bool reader_done = 0;

// Takes the waiter out of the word, if there is one; leaves `to` unless the
// word says ready. `held` says whether the caller now has a task to wake.
inline cancel(w, held) {
  held = 0;
  do
  :: atomic { w = word;
       if
       :: w == NIL || w == READY -> break
       :: else
       fi }
     atomic {
       if
       :: word == w -> word = NIL; held = (w == TASK); break
       :: else
       fi }
  od
}

inline wake(held) {
  if
  :: held ->
     atomic { assert(parked && !runnable); runnable = 1 };
     waiters = waiters - 1
  :: else
  fi
}

// The status word, by a load and a compare-exchange. Its writers hold the lock.
inline publish(s, now) {
  s = status;
  if
  :: s != (now) -> status = (now)
  :: else
  fi
}

active proctype reader() {
  byte round = 0, s = 0, w = 0;
  do
  :: round == ROUNDS -> break
  :: else ->
     s = status;
     if
     :: s != 0 -> break
     :: else
     fi;
     w = word;
     assert(w == NIL || w == READY);
     if
     :: w == READY ->
        atomic { assert(word == READY); word = NIL }
     :: else
     fi;
     do
     :: atomic {
          if
          :: unread > 0 -> unread = unread - 1; round++; break
          :: else
          fi }
wait:   s = status;
        if
        :: s != 0 -> goto out
        :: else
        fi;
prepare:
        w = word;
        assert(w == NIL || w == READY);
        atomic {
          if
          :: word == w && w == READY -> word = NIL; goto again
          :: word == w && w == NIL -> word = WAIT
          :: else -> goto prepare
          fi };
        s = status;
        if
        :: s != 0 ->
           w = word;
           if
           :: w != NIL ->
take:         atomic {
                if
                :: word == w -> word = NIL
                :: else -> w = word; goto take
                fi }
           :: else
           fi;
           if
           :: w == READY -> goto again
           :: else -> goto out
           fi
        :: else
        fi;
        waiters = waiters + 1;
        w = word;
        if
        :: w == WAIT ->
           atomic {
             if
             :: word == WAIT -> word = TASK; parked = 1
             :: else -> w = NIL
             fi }
        :: else
        fi;
        if
        :: parked ->
end_parked: atomic { runnable -> runnable = 0; parked = 0 }
        :: else -> waiters = waiters - 1
        fi;
finish: w = word;
        assert(w == NIL || w == READY);
        if
        :: w == READY -> atomic { assert(word == READY); word = NIL }
        :: else ->
           s = status;
           if
           :: s == 0 -> goto wait
           :: else -> goto out
           fi
        fi;
again:  skip
     od
  od;
out:
  atomic { users = users - 1; reader_done = 1 }
}

active proctype peer() {
  byte i = 0;
end_peer:
  do
  :: i == EDGES -> break
  :: i < EDGES ->
     atomic {
       if
       :: registered -> unread = unread + 1; pending = 1
       :: else
       fi;
       i++ }
  :: break // No edge comes any more.
  od
}

active proctype poller() {
  byte i = 0, g = 0, w = 0;
  bool held = 0;
  do
  :: i == EDGES -> break
  :: else ->
end_poll: atomic { registered && pending -> pending = 0; i++ };
     g = gen;
     if
     :: g == 1 ->
        held = 0;
        do
        :: atomic { w = word;
             if
             :: w == READY -> break
             :: else
             fi }
           atomic {
             if
             :: word == w -> word = READY; held = (w == TASK); break
             :: else
             fi }
        od;
        wake(held)
     :: else
     fi
  od
}

active proctype timer() {
  byte s = 0, w = 0, mine = 0;
  bool held = 0, fired = 0, now = 0;
  byte shot = 0;
end_timer:
  do
  :: shot < (MOVES > 0 -> 2 : 1) ->
     shot++;
     atomic {
       fired = waits && when <= shot;
       if
       :: fired -> waits = 0; mine = timer_seq
       :: else
       fi };
     if
     :: fired ->
        atomic { !lock -> lock = 1 };
        held = 0;
        if
        :: mine == seq ->
           deadline = 3;
           publish(s, s | EXPIRED);
           cancel(w, held)
        :: else
        fi;
        lock = 0;
        wake(held)
     :: else
     fi
  :: break // Time stands still.
  od
}

#if MOVES > 0
active proctype setter() {
  byte s = 0, w = 0, move = 0;
  bool held = 0;
  do
  :: move < MOVES ->
     move++;
     atomic { !lock -> lock = 1 };
     held = 0;
     if
     :: !closing ->
        atomic {
          if
          :: move == 1 -> deadline = 2
          :: move == 2 -> deadline = 3
          :: else -> deadline = 0
          fi };
        publish(s, (deadline == 3 -> EXPIRED : 0));
        atomic {
          if
          :: deadline == 2 ->
             seq = (seq + 1) % 4; timer_seq = seq; when = 2; waits = 1
          :: else -> seq = (seq + 1) % 4; waits = 0
          fi };
        if
        :: deadline == 3 -> cancel(w, held)
        :: else
        fi
     :: else
     fi;
     lock = 0;
     wake(held)
  :: break // Nobody sets it any more.
  od;
  users = users - 1
}
#endif

active proctype closer() {
  byte s = 0, w = 0;
  bool held = 0;
  if
  :: true -> goto done // Nobody closes.
  :: true
  fi;
  atomic { !lock -> lock = 1 };
  closing = 1;
  seq = (seq + 1) % 4;
  publish(s, s | CLOSING);
  waits = 0;
  cancel(w, held);
  lock = 0;
  wake(held);
end_users: users == 0;
  atomic { !lock -> lock = 1 };
  w = word;
  assert(w == NIL || w == READY);
  lock = 0;
  registered = 0;
  atomic { !lock -> lock = 1 };
  gen = 2;
  lock = 0;
done:
  skip
}

// When nobody can move: nobody is lost.
active proctype judge() {
end_judge:
  timeout;
  assert(!parked || (unread == 0 || pending));
  assert(!parked || status == 0);
  assert(waiters == parked)
}
