// SPDX-License-Identifier: Apache-2.0
//
// The sleep protocol where work is announced by a word alone, and no lock of a
// queue orders the submitter's push and the worker's second look. Both are
// seq_cst; then the protocol's words must be too. Or the word is the next time
// of the timer heap as it ships.

#ifndef NETPOLL_MODEL_SCENARIOS_DOORBELL_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_DOORBELL_WORLD_H_

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/core/types.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/engine/world.h"
#include "netpoll/model/model_env.h"

namespace netpoll::model {

struct DoorbellCast {
  int workers = 1;
  bool polled = false;  // The first worker is in a poll when the story begins.
  bool deadline = false;  // Not work but an earlier deadline is announced.
  // Nobody submits. The first worker's poll ends by itself; it has other work
  // then, and does not come back.
  bool leaves = false;
  bool timer = false;  // The deadline is one of the timer heap's.
};

class DoorbellWorld : public World {
 public:
  explicit DoorbellWorld(const DoorbellCast& cast)
      : cast_(cast), broken_(0), protocol_(Keep(new SleepProtocol<Env>)) {
    bell_.object().name = "bell";
    if (cast.timer && !heap_.Reserve(1)) std::abort();
    broken_.name = "break";
    if (cast.polled) (void)protocol_.Announce(0, kLater);
    (void)protocol_.AnyPoller();
    turn_ = ObjectAt("any.turn");
    turn_->name = "turn";
    for (int i = 0; i < cast.workers; ++i) {
      AddThread("worker" + std::to_string(i + 1),
                [=, this](Thread& thread) { Worker(thread, i); });
    }
    if (!cast.leaves)
      AddThread("submitter", [this](Thread& thread) { Submitter(thread); });
    Settle();
  }

  const char* AtRest(const View& view) override {
    if (cast_.leaves) return AtRestOfTheOther(view);
    if (!view.ended(cast_.workers)) return nullptr;
    for (int i = 0; i < cast_.workers; ++i) {
      if (view.ended(i)) return nullptr;
    }
    return Of(0, &bell_.object(),
              "L6: work was announced, and no worker has seen it");
  }

 private:
  using Env = ModelEnv<2>;
  static constexpr std::int64_t kLater = 9;
  static constexpr std::int64_t kSooner = 5;

  // The second worker is asleep, and nobody polls.
  const char* AtRestOfTheOther(const View& view) {
    const bool sleeps = std::string_view(view.Next(1).site) == "sleep.park";
    const bool polled =
        static_cast<std::int64_t>(turn_->Bits(view.Raw(*turn_))) >= 0;
    return sleeps && !polled
               ? Of(1, turn_, "L6: a worker sleeps, and nobody polls")
               : nullptr;
  }

  // Until it has seen the bell.
  void Worker(Thread& thread, int number) {
    bool holds = cast_.polled && number == 0;
    for (;;) {
      thread.Mark("idle", {holds ? 1 : 0});
      IdleRole role = IdleRole::kPoller;
      if (!holds) {
        role = protocol_.Announce(number, kLater);
        thread.Mark("announced", {static_cast<int>(role)});
        if (Rung()) {
          if (protocol_.Retract(number, role)) protocol_.WakeSleeper();
          return;
        }
      }
      holds = false;
      if (role == IdleRole::kSleeper) {
        protocol_.Sleep(number);
        thread.Mark("woken");
        continue;
      }
      if (cast_.leaves && number == 0) {
        thread.May("worker.poll_ends");
        protocol_.EndPoll();
        protocol_.WakeSleeper();
        return;
      }
      Thread::Await<int>("worker.poll", broken_,
                         [](int& broken, std::int64_t) -> std::optional<int> {
                           if (broken == 0) return std::nullopt;
                           broken = 0;
                           return 0;
                         });
      protocol_.EndPoll();
      thread.Mark("polled");
    }
  }

  bool Rung() {
    if (cast_.timer) return heap_.Next() <= kSooner;
    return bell_.Load("worker.look", Order::kSeqCst) != 0;
  }

  void Submitter(Thread& thread) {
    thread.May("submitter.go");
    if (cast_.timer) {
      (void)heap_.Arm(&timed_, kSooner);
    } else {
      bell_.Store("submitter.push", 1, Order::kSeqCst);
    }
    const bool breaks =
        cast_.deadline ? protocol_.DeadlineMoved(kSooner) : protocol_.Wake();
    if (!breaks) return;
    Thread::Call<int>("submitter.break", broken_,
                      [](int& broken, std::int64_t) -> std::optional<int> {
                        broken = 1;
                        return 0;
                      });
  }

  struct Timed {
    TimerPosition position = 0;
    TimerPosition& timer_position() { return position; }
  };

  const DoorbellCast cast_;
  ObjectOf<int> broken_;
  SleepProtocol<Env>& protocol_;
  Env::Atomic<int> bell_{0};
  Timed timed_;
  TimerHeap<Env, Timed> heap_;
  Object* turn_ = nullptr;
};

inline void AddDoorbellScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about,
                          DoorbellCast cast) {
    all.push_back({name, about, false, [cast] {
                     return std::unique_ptr<World>(new DoorbellWorld(cast));
                   }});
  };
  add("bell-one", "one worker: announce and look against push and wake", {});
  add("bell-sleeper", "one polls, another one goes to sleep",
      {.workers = 2, .polled = true});
  add("bell-two", "two run out of work at once", {.workers = 2});
  add("bell-deadline", "a deadline is brought forward instead",
      {.deadline = true});
  add("bell-timer", "... and it is the next time of the timer heap",
      {.deadline = true, .timer = true});
  add("bell-leaves", "whoever polls goes to work while another goes to sleep",
      {.workers = 2, .polled = true, .leaves = true});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_DOORBELL_WORLD_H_
