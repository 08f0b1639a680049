// SPDX-License-Identifier: Apache-2.0
//
// The poller inside an event loop of somebody else's: the loop, which sleeps in
// a call of its own, threads that submit work or move a deadline, a clock, and
// one descriptor whose task an event serves or the deadline ends. The loop has
// matters of its own, for which it is back early.

#ifndef NETPOLL_MODEL_SCENARIOS_FOREIGN_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_FOREIGN_WORLD_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netpoll/core/delta.h"
#include "netpoll/core/foreign_loop.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/laws/parking_laws.h"
#include "netpoll/model/model_env.h"
#include "netpoll/model/scenarios/sleep_system.h"

namespace netpoll::model {

struct ForeignCast {
  static constexpr int kNoTime = sleep_system::kNoTime;
  int submitters = 0;
  int pushes = 1;  // Of each.
  int deadline = kNoTime;
  std::vector<int> deadlines = {};  // A thread sets these in turn.
  std::vector<int> times = {};      // The clock passes these.
  bool event = false;               // The peer speaks, once.
  bool other = false;               // The loop has other matters, once.
  bool endless = false;             // All of them act for ever.
};

class ForeignWorld : public ParkingWorld {
 public:
  explicit ForeignWorld(const ForeignCast& cast)
      : cast_(cast), work_(0), system_(System{.earliest = cast.deadline}) {
    work_.name = "queue";
    system_.name = "system";
    loop_.prepared();
    ObjectAt("any.turn")->name = "turn";
    AddThread("loop", [this](Thread& thread) { Loop(thread); });
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
    if (cast.event) AddMaybe("peer", "peer.speaks", sleep_system::Speak);
    if (cast.other) AddMaybe("other", "other.comes", sleep_system::Interrupt);
    Settle();
  }

  const char* AtRest(const View& view) override {
    if (std::strcmp(view.Next(0).site, kSleep) != 0) return nullptr;
    if (view.Of(work_) != 0) return "L6: there is work, and the loop sleeps";
    const int until = view.note(0).As<LoopNote>().sleeps_until;
    if (until > view.Of(system_).earliest) {
      return "L6: a deadline is set, and the loop sleeps beyond it";
    }
    return nullptr;
  }

  const char* Passing(int law) override {
    return law == 0 ? "L13: the loop sleeps for ever, though there is work"
                    : nullptr;
  }
  bool Lasts(const View& view, int) override {
    return view.Of(work_) != 0 && std::strcmp(view.Next(0).site, kSleep) == 0;
  }

 private:
  static constexpr const char* kSleep = "loop.sleep";
  static constexpr int kNoTime = sleep_system::kNoTime;
  static constexpr int kMuch = 2;

  struct LoopNote {
    std::uint8_t sleeps_until = 0;
  };
  using System = sleep_system::System;
  using Step = std::optional<int>;
  using Env = ModelEnv<2>;

  static std::int64_t Time(int time) { return time == kNoTime ? kNever : time; }
  static int Number(std::int64_t time) {
    return time == kNever ? kNoTime : static_cast<int>(time);
  }

  static Step Take(int& work, std::int64_t) {
    if (work == 0) return 0;
    --work;
    return 1;
  }
  static Step Push(int& work, std::int64_t most) {
    if (most == 0 || work < most) ++work;
    return 0;
  }
  static Step PushIfRoom(int& work, std::int64_t most) {
    if (work >= most) return std::nullopt;
    ++work;
    return 0;
  }
  static Step Look(int& work, std::int64_t) { return work; }
  std::int64_t most() const { return cast_.endless ? kMuch : 0; }

  // A scheduler's side of the glue.
  struct Host {
    std::int64_t Now() {
      return Thread::Call("loop.clock", world.system_, sleep_system::Tell);
    }
    std::int64_t NextTime() {
      if (!world.timed()) return kNever;
      return Time(
          Thread::Call("loop.timers", world.system_, sleep_system::Earliest));
    }
    void Poll(Delta delta) {
      Fetched(
          delta.blocking()
              ? Thread::Call("loop.take", world.system_, sleep_system::Take)
              : Thread::Call("loop.fetch", world.system_, sleep_system::Fetch));
    }
    void PollAll() { Poll(Delta::NonBlocking()); }
    void Fetched(int events) {
      if (events == 0) return;
      Thread::Call("loop.deliver", world.system_, sleep_system::Deliver);
      Thread::Call("loop.run", world.work_, Push, world.most());
    }
    void Expire(std::int64_t at) {
      const int expired =
          Thread::Call("loop.expire", world.system_, sleep_system::Expire, at);
      if (expired == sleep_system::kFalse) {
        loop->Fail("L8: a deadline was believed before an event in time");
      }
      if (expired != 0) {
        Thread::Call("loop.run", world.work_, Push, world.most());
      }
    }
    bool WorkVisible() {
      return Thread::Call("loop.look", world.work_, ForeignWorld::Look) != 0;
    }
    void Break() { Thread::Call("break", world.system_, sleep_system::Break); }
    ForeignWorld& world;
    Thread* loop = nullptr;
  };

  bool timed() const {
    return cast_.deadline != kNoTime || !cast_.deadlines.empty();
  }

  void Loop(Thread& thread) {
    host_.loop = &thread;
    for (;;) {
      thread.Mark("loop");
      thread.SetNote({});
      if (Thread::Call("loop.pop", work_, Take) != 0) continue;
      thread.Mark("prepare");
      const auto rest = loop_.Prepare();
      if (rest.work) continue;
      const int until = Number(rest.until);
      thread.SetNote(
          LoopNote{.sleeps_until = static_cast<std::uint8_t>(until)});
      const int readable =
          Thread::Await(kSleep, system_, sleep_system::SleepElsewhere, until);
      if (readable == sleep_system::kHeardTwice) {
        thread.Fail("O1: one break woke the loop twice");
      }
      thread.SetNote({});
      // A loop that did other things may not come by here.
      const bool other = readable == sleep_system::kOtherMatter;
      if (other && Thread::Choose("loop.returns", 2) == 0) continue;
      thread.Mark("return", {readable});
      loop_.Return(readable == 1);
    }
  }

  void Submitter(Thread& thread) {
    for (int i = 0; i < cast_.pushes; i += cast_.endless ? 0 : 1) {
      thread.Mark("submit", {i});
      if (cast_.endless) {
        Thread::MayCall("submitter.push", work_, PushIfRoom, kMuch);
      } else {
        thread.May("submitter.go");
        Thread::Call("submitter.push", work_, Push);
      }
      loop_.WorkCame();
    }
  }

  void Setter(Thread& thread) {
    for (const int when : cast_.deadlines) {
      thread.Mark("set", {when});
      thread.May("setter.go");
      Set(when);
    }
    while (cast_.endless) {
      thread.Mark("again");
      thread.May("setter.go");
      Set(cast_.deadlines[static_cast<std::size_t>(Thread::Choose(
          "setter.when", static_cast<int>(cast_.deadlines.size())))]);
    }
  }
  void Set(int when) {
    Thread::Call("setter.arm", system_, sleep_system::Arm, when);
    if (when != kNoTime) loop_.DeadlineCame(when);
  }

  void Clock(Thread& thread) {
    for (const int now : cast_.times) {
      thread.Mark("time", {now});
      Thread::MayCall("clock.passes", system_, sleep_system::Pass, now);
    }
  }

  void AddMaybe(const char* name, const char* site,
                Step (*step)(System&, std::int64_t)) {
    AddThread(name, [this, site, step](Thread& thread) {
      do {
        thread.Mark("may");
        Thread::MayCall(site, system_, step);
      } while (cast_.endless);
    });
  }

  const ForeignCast cast_;
  ObjectOf<int> work_;
  ObjectOf<System> system_;
  Host host_{*this};
  ForeignLoopGlue<Env, Host> loop_{host_};
};

inline void AddForeignScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about,
                          ForeignCast cast) {
    all.push_back({name, about, false, [cast] {
                     return std::unique_ptr<World>(new ForeignWorld(cast));
                   }});
  };
  add("foreign-work", "a loop of somebody else's, and work from other threads",
      {.submitters = 2, .pushes = 2});
  add("foreign-event",
      "... an event, a deadline, and matters of the loop's own",
      {.deadline = 5, .times = {5}, .event = true, .other = true});
  add("foreign-event-work", "... an event, and a break at once",
      {.submitters = 1, .pushes = 2, .event = true, .other = true});
  add("foreign-deadlines", "... deadlines that come forward while it sleeps",
      {.deadlines = {9, 5}, .times = {5, 9}});
  add("foreign-later", "... and one that moves later",
      {.deadline = 5, .deadlines = {9}, .times = {5, 9}, .event = true});
  add("closed-foreign", "... work, deadlines and other matters without end",
      {.submitters = 1,
       .deadlines = {ForeignCast::kNoTime, 5},
       .times = {5},
       .other = true,
       .endless = true});
  all.back().closed = true;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_FOREIGN_WORLD_H_
