// SPDX-License-Identifier: Apache-2.0
//
// The sleep protocol and the workers' glue: workers that run out of work, one
// of whom polls while the others sleep, busy ones that look now and then,
// threads that submit work or move a deadline, a clock, and one descriptor
// whose task an event serves or the deadline ends.

#ifndef NETPOLL_MODEL_SCENARIOS_SLEEP_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_SLEEP_WORLD_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/worker_glue.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/laws/parking_laws.h"
#include "netpoll/model/model_env.h"
#include "netpoll/model/scenarios/sleep_system.h"

namespace netpoll::model {

struct SleepCast {
  int workers = 2;
  int submitters = 1;
  int pushes = 1;        // Of each submitter.
  bool lasting = false;  // Work that was begun may never end.
  bool looks = false;    // A worker with work looks for events first.
  int work = 0;          // In the queue when the story begins.
  // The first worker polls when the story begins, and these last ones sleep.
  bool polled = false;
  int asleep = 0;
  // The deadline when the story begins, and a thread that moves it, to each of
  // these in turn.
  static constexpr int kNoTime = sleep_system::kNoTime;
  int deadline = kNoTime;
  std::vector<int> deadlines = {};
  std::vector<int> times = {};  // The clock passes these.
  bool event = false;           // The peer speaks, once.
  bool signal = false;          // A wait with a limit is interrupted, once.
  // Submitters, the setter, the peer and signals go on for ever; the setter
  // chooses one of the deadlines each time. The times of the clock are those
  // that it passes, once: afterwards every deadline is one that has passed.
  bool endless = false;
  // An embedder that gets its side wrong.
  bool no_break = false;
};

class SleepWorld : public ParkingWorld {
 public:
  explicit SleepWorld(const SleepCast& cast)
      : cast_(cast),
        work_(cast.work),
        system_(System{.earliest = cast.deadline}) {
    work_.name = "queue";
    system_.name = "system";
    for (int i = 0; i < cast.workers; ++i) {
      AddThread("worker" + std::to_string(i + 1),
                [=, this](Thread& thread) { Worker(thread, i); });
    }
    for (int i = 0; i < cast.submitters; ++i) {
      AddThread("submitter" + std::to_string(i + 1),
                [this](Thread& thread) { Submitter(thread); });
    }
    if (!cast.deadlines.empty()) {
      AddThread("setter", [this](Thread& thread) { Setter(thread); });
    }
    if (!cast.times.empty()) {
      AddThread("clock", [this](Thread& thread) { Clock(thread); });
    }
    if (cast.event) {
      AddThread("peer", [this](Thread& thread) {
        do {
          thread.Mark("speak");
          Thread::MayCall("peer.speaks", system_, sleep_system::Speak);
        } while (cast_.endless);
      });
    }
    if (cast.signal) {
      AddThread("signal", [this](Thread& thread) {
        do {
          thread.Mark("signal");
          Thread::MayCall("signal.comes", system_, sleep_system::Interrupt);
        } while (cast_.endless);
      });
    }
    if (cast.polled) (void)sleep_.Announce(0, Time(cast.deadline));
    for (int i = 1; i <= cast.asleep; ++i) {
      (void)sleep_.Announce(cast.workers - i, Time(cast.deadline));
    }
    sleep_.AnySleeper();
    sleepers_ = ObjectAt("any.sleepers");
    sleepers_->name = "sleepers";
    Settle();
  }

  const char* Invariant(const View& view) override {
    int polls = 0;
    for (int worker = 0; worker < cast_.workers; ++worker) {
      const auto note = view.note(worker).As<WorkerNote>();
      polls += note.looks || note.polls_until != 0 ? 1 : 0;
    }
    return polls > 1 ? "D8: two workers poll at once" : nullptr;
  }

  const char* Passing(int law) override {
    return law < cast_.workers
               ? "L13: a worker sleeps for ever, though there is work"
               : nullptr;
  }
  int Lasting(int law) override { return law; }
  bool Lasts(const View& view, int law) override {
    return view.Of(work_) != 0 &&
           std::strcmp(view.Next(law).site, "sleep.park") == 0;
  }

  // A worker that has found work and retracts, although a waker has chosen it
  // meanwhile, owes that wake-up to somebody else.
  const char* Observed(int thread, const Access& access, Value response,
                       Ghost& ghost) override {
    if (thread >= cast_.workers || access.op != Op::kLoad) return nullptr;
    auto note = ghost.note.As<WorkerNote>();
    if (!note.retracts) return nullptr;
    const std::uint64_t mask = access.object->Bits(response);
    if (std::strcmp(access.site, "retract.sleepers") == 0 &&
        (mask >> thread & 1) == 0) {
      note.owes = true;
    }
    if (std::strcmp(access.site, "wake.sleepers") == 0) note.owes = false;
    ghost.note = note;
    return nullptr;
  }

  // Workers that are busy need nobody: they look when their work ends. One that
  // idles must not be left with work, nor with a descriptor nobody looks at.
  const char* AtRest(const View& view) override {
    const std::uint64_t mask = sleepers_->Bits(view.Raw(*sleepers_));
    int polls = -1;  // Who polls, and who sleeps.
    int sleeps = -1;
    int polls_until = 0;
    for (int worker = 0; worker < cast_.workers; ++worker) {
      const int until = view.note(worker).As<WorkerNote>().polls_until;
      if (until > polls_until) {
        polls = worker;
        polls_until = until;
      }
      if (std::strcmp(view.Next(worker).site, "sleep.park") != 0) continue;
      sleeps = worker;
      if ((mask >> worker & 1) == 0) {
        return Of(worker, sleepers_,
                  "L6: a worker sleeps whom nobody can wake");
      }
    }
    if (sleeps < 0 && polls_until == 0) return nullptr;
    if (view.Of(work_) != 0) {
      return Of(sleeps >= 0 ? sleeps : polls, &work_,
                "L6: there is work, and a worker sleeps or polls");
    }
    if (polls_until == 0) {
      return Of(sleeps, "L6: a worker sleeps, and nobody polls");
    }
    if (polls_until > view.Of(system_).earliest) {
      return Of(polls, &system_,
                "L6: a deadline is set, and nobody polls until then");
    }
    return nullptr;
  }

 private:
  static constexpr int kNoTime = sleep_system::kNoTime;
  struct WorkerNote {
    std::uint8_t polls_until = 0;  // 0: it is in no poll that blocks.
    bool looks = false;            // In a poll that does not block.
    bool retracts = false;         // It has seen work after its announcement.
    bool owes = false;  // It was woken meanwhile, which is for another then.
  };

  using System = sleep_system::System;
  using Step = std::optional<int>;
  using Protocol = SleepProtocol<ModelEnv<2>>;

  static std::int64_t Time(int time) { return time == kNoTime ? kNever : time; }

  // --- Steps of the environment ---------------------------------------------

  static Step Pop(int& work, std::int64_t) {
    if (work == 0) return 0;
    --work;
    return 1;
  }
  // More than so much work is as much, where it is submitted for ever.
  static constexpr int kMuch = 2;
  static Step Push(int& work, std::int64_t most) {
    if (most == 0 || work < most) ++work;
    return 0;
  }
  static Step PushIfRoom(int& work, std::int64_t most) {
    if (work >= most) return std::nullopt;
    ++work;
    return 0;
  }
  std::int64_t most() const { return cast_.endless ? kMuch : 0; }
  static Step Look(int& work, std::int64_t) { return work; }

  // --- Workers --------------------------------------------------------------

  // A scheduler's side of the glue.
  struct Host {
    std::int64_t Now() {
      return now = Thread::Call("worker.clock", world.system_,
                                sleep_system::Tell);
    }
    std::int64_t NextTime() {
      if (!world.timed()) return kNever;
      return Time(
          Thread::Call("worker.timers", world.system_, sleep_system::Earliest));
    }
    void Poll(Delta delta) {
      if (!delta.blocking()) return Look();
      const std::int64_t end = delta.forever() ? kNoTime : now + delta.nanos();
      thread.SetNote(WorkerNote{.polls_until = static_cast<std::uint8_t>(end)});
      Fetched(
          Thread::Await("worker.poll", world.system_, sleep_system::Wait, end));
    }
    void PollAll() {
      due = true;
      Look();
    }
    void Look() {
      thread.SetNote(WorkerNote{.looks = true});
      Fetched(Thread::Call("worker.fetch", world.system_, sleep_system::Fetch));
    }
    void Fetched(int events) {
      if (events != 0) {
        Thread::Call("worker.deliver", world.system_, sleep_system::Deliver);
        Thread::Call("worker.run", world.work_, Push, world.most());
      }
      thread.SetNote({});
    }
    void Expire(std::int64_t at) {
      due = false;
      const int expired = Thread::Call("worker.expire", world.system_,
                                       sleep_system::Expire, at);
      if (expired == sleep_system::kFalse) {
        thread.Fail("L8: a deadline was believed before an event in time");
      }
      if (expired == 0) return;
      Thread::Call("worker.run", world.work_, Push, world.most());
      world.Notify();
    }
    void LeavesNothingDue() {
      if (due) thread.Fail("L2: a deadline was seen to be due, and left");
    }
    bool WorkVisible() {
      const bool visible =
          Thread::Call("worker.look", world.work_, SleepWorld::Look) != 0;
      if (visible) thread.SetNote(WorkerNote{.retracts = true});
      return visible;
    }
    void Break() {
      Thread::Call("worker.break", world.system_, sleep_system::Break);
    }

    SleepWorld& world;
    Thread& thread;
    std::int64_t now = 0;
    bool due = false;  // A deadline was seen to have passed.
  };

  // Whether there are deadlines.
  bool timed() const {
    return cast_.deadline != kNoTime || !cast_.deadlines.empty();
  }

  void Worker(Thread& thread, int number) {
    Host host{*this, thread};
    WorkerGlue glue(sleep_, number, host);
    if (cast_.polled && number == 0) {
      host.Poll(cast_.deadline != kNoTime ? Delta::Until(0, cast_.deadline)
                                          : Delta::Forever());
      glue.Finish();
    }
    if (number >= cast_.workers - cast_.asleep) sleep_.Sleep(number);
    for (;;) {
      thread.Mark("loop");
      thread.SetNote({});
      if (Thread::Call("worker.pop", work_, Pop) != 0) {
        if (cast_.looks) glue.Look();
        host.LeavesNothingDue();
        if (cast_.lasting && !cast_.endless) return;
        if (cast_.lasting) {
          thread.Mark("works");
          thread.May("work.ends");
        }
        continue;
      }
      thread.Mark("idle");
      glue.Idle();
      host.LeavesNothingDue();
      if (thread.note().As<WorkerNote>().owes) {
        thread.Fail("L6: a wake-up was spent on a worker that had work");
      }
    }
  }

  // --- Others ---------------------------------------------------------------

  void Submitter(Thread& thread) {
    for (int i = 0; i < cast_.pushes; i += cast_.endless ? 0 : 1) {
      thread.Mark("submit", {i});
      if (cast_.endless) {
        Thread::MayCall("submitter.push", work_, PushIfRoom, kMuch);
      } else {
        thread.May("submitter.go");
        Thread::Call("submitter.push", work_, Push);
      }
      Notify();
    }
  }

  void Notify() {
    if (sleep_.Wake() && !cast_.no_break) {
      Thread::Call("submitter.break", system_, sleep_system::Break);
    }
  }

  void Setter(Thread& thread) {
    for (const int when : cast_.deadlines) {
      thread.Mark("set", {when});
      thread.May("setter.go");
      Set(cast_.endless ? AnyDeadline() : when);
      if (!cast_.endless) continue;
      for (;;) {
        thread.Mark("again");
        thread.May("setter.go");
        Set(AnyDeadline());
      }
    }
  }
  int AnyDeadline() const {
    return cast_.deadlines[static_cast<std::size_t>(Thread::Choose(
        "setter.when", static_cast<int>(cast_.deadlines.size())))];
  }
  void Set(int when) {
    Thread::Call("setter.arm", system_, sleep_system::Arm, when);
    if (when != kNoTime && sleep_.DeadlineMoved(when)) {
      Thread::Call("setter.break", system_, sleep_system::Break);
    }
  }

  void Clock(Thread& thread) {
    for (const int now : cast_.times) {
      thread.Mark("time", {now});
      Thread::MayCall("clock.passes", system_, sleep_system::Pass, now);
    }
  }

  const SleepCast cast_;
  Protocol sleep_;
  ObjectOf<int> work_;
  ObjectOf<System> system_;
  Object* sleepers_ = nullptr;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_SLEEP_WORLD_H_
