// SPDX-License-Identifier: Apache-2.0
//
// Timers of a model, for runtime/protocols/timetable.h: a clock, what is due at
// which time, and until when the worker sleeps that sees to it.

#ifndef NETPOLL_MODEL_SCENARIOS_MODEL_TIMES_H_
#define NETPOLL_MODEL_SCENARIOS_MODEL_TIMES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "netpoll/core/delta.h"
#include "netpoll/model/engine/object.h"
#include "netpoll/model/engine/world.h"

namespace netpoll::model {

inline constexpr int kNoTime = 99;

// A time of theirs as a protocol has it, and the other way round.
inline std::int64_t LongTime(int time) {
  return time == kNoTime ? kNever - 1 : time;
}
inline int ShortTime(std::int64_t time) {
  return time >= kNoTime ? kNoTime : static_cast<int>(time);
}

struct ModelClock {
  static constexpr int kTimers = 4;

  int now = 0;
  int known = kNoTime + 1;  // The worker sleeps until then.
  int due[kTimers] = {};    // 0: it is not armed.

  int Earliest() const {
    int earliest = kNoTime + 1;
    for (const int time : due) {
      if (time != 0) earliest = std::min(earliest, time);
    }
    return earliest;
  }
  std::string Text() const {
    std::string text = "now " + std::to_string(now);
    for (const int time : due) {
      if (time != 0) text += ", due " + std::to_string(time);
    }
    return text;
  }
  friend bool operator==(const ModelClock&, const ModelClock&) = default;
};

// What is due has a number, `timer_number`, from 0 on.
template <class Owner>
class ModelTimes {
 public:
  struct Firing {
    Owner* owner;
  };
  using Clock = ObjectOf<ModelClock>;

  ModelTimes() : clock_(ModelClock{}) { clock_.name = "clock"; }

  Clock& clock() { return clock_; }
  void HaveRoomFor(std::size_t rooms) { rooms_ = rooms; }

  bool Reserve(std::size_t timers) const { return timers <= rooms_; }
  bool Arm(Owner* owner, std::int64_t when) {
    const auto step = [](ModelClock& clock,
                         std::int64_t what) -> std::optional<int> {
      const int before = clock.Earliest();
      clock.due[what / kScale] = static_cast<int>(what % kScale);
      return clock.Earliest() < before ? 1 : 0;
    };
    owners_[owner->timer_number] = owner;  // Always the same.
    return Thread::Call<ModelClock>(
               "times.arm", clock_, step,
               owner->timer_number * kScale + ShortTime(when)) != 0;
  }
  bool Remove(Owner* owner) {
    const auto step = [](ModelClock& clock,
                         std::int64_t timer) -> std::optional<int> {
      const bool there = clock.due[timer] != 0;
      clock.due[timer] = 0;
      return there ? 1 : 0;
    };
    return Thread::Call<ModelClock>("times.remove", clock_, step,
                                    owner->timer_number) != 0;
  }
  // The first of those that are due; kTimers: none.
  bool PopDue(std::int64_t now, Firing* firing) {
    const auto step = [](ModelClock& clock,
                         std::int64_t until) -> std::optional<int> {
      for (int timer = 0; timer < ModelClock::kTimers; ++timer) {
        if (clock.due[timer] == 0 || clock.due[timer] > until) continue;
        if (clock.due[timer] != clock.Earliest()) continue;
        clock.due[timer] = 0;
        return timer;
      }
      return ModelClock::kTimers;
    };
    const int timer =
        Thread::Call<ModelClock>("times.pop", clock_, step, ShortTime(now));
    if (timer == ModelClock::kTimers) return false;
    firing->owner = owners_[timer];
    return true;
  }

  // --- Who sees to it -------------------------------------------------------

  // The worker looks when it is next needed, and sleeps until then, or until it
  // is told of something earlier. Answers the time.
  int SleepUntilDue() {
    Thread::Call<ModelClock>(
        "worker.looks", clock_,
        [](ModelClock& clock, std::int64_t) -> std::optional<int> {
          clock.known = clock.Earliest();
          return 0;
        });
    return Thread::Await<ModelClock>(
        "worker.sleeps", clock_,
        [](ModelClock& clock, std::int64_t) -> std::optional<int> {
          if (clock.known > clock.now) return std::nullopt;
          return clock.now;
        });
  }
  void Moved(std::int64_t when) {
    Thread::Call<ModelClock>(
        "worker.told", clock_,
        [](ModelClock& clock, std::int64_t earlier) -> std::optional<int> {
          clock.known = std::min(clock.known, static_cast<int>(earlier));
          return 0;
        },
        ShortTime(when));
  }
  int Now() {
    return Thread::Call<ModelClock>(
        "clock.now", clock_,
        [](ModelClock& clock, std::int64_t) -> std::optional<int> {
          return clock.now;
        });
  }
  // A stimulus.
  void MayPass(int now) {
    Thread::MayCall<ModelClock>(
        "clock.passes", clock_,
        [](ModelClock& clock, std::int64_t time) -> std::optional<int> {
          clock.now = static_cast<int>(time);
          return 0;
        },
        now);
  }

 private:
  static constexpr int kScale = 1000;

  Clock clock_;
  Owner* owners_[ModelClock::kTimers] = {};
  std::size_t rooms_ = 0;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_MODEL_TIMES_H_
