// SPDX-License-Identifier: Apache-2.0
//
// The timer heap as it ships: owners that arm, move, stop and remove their
// timers, a worker that sleeps until the earliest time that it knows, another
// that looks in passing, and a clock. Arm says whether the sleeper has to be
// told; what it is told is never lost, as the wake token sees to.

#ifndef NETPOLL_MODEL_SCENARIOS_HEAP_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_HEAP_WORLD_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/core/delta.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/engine/world.h"
#include "netpoll/model/model_env.h"

namespace netpoll::model {

// What an owner does next with its one timer.
struct TimerAct {
  enum What : std::uint8_t { kArm, kStop, kRemove };
  What what = kArm;
  int when = 0;
};

struct HeapCast {
  std::vector<std::vector<TimerAct>> owners;
  int ticks = 2;
  int lookers = 0;
};

// Times, and what became of each arming.
struct Clockwork {
  static constexpr int kOwners = 2;
  static constexpr int kArmings = 4;
  enum Fate : std::uint8_t { kNone, kArmed, kMoved, kFired, kRemoved };

  std::uint8_t now = 0;
  std::uint8_t when[kOwners][kArmings] = {};
  Fate fate[kOwners][kArmings] = {};
  bool told = false;  // The sleeper has to look again.

  std::string Text() const {
    std::string text = "at " + std::to_string(now);
    constexpr const char* kFates[] = {"", "", "moved", "fired", "removed"};
    for (int owner = 0; owner < kOwners; ++owner) {
      for (int i = 0; i < kArmings; ++i) {
        if (fate[owner][i] == kNone) continue;
        text += " " + std::to_string(when[owner][i]) + kFates[fate[owner][i]];
      }
    }
    return text + (told ? " told" : "");
  }
  friend bool operator==(const Clockwork&, const Clockwork&) = default;
};

class HeapWorld : public World {
 public:
  explicit HeapWorld(const HeapCast& cast) : cast_(cast), clock_(Clockwork{}) {
    clock_.name = "clock";
    if (!heap_.Reserve(4)) std::abort();
    AddThread("worker", [this](Thread& thread) { Worker(thread); });
    for (std::size_t i = 0; i < cast.owners.size(); ++i) {
      const int owner = static_cast<int>(i);
      AddThread("owner" + std::to_string(i + 1),
                [this, owner](Thread& thread) { Act(thread, owner); });
    }
    for (int i = 0; i < cast.lookers; ++i) {
      AddThread("looker", [this](Thread& thread) {
        thread.May("looker.go");
        Expire(thread, Thread::Call("looker.now", clock_, Now));
      });
    }
    AddThread("time", [this](Thread& thread) {
      for (int i = 0; i < cast_.ticks; ++i) {
        thread.Mark("tick", {i});
        Thread::MayCall("tick", clock_, Tick);
      }
    });
    Settle();
  }

  const char* AtRest(const View& view) override {
    const Clockwork& clock = view.Of(clock_);
    for (int owner = 0; owner < Clockwork::kOwners; ++owner) {
      for (int i = 0; i < Clockwork::kArmings; ++i) {
        if (clock.fate[owner][i] == Clockwork::kArmed &&
            clock.when[owner][i] <= clock.now) {
          return Of(&clock_, "T5: a timer is due, and nobody fires it");
        }
      }
    }
    return nullptr;
  }

 private:
  using Step = std::optional<int>;
  struct Timed {
    TimerPosition position = 0;
    int number = 0;
    TimerPosition& timer_position() { return position; }
  };
  using Heap = TimerHeap<ModelEnv<2>, Timed>;

  static std::int64_t Pack(int owner, int arming, std::int64_t when = 0) {
    return when << 16 | arming << 8 | owner;
  }
  static Step Now(Clockwork& clock, std::int64_t) { return clock.now; }
  static Step Tick(Clockwork& clock, std::int64_t) {
    ++clock.now;
    return 0;
  }
  // An owner is about to arm: its earlier arming counts no more.
  static Step Begin(Clockwork& clock, std::int64_t what) {
    const auto owner = what & 255;
    const auto arming = what >> 8 & 255;
    for (auto& fate : clock.fate[owner]) {
      if (fate == Clockwork::kArmed) fate = Clockwork::kMoved;
    }
    clock.when[owner][arming] = static_cast<std::uint8_t>(what >> 16);
    clock.fate[owner][arming] = Clockwork::kMoved;
    return 0;
  }
  // It is armed, unless it has fired in between.
  static Step Armed(Clockwork& clock, std::int64_t what) {
    auto& fate = clock.fate[what & 255][what >> 8 & 255];
    if (fate == Clockwork::kMoved) fate = Clockwork::kArmed;
    return 0;
  }
  static Step Removed(Clockwork& clock, std::int64_t what) {
    auto& fate = clock.fate[what & 255][what >> 8 & 255];
    if (fate == Clockwork::kFired) return 1;
    fate = Clockwork::kRemoved;
    return 0;
  }
  static Step Stopped(Clockwork& clock, std::int64_t what) {
    auto& fate = clock.fate[what & 255][what >> 8 & 255];
    if (fate == Clockwork::kArmed) fate = Clockwork::kMoved;
    return 0;
  }
  enum Fired { kRight, kEarly, kTwice, kAfterRemove };
  // It was due at a time: that is the last arming for that time which has not
  // fired yet.
  static Step Fire(Clockwork& clock, std::int64_t what) {
    const auto owner = what & 255;
    const auto when = what >> 16;
    if (when > clock.now) return kEarly;
    for (int arming = Clockwork::kArmings - 1; arming >= 0; --arming) {
      auto& fate = clock.fate[owner][arming];
      if (clock.when[owner][arming] != when || fate == Clockwork::kNone ||
          fate == Clockwork::kFired) {
        continue;
      }
      if (fate == Clockwork::kRemoved) return kAfterRemove;
      fate = Clockwork::kFired;
      return kRight;
    }
    return kTwice;
  }
  static Step Tell(Clockwork& clock, std::int64_t) {
    clock.told = true;
    return 0;
  }
  // Sleeps until a time, kNever included, or until it is told.
  static Step Sleep(Clockwork& clock, std::int64_t until) {
    if (!clock.told && clock.now < until) return std::nullopt;
    clock.told = false;
    return clock.now;
  }

  // Fires what is due at `now`.
  void Expire(Thread& thread, int now) {
    Heap::Firing firing{};
    for (;;) {
      thread.Mark("expire", {now});
      if (!heap_.PopDue(now, &firing)) return;
      switch (Thread::Call("fire", clock_, Fire,
                           Pack(firing.owner->number, 0, firing.when))) {
        case kEarly:
          thread.Fail("T4: a timer fired before its time");
        case kTwice:
          thread.Fail("T4: a timer fired twice");
        case kAfterRemove:
          thread.Fail("T4: a timer fired that had been removed");
        default:
          break;
      }
    }
  }

  void Worker(Thread& thread) {
    for (int now = 0;;) {
      Expire(thread, now);
      thread.Mark("sleep");
      now = Thread::Await("worker.sleep", clock_, Sleep, heap_.Next());
    }
  }

  void Act(Thread& thread, int owner) {
    int arming = -1;
    const auto& acts = cast_.owners[static_cast<std::size_t>(owner)];
    for (std::size_t i = 0; i < acts.size(); ++i) {
      thread.Mark("act", {static_cast<std::int64_t>(i), arming});
      thread.May("owner.go");
      switch (acts[i].what) {
        case TimerAct::kArm:
          Thread::Call("owner.arms", clock_, Begin,
                       Pack(owner, ++arming, acts[i].when));
          if (heap_.Arm(&timed_[owner], acts[i].when)) {
            Thread::Call("owner.tells", clock_, Tell);
          }
          Thread::Call("owner.armed", clock_, Armed, Pack(owner, arming));
          break;
        case TimerAct::kStop:
          heap_.Stop(&timed_[owner]);
          Thread::Call("owner.stopped", clock_, Stopped, Pack(owner, arming));
          break;
        case TimerAct::kRemove:
          if (heap_.Remove(&timed_[owner]) &&
              Thread::Call("owner.removed", clock_, Removed,
                           Pack(owner, arming)) != 0) {
            thread.Fail("T6: Remove found a timer that had fired");
          }
          break;
      }
    }
  }

  const HeapCast cast_;
  ObjectOf<Clockwork> clock_;
  Timed timed_[Clockwork::kOwners] = {{0, 0}, {0, 1}};
  Heap heap_;
};

inline void AddHeapScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about,
                          const HeapCast& cast) {
    all.push_back(
        {.name = name,
         .about = about,
         .make = [cast] { return std::unique_ptr<World>(new HeapWorld(cast)); },
         .interleaved = true});
  };
  using Act = TimerAct;
  add("heap-arm", "the timer heap: two timers, a worker that sleeps",
      {{{{Act::kArm, 2}}, {{Act::kArm, 1}}}});
  add("heap-move", "... a timer that moves sooner and later under another",
      {{{{Act::kArm, 2}, {Act::kArm, 1}, {Act::kArm, 2}}, {{Act::kArm, 2}}}});
  add("heap-stop", "... one that is stopped, and armed again",
      {{{{Act::kArm, 1}, {Act::kStop}, {Act::kArm, 2}}, {{Act::kArm, 2}}}});
  add("heap-remove", "... one that is removed while it is handed out",
      {{{{Act::kArm, 1}, {Act::kRemove}, {Act::kArm, 2}}, {{Act::kArm, 1}}}});
  add("heap-look", "... and another worker takes what is due in passing",
      {.owners = {{{Act::kArm, 1}, {Act::kArm, 2}}, {{Act::kArm, 1}}},
       .lookers = 1});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_HEAP_WORLD_H_
