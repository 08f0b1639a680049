// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/scenarios/io_world.h"

#include "netpoll/runtime/protocols/io_steps.h"

namespace netpoll::model {

IoWorld::IoWorld(const IoCast& cast)
    : cast_(cast),
      kernel_(Kernel{}),
      system_(FlightSystem{}),
      poller_(Keep(new Shipped(kernel_, false, /*asks=*/true,
                               /*holds=*/false, cast.levels))) {
  kernel_.name = "kernel";
  system_.name = "system";
  closed_.name = "closed";
  guests_.name = "guests";
  passed_.name = "deadline";
  scheduler_.world = elsewhere_.world = this;
  Shipped::Desc* const desc = poller_.Open(3).desc;  // Its memory stays.
  if (cast.endless) {
    desc->status_word();
    status_ = static_cast<ObjectOf<StatusWord>*>(ObjectAt("inspect.status"));
  }
  const int memory = MadeBy("memory freed", [=, this] {
    state_ = std::make_unique<State>(*this, desc);
  });
  state_->memory = memory;
  if (cast.asks) {
    for (auto& box : boxes_) {
      box = std::make_unique<internal::RecallBox<RuntimeEnv>>();
    }
  }
  state_->short_reads_drain = cast.skips;
  (void)state_->Enter([] {});
  if (cast.deadline) {
    (void)poller_.SetDeadline(state_->desc, Directions(), Deadline::At(1));
  }
  if (cast.skips_first) state_->drained = true;
  if (cast.spoken && cast.flies) {
    Thread::Call("setup.speaks", system_, FlightSystem::Speaks,
                 FlightSystem::kBytes);
  } else if (cast.spoken) {
    Thread::Call("setup.speaks", kernel_, Whispers, kBytes);
    static_cast<void>(poller_.Nudge(desc, Mode::kRead));
  }
  if (cast.stale) {
    state_->Ref();
    RecallElsewhere(0);
  }
  seat_.node = &scope_;
  int writer = 0, reader = 0;
  for (int i = 0; i < tasks(); ++i) {
    const std::string name = DirectionOf(i) == Mode::kRead
                                 ? "reader" + std::to_string(++reader)
                                 : "writer" + std::to_string(++writer);
    tasks_.push_back(AddThread(name, [=, this](Thread& thread) {
      Enter(thread);
      User(thread, i);
    }));
    quiet_ = true;
    Make(i);
    quiet_ = false;
    Introduce(operation(i), tasks_[i]);
    state_->Ref();
  }
  AddStimuli();
  Settle();
}

IoWorld::State::State(IoWorld& owner, Shipped::Desc* opened)
    : world(owner),
      scheduler(owner.scheduler_),
      desc(opened),
      lock{FdLife::lock, owner},
      call(owner.cast_.asks ? std::make_unique<Asked>() : nullptr) {}

void IoWorld::AddPeers() {
  const auto add = [this](bool there, const char* name, auto body) {
    if (!there) return;
    AddThread(name, [=, this](Thread& thread) {
      Enter(thread);
      body(thread);
    });
  };
  const bool speaks = cast_.edges > 0 || cast_.ends;
  const bool reports = (speaks || cast_.takes > 0) && cast_.rests == 0;
  const bool edges = cast_.rests == 0 && !cast_.levels;
  add(reports || (speaks && cast_.levels), "poller", [this](Thread& thread) {
    for (;;) {
      thread.Mark("poll");
      PollResult result = poller_.Poll(Delta::NonBlocking());
      WakeAll(result);
    }
  });
  add(speaks, "peer", [=, this](Thread& thread) {
    while (cast_.endless) {
      thread.Mark("speak");
      Thread::MayCall("peer.speaks", kernel_,
                      edges ? IfNew<Speaks> : IfNew<Whispers>, kBytes);
    }
    for (int i = 0; i < cast_.edges; ++i) {
      thread.Mark("speak", {i});
      Thread::MayCall("peer.speaks", kernel_, edges ? Speaks : Whispers,
                      kBytes);
    }
    if (cast_.ends) {
      Thread::MayCall("peer.ends", kernel_, edges ? Speaks : Whispers,
                      kEndOfStream);
    }
  });
  add(cast_.takes > 0, "taker", [=, this](Thread& thread) {
    for (int i = 0; i < cast_.takes; i += cast_.endless ? 0 : 1) {
      thread.Mark("take", {i});
      Thread::MayCall("peer.takes", kernel_,
                      cast_.endless ? IfNew<MakesRoom> : MakesRoom,
                      edges ? 1 : 0);
    }
  });
}

void IoWorld::AddStimuli() {
  const auto add = [this](bool there, const char* name, auto body) {
    if (!there) return -1;
    return AddThread(name, [=, this](Thread& thread) {
      Enter(thread);
      body(thread);
    });
  };
  cast_.flies ? CarriesOut() : AddPeers();
  add(cast_.late, "late report", [this](Thread& thread) {
    thread.May("late.comes");
    state_->Nudge(Mode::kRead);
  });
  add(cast_.rests != 0, "timers", [this](Thread& thread) { Rests(thread); });
  if (cast_.awaits) {
    closing_ = add(true, "closer", [this](Thread& thread) { Awaits(thread); });
    Introduce(closer_, closing_);
  } else {
    closing_ =
        add(cast_.closes, "handle", [this](Thread& thread) { Closes(thread); });
  }
  canceller_ = add(cast_.cancels, "canceller", [this](Thread& thread) {
    if (cast_.endless) CancelsAgain(thread);
    thread.May("cancel");
    if (cast_.flies) {
      Thread::Call("cancel.passes", system_, FlightSystem::Passes);
    } else {
      Thread::Call("cancel.passes", kernel_, Passes);
    }
    static_cast<void>(scope_.Cancel(internal::CancelReason::kCancelled));
  });
  clock_ = add(cast_.deadline, "clock", [this](Thread& thread) {
    if (cast_.endless) PassesAgain(thread);
    thread.May("clock.passes");
    Thread::Call("clock.time", passed_, TimePasses);
    PollResult expired = poller_.ExpireTimers(1).wake;
    WakeAll(expired);
  });
  add(cast_.moves, "setter", [this](Thread& thread) {
    if (cast_.endless) SetsAgain(thread);
    thread.May("setter.go");
    Thread::Call("setter.set", passed_, Put, 2);
    DeadlineResult moved =
        poller_.SetDeadline(state_->desc, Directions(), Deadline::None());
    WakeAll(moved.wake);
  });
}

// --- Laws --------------------------------------------------------------------

const char* IoWorld::AtRest(const View& view) {
  unsigned held = 0;  // Directions.
  bool waits = false;
  const bool closing =
      closing_ >= 0 && (view.ended(closing_) || view.parked(closing_));
  for (int task = 0; task < tasks(); ++task) {
    const int thread = tasks_[task];
    waits = waits || view.parked(thread);
    if (!view.parked(thread)) continue;
    const Place place = view.note(thread).As<OperationNote>().place;
    if (place != Place::kQueue) {
      held |= static_cast<unsigned>(DirectionOf(task));
    }
    if (closing) {
      return Of(thread, "A4: an operation waits though all is closed");
    }
    if (task == 0 && IsCancelled(view)) {
      return Of(thread, "A4: an operation waits though it was cancelled");
    }
    if (place != Place::kPoller) continue;
    if (HasCome(view, task)) {
      return Of(thread, &kernel_, "A5: an operation waits for what has come");
    }
    if (TimeHasPassed(view, task)) {
      return Of(thread, "A4: an operation waits though its time has passed");
    }
  }
  for (int task = 0; task < tasks(); ++task) {
    const auto direction = static_cast<unsigned>(DirectionOf(task));
    if (view.parked(tasks_[task]) && (held & direction) == 0) {
      return Of(tasks_[task],
                "A4: an operation waits for a turn that nobody has");
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
  if (closing_ >= 0 && view.parked(closing_)) {
    return Of(closing_, "A4: a close waits though all has ended");
  }
  return nullptr;
}

bool IoWorld::HasCome(const View& view, int task) const {
  if (cast_.flies) {
    return view.Of(system_).unread != 0 || view.Of(system_).holds;
  }
  const Kernel& kernel = view.Of(kernel_);
  const bool reads = DirectionOf(task) == Mode::kRead;
  return (reads ? kernel.unread : kernel.room) != 0 && view.Of(resting_) == 0;
}

bool IoWorld::AllLeft(const View& view) const {
  for (const int task : tasks_) {
    if (!view.ended(task)) return false;
  }
  return view.ended(closing_);
}

void IoWorld::Judge(IoEnd end, std::size_t bytes, int task) {
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
      Thread::Call("io.judge", kernel_, InTime,
                   static_cast<std::int64_t>(DirectionOf(task))) != 0) {
    thread_->Fail("A2: a cancellation won over bytes that had come");
  }
}

// --- Threads -----------------------------------------------------------------

void IoWorld::Operate(Thread& thread, int task) {
  ended_ = 0;
  begins_ = true;
  Make(task);
  thread.SetNote(OperationNote{});
  Operation& op = operation(task);
  Scope::Seat* const seat = cast_.cancels && task == 0 ? &seat_ : nullptr;
  bool parked = !op.Begin() && op.Suspend(task, seat);
  begins_ = false;
  while (parked && ended_ == 0) {
    if (!away_[task]) {
      thread.Fail("A1: a task is suspended that nobody will resume");
    }
    if (!Untouched(task)) {
      thread.Fail("A3: an operation was touched when it was parked");
    }
    thread.Park();
    GiveBack(task);
    op.MarkAt("runs");
    op.run(&op);
  }
  if (ended_ == 0) {
    if (away_[task]) {
      thread.Fail("A3: an operation goes on when it was parked");
    }
    Ends(task);
  }
  if (!Untouched(task)) {
    thread.Fail("A3: an operation was touched when its task went on");
  }
  if (seat != nullptr && !scope_.Empty()) {
    thread.Fail("A3: an operation has ended, and sits in its scope");
  }
  cast_.flies ? JudgeCall(task) : Judge(end_, bytes_, task);
}

void IoWorld::User(Thread& thread, int task) {
  const char* const go =
      DirectionOf(task) == Mode::kRead ? "reader.go" : "writer.go";
  for (int i = 0; i < cast_.reads; i += cast_.endless ? 0 : 1) {
    thread.Mark("operate", {i});
    thread.May(go);
    Operate(thread, task);
    thread.SetNote(OperationNote{});
    thread.Mark("ended", {i, end_.code, static_cast<std::int64_t>(bytes_)});
    if (cast_.endless) {
      if (cast_.cancels && task == 0) LeavesScope();
    } else if (end_.code != 0 || bytes_ == 0) {
      break;
    }
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
