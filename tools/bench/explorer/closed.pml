// SPDX-License-Identifier: Apache-2.0
//
// The configuration closed-past for Spin: a reader, readiness and a deadline
// that comes and goes, for ever. A step is an access of the source to something
// shared, as in the explorer, so that their states can be compared: what a
// thread does between two of them is part of the first. (A goto out of an
// atomic sequence into another would make one step of the two: so none is
// within.) Nothing counts up: the search ends, and what holds in all states
// holds in runs of any length. Twice a step stands in two places, since the
// explorer tells them apart by what the laws want to know of a task: wait_again,
// where a status word was seen before, and readiness found after an error.
//
//   spin -a closed.pml
//   gcc -O2 -DSAFETY -DNOREDUCE -DMEMLIM=8000 -o pan pan.c && ./pan -m1000000
//
// Where a stimulus may also never come its thread rests: of states that makes
// no difference.

#define NIL 0
#define READY 1
#define WAIT 2
#define TASK 3

byte word = NIL;       // The semaphore.
bool expired = 0;      // The status word.
bool past = 0;         // The deadline; under the lock.
bool lock = 0;
byte waiters = 0;
bool runnable = 0;     // The task, once somebody has woken it.

// The kernel: something to read, an edge not reported, a report in hand.
bool unread = 0;
bool pending = 0;
bool held = 0;

// Who uses the descriptor, and who changes a deadline.
byte users = 0;
byte changing = 0;

active proctype reader() {
  byte w = 0;
end_outside:
  users++;
reset:
  if
  :: expired -> goto leave
  :: else
  fi;
  if
  :: word == READY -> atomic { assert(word == READY); word = NIL }
  :: word == NIL
  fi;
try:
  if
  :: atomic { unread -> unread = 0 }; goto reset
  :: !unread
  fi;
wait:
  if
  :: expired -> goto leave
  :: else
  fi;
prepare:
  atomic { w = word; assert(w == NIL || w == READY) };
  if
  :: atomic { word != w -> w = 0 }; goto prepare
  :: atomic { word == w && w == READY -> word = NIL; w = 0 }; goto try
  :: atomic { word == w && w == NIL -> word = WAIT }
  fi;
  if
  :: expired
  :: else -> goto commit
  fi;
take:
  if
  :: word == NIL -> goto leave
  :: word == READY -> atomic { assert(word == READY); word = NIL }; goto try
  :: word == WAIT
  fi;
  if
  :: atomic { word == WAIT -> word = NIL }; goto leave
  :: else -> goto take
  fi;
commit:
  waiters++;
look:
  if
  :: word == WAIT
  :: else -> goto undo
  fi;
  if
  :: atomic { word == WAIT -> word = TASK }
  :: else -> goto look
  fi;
end_parked:
  atomic { runnable -> runnable = 0 };
  goto finish;
undo:
  waiters--;
finish:
  if
  :: word == READY
  :: word == NIL -> goto why
  fi;
  atomic { assert(word == READY); word = NIL };
  goto try;
why:
  if
  :: expired
  :: else -> goto wait_again
  fi;
leave:
  users--;
  goto end_outside;
wait_again:
  if
  :: expired -> goto leave
  :: else -> goto prepare
  fi
}

active proctype peer() {
end_peer:
  do
  :: atomic { !unread || !pending -> unread = 1; pending = 1 }
  od
}

active proctype poller() {
  byte w = 0;
end_poll:
  atomic { pending -> pending = 0; held = 1 };
  true;  // The pool's size,
  true;  // and its chunk, to find the slot.
  true;  // The status word: the generation is right.
move:
  if
  :: word == READY -> goto over
  :: atomic { word != READY -> w = word }
  fi;
  if
  :: atomic { word != w -> w = 0 }; goto move
  :: atomic { word == w && w == TASK -> word = READY; w = 0 }
  :: atomic { word == w && w != TASK -> word = READY; w = 0 }; goto over
  fi;
  atomic { assert(!runnable); runnable = 1 };
  waiters--;
over:
  held = 0;
  goto end_poll
}

active proctype setter() {
  byte w = 0;
  bool to = 0;
end_setter:
  atomic { users++; changing++ };
  if
  :: to = 1
  :: to = 0
  fi;
  if
  :: atomic { !lock && !to && !past -> lock = 1 }; goto unlock  // Only stores.
  :: atomic { !lock && to && past -> lock = 1; to = 0 }; goto cancel  // Is said.
  :: atomic { !lock && to != past -> lock = 1; past = to; to = 0 }
  fi;
  true;  // The generation, which is in the status word.
  atomic { assert(expired != past); expired != past };
  if
  :: atomic { past -> expired = 1 }
  :: atomic { !past -> expired = 0 }; goto unlock
  fi;
cancel:
  if
  :: word == NIL || word == READY -> goto unlock
  :: atomic { word == WAIT || word == TASK -> w = word }
  fi;
  if
  :: atomic { word != w -> w = 0 }; goto cancel
  :: atomic { word == w && w == WAIT -> word = NIL; w = 0 }; goto unlock
  :: atomic { word == w && w == TASK -> word = NIL; w = 0 }
  fi;
  lock = 0;
  atomic { assert(!runnable); runnable = 1 };
  waiters--;
  goto over;
unlock:
  lock = 0;
over:
  atomic { users--; changing-- };
  goto end_setter
}
