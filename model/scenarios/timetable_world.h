// SPDX-License-Identifier: Apache-2.0
//
// Sleeps: tasks that sleep, with room in the heap of times or without, a rest
// of an operation that may be stopped, a worker that ends what is due, a clock,
// and Stop, which ends all of it.

#ifndef NETPOLL_MODEL_SCENARIOS_TIMETABLE_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_TIMETABLE_WORLD_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "netpoll/model/scenarios/model_times.h"
#include "netpoll/model/scenarios/runtime_world.h"
#include "netpoll/runtime/protocols/timetable.h"

namespace netpoll::model {

struct TimetableCast {
  std::vector<int> sleeps = {};  // Until when each task sleeps.
  std::size_t rooms = 4;         // In the heap, the runtime's own among them.
  std::vector<int> times = {};   // The clock passes these.
  bool stops = false;
  int rests = 0;  // Until when an operation rests; 0: there is none.
};

class TimetableWorld : public RuntimeWorld {
 public:
  explicit TimetableWorld(const TimetableCast& cast)
      : cast_(cast), host_(cast.rooms), rest_ended_(0) {
    rest_ended_.name = "rest";
    for (std::size_t i = 0; i < cast.sleeps.size(); ++i) {
      Sleeper& sleeper = sleepers_[i];
      sleeper.timer_number = static_cast<int>(i) + 1;
      sleeper.until = cast.sleeps[i];
      Introduce(sleeper, AddThread("task" + std::to_string(i + 1),
                                   [&sleeper, this](Thread& thread) {
                                     Sleeps(thread, sleeper);
                                   }));
    }
    if (cast.rests != 0) {
      rest_.timer_number = 3;
      rest_.world = this;
      rester_ =
          AddThread("operation", [this](Thread& thread) { Rests(thread); });
    }
    AddThread("worker", [this](Thread& thread) { Worker(thread); });
    if (!cast.times.empty()) {
      AddThread("clock", [this](Thread&) {
        for (const int time : cast_.times) host_.times().MayPass(time);
      });
    }
    if (cast.stops) {
      stopper_ = AddThread("stopper", [this](Thread& thread) {
        thread.May("stop");
        host_.Stop();
      });
    }
    Settle();
  }

  const char* AtRest(const View& view) override {
    const bool stopped = stopper_ >= 0 && view.ended(stopper_);
    const ModelClock& clock = view.Of(host_.times().clock());
    for (std::size_t i = 0; i < cast_.sleeps.size(); ++i) {
      if (!view.parked(sleepers_[i].thread)) continue;
      if (stopped)
        return Of(sleepers_[i].thread,
                  "R6: a task sleeps though all was stopped");
      if (cast_.sleeps[i] <= clock.now) {
        return Of(sleepers_[i].thread, &host_.times().clock(),
                  "R7: a sleep's time has passed, and it does not end");
      }
    }
    if (rester_ < 0 || !view.ended(rester_)) return nullptr;
    if (view.Of(rest_ended_) > 1)
      return Of(rester_, &rest_ended_, "R7: a rest ended twice");
    const bool must_end = stopped || cast_.rests <= clock.now;
    return view.Of(rest_ended_) == 0 && must_end
               ? Of(rester_, &rest_ended_,
                    "R7: a rest's time has passed, and it does not end")
               : nullptr;
  }

 private:
  struct Timed {
    using Due = void (*)(Timed*);
    explicit Timed(Due called) : due(called) {}
    const Due due;
    int timer_number = 0;  // The roomless sleeps'.
  };
  struct Sleeper : TaskOfThread, Timed {
    Sleeper() : Timed(&Sleeper::Wake) {}
    std::int64_t When() const { return LongTime(until); }
    static void Wake(Timed* self) {
      if (!Thread::WakeEarly(static_cast<Sleeper*>(self)->thread)) {
        StopProgram("R7: a sleep ended twice");
      }
    }
    int until = 0;
  };
  struct Rest : Timed {
    Rest() : Timed(&Rest::Ends) {}
    static void Ends(Timed* self) {
      Thread::Call("rest.ends", static_cast<Rest*>(self)->world->rest_ended_,
                   Count, 1);
    }
    TimetableWorld* world = nullptr;
  };
  struct Types {
    using Timed = TimetableWorld::Timed;
    using Sleeper = TimetableWorld::Sleeper;
    using Heap = ModelTimes<Timed>;
  };

  class Host : public internal::Timetable<RuntimeEnv, Host, Types> {
   public:
    explicit Host(std::size_t rooms) { times_.HaveRoomFor(rooms); }
    ModelTimes<Timed>& times() { return times_; }

    void Shut() {}
    void CloseAllOpen() {}
    void DeadlineMoved(std::int64_t when) { times_.Moved(when); }
    std::int64_t Now() { return times_.Now(); }
  };

  void Sleeps(Thread& thread, Sleeper& sleeper) {
    thread.May("sleep");
    if (host_.stopping()) return;
    host_.StartSleep(&sleeper);
    thread.Park();
    if (host_.stopping()) return;
    if (host_.times().Now() < sleeper.until) {
      thread.Fail("R7: a sleep ended before its time");
    }
  }

  // Whoever ends it, its timer or the operation, does so once.
  void Rests(Thread& thread) {
    thread.May("rest");
    if (!host_.StartTimer(&rest_, cast_.rests)) return;
    // As Stop, which closes the descriptor first, has it end.
    if (host_.stopping() || Thread::Choose("rest.stops", 2) == 1) {
      if (host_.StopTimer(&rest_)) Rest::Ends(&rest_);
    }
  }

  void Worker(Thread& thread) {
    for (;;) {
      thread.Mark("worker");
      host_.WakeSleeps(host_.times().SleepUntilDue());
    }
  }

  const TimetableCast cast_;
  Host host_;
  Sleeper sleepers_[2];
  Rest rest_;
  Int rest_ended_;
  int stopper_ = -1;
  int rester_ = -1;
};

inline void AddTimetableScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about,
                          TimetableCast cast) {
    AddScenario<TimetableWorld>(all, name, about, cast);
  };
  add("times-sleep", "a task sleeps, and all is stopped",
      {.sleeps = {5}, .times = {5}, .stops = true});
  add("times-two", "two sleep, the second until an earlier time",
      {.sleeps = {7, 5}, .times = {5, 7}});
  add("times-two-stop", "two sleep, and all is stopped",
      {.sleeps = {5, kNoTime}, .times = {5}, .stops = true});
  add("times-no-room", "a sleep finds no room",
      {.sleeps = {5}, .rooms = 1, .times = {5}, .stops = true});
  add("times-no-room-two", "two find none, the second until an earlier time",
      {.sleeps = {7, 5}, .rooms = 1, .times = {5, 7}});
  add("times-one-room", "one finds room, and gives it back",
      {.sleeps = {5, 7}, .rooms = 2, .times = {5, 7}});
  add("times-no-room-stop", "two find none, and all is stopped",
      {.sleeps = {5, kNoTime}, .rooms = 1, .times = {5}, .stops = true});
  add("times-rest", "an operation rests, and stops resting",
      {.times = {3}, .stops = true, .rests = 3});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_TIMETABLE_WORLD_H_
