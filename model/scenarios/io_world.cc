// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/scenarios/io_world.h"

#include "netpoll/runtime/protocols/io_steps.h"

namespace netpoll::model {

IoWorld::IoWorld(const IoCast& cast)
    : cast_(cast),
      kernel_(Kernel{}),
      poller_(Keep(new Shipped(kernel_, false, /*asks=*/true))) {
  kernel_.name = "kernel";
  closed_.name = "closed";
  guests_.name = "guests";
  passed_.name = "deadline";
  scheduler_.world = elsewhere_.world = this;
  Shipped::Desc* const desc = poller_.Open(3).desc;  // Its memory stays.
  const int memory = MadeBy("memory freed", [=, this] {
    state_ = std::make_unique<State>(*this, desc);
  });
  state_->memory = memory;
  state_->short_reads_drain = cast.skips;
  (void)state_->Enter([] {});
  if (cast.deadline) {
    (void)poller_.SetDeadline(state_->desc, Mode::kRead, Deadline::At(1));
  }
  if (cast.skips_first) state_->drained = true;
  if (cast.spoken) {
    Thread::Call("setup.speaks", kernel_, Whispers);
    static_cast<void>(poller_.Nudge(desc, Mode::kRead));
  }
  seat_.node = &scope_;
  for (int i = 0; i < cast.readers; ++i) {
    readers_.push_back(
        AddThread("reader" + std::to_string(i + 1), [=, this](Thread& thread) {
          Enter(thread);
          Reader(thread, i);
        }));
    quiet_ = true;
    Make(i);
    quiet_ = false;
    Introduce(operation(i), readers_[i]);
    state_->Ref();
  }
  AddStimuli();
  Settle();
}

IoWorld::State::State(IoWorld& owner, Shipped::Desc* opened)
    : world(owner),
      scheduler(owner.scheduler_),
      desc(opened),
      lock{FdLife::lock, owner} {}

void IoWorld::AddStimuli() {
  const auto add = [this](bool there, const char* name, auto body) {
    if (!there) return -1;
    return AddThread(name, [=, this](Thread& thread) {
      Enter(thread);
      body(thread);
    });
  };
  const bool speaks = cast_.edges > 0 || cast_.ends;
  const bool reports = speaks && cast_.rests == 0;
  add(reports, "poller", [this](Thread& thread) {
    for (;;) {
      thread.Mark("poll");
      PollResult result = poller_.Poll(Delta::NonBlocking());
      WakeAll(result);
    }
  });
  add(speaks, "peer", [this](Thread& thread) {
    for (int i = 0; i < cast_.edges; ++i) {
      thread.Mark("speak", {i});
      Thread::MayCall("peer.speaks", kernel_,
                      cast_.rests != 0 ? Whispers : Speaks, kBytes);
    }
    if (cast_.ends) {
      Thread::MayCall("peer.ends", kernel_, Speaks, kEndOfStream);
    }
  });
  add(cast_.late, "late report", [this](Thread& thread) {
    thread.May("late.comes");
    state_->Nudge(Mode::kRead);
  });
  add(cast_.rests != 0, "timers", [this](Thread& thread) { Rests(thread); });
  closing_ = add(cast_.closes && !cast_.awaits, "handle",
                 [this](Thread& thread) { Closes(thread); });
  if (cast_.awaits) {
    awaiter_ = add(true, "closer", [this](Thread& thread) { Awaits(thread); });
    Introduce(closer_, awaiter_);
  }
  canceller_ = add(cast_.cancels, "canceller", [this](Thread& thread) {
    thread.May("cancel");
    Thread::Call("cancel.passes", kernel_, Passes);
    static_cast<void>(scope_.Cancel(internal::CancelReason::kCancelled));
  });
  clock_ = add(cast_.deadline, "clock", [this](Thread& thread) {
    thread.May("clock.passes");
    Thread::Call("clock.time", passed_, TimePasses);
    PollResult expired = poller_.ExpireTimers(1).wake;
    WakeAll(expired);
  });
  add(cast_.moves, "setter", [this](Thread& thread) {
    thread.May("setter.go");
    Thread::Call("setter.set", passed_, Put, 2);
    DeadlineResult moved =
        poller_.SetDeadline(state_->desc, Mode::kRead, Deadline::None());
    WakeAll(moved.wake);
  });
}

// --- Laws --------------------------------------------------------------------

const char* IoWorld::AtRest(const View& view) {
  bool holder = false, waits = false;
  const int closer = awaiter_ >= 0 ? awaiter_ : closing_;
  const bool closing =
      closer >= 0 && (view.ended(closer) || view.parked(closer));
  for (const int reader : readers_) {
    waits = waits || view.parked(reader);
    if (!view.parked(reader)) continue;
    const Place place = view.note(reader).As<OperationNote>().place;
    if (place != Place::kQueue) holder = true;
    if (closing) {
      return Of(reader, "A4: an operation waits though all is closed");
    }
    if (canceller_ >= 0 && view.ended(canceller_) && reader == readers_[0]) {
      return Of(reader, "A4: an operation waits though it was cancelled");
    }
    if (place != Place::kPoller) continue;
    if (view.Of(kernel_).unread != 0 && view.Of(resting_) == 0) {
      return Of(reader, &kernel_, "A5: an operation waits for what has come");
    }
    if (clock_ >= 0 && view.ended(clock_) && view.Of(passed_) == 1) {
      return Of(reader, "A4: an operation waits though its time has passed");
    }
  }
  for (const int reader : readers_) {
    if (view.parked(reader) && !holder) {
      return Of(reader, "A4: an operation waits for a turn that nobody has");
    }
  }
  if (!waits && view.Of(guests_) != 0) {
    return Of(&guests_, "A1: an operation has ended, and its guest stays");
  }
  if (closing && !waits && view.Of(closed_) != 1) {
    return Of(&closed_, "A4: a descriptor was closed, and never ends");
  }
  if (closing && !waits && AllLeft(view) && !freed(view, state_->memory)) {
    return Of(&closed_, "R5: memory is kept that nobody refers to");
  }
  if (awaiter_ >= 0 && view.parked(awaiter_)) {
    return Of(awaiter_, "A4: a close waits though all has ended");
  }
  return nullptr;
}

bool IoWorld::AllLeft(const View& view) const {
  for (const int reader : readers_) {
    if (!view.ended(reader)) return false;
  }
  return view.ended(awaiter_ >= 0 ? awaiter_ : closing_);
}

void IoWorld::Judge(IoEnd end, std::size_t bytes) {
  if (!end.gave_up()) return;
  const auto note = thread_->note().As<OperationNote>();
  if (bytes != 0 && cast_.pieces == 1) {
    thread_->Fail("A2: an operation gave up, and has taken bytes");
  }
  if (note.tries == 0) return;
  if (!note.tried) {
    thread_->Fail("A2: an operation was told, and gave up without a try");
  }
  if (end.code == IoEnd::Cancelled().code && bytes == 0 &&
      Thread::Call("io.judge", kernel_, InTime) != 0) {
    thread_->Fail("A2: a cancellation won over bytes that had come");
  }
}

// --- Threads -----------------------------------------------------------------

void IoWorld::Operate(Thread& thread, int reader) {
  ended_ = 0;
  Make(reader);
  thread.SetNote(OperationNote{});
  Operation& op = operation(reader);
  Scope::Seat* const seat = cast_.cancels && reader == 0 ? &seat_ : nullptr;
  bool parked = !op.Begin() && op.Suspend(reader, seat);
  while (parked && ended_ == 0) {
    if (!away_[reader]) {
      thread.Fail("A1: a task is suspended that nobody will resume");
    }
    if (!Untouched(reader)) {
      thread.Fail("A3: an operation was touched when it was parked");
    }
    thread.Park();
    GiveBack(reader);
    op.run(&op);
  }
  if (ended_ == 0) {
    if (away_[reader]) {
      thread.Fail("A3: an operation goes on when it was parked");
    }
    Ends(reader);
  }
  if (!Untouched(reader)) {
    thread.Fail("A3: an operation was touched when its task went on");
  }
  if (seat != nullptr && !scope_.Empty()) {
    thread.Fail("A3: an operation has ended, and sits in its scope");
  }
  Judge(end_, bytes_);
}

void IoWorld::Reader(Thread& thread, int reader) {
  for (int i = 0; i < cast_.reads; ++i) {
    thread.Mark("read", {i});
    thread.May("reader.go");
    Operate(thread, reader);
    thread.SetNote(OperationNote{});
    thread.Mark("ended", {i, end_.code, static_cast<std::int64_t>(bytes_)});
    if (end_.code != 0 || bytes_ == 0) break;
  }
  state_->Unref();
}

// A rest is over, when it began long ago.
void IoWorld::Rests(Thread& thread) {
  for (int i = 0; i < cast_.rests; ++i) {
    thread.Mark("rest", {i});
    Thread::Await("rest.passes", resting_, WaitTimer);
    Thread::Call("rest.time", time_, Count, 1);
    state_->RestIsDue(Mode::kRead);
  }
}

void IoWorld::Closes(Thread& thread) {
  thread.May("close");
  state_->CloseNow([] {});
  state_->Unref();
}

// As CloseOp.
void IoWorld::Awaits(Thread& thread) {
  thread.May("close");
  state_->CloseNow([] {});
  thread.Mark("closed");
  if (!state_->ended() && state_->ParkCloser(&closer_)) thread.Park();
  if (!state_->ended()) {
    thread.Fail("A4: a close ended before its descriptor");
  }
  state_->Unref();
}

}  // namespace netpoll::model
