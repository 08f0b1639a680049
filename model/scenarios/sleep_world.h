// SPDX-License-Identifier: Apache-2.0
//
// The sleep protocol: workers that run out of work, one of whom polls while
// the others sleep, and threads that submit work or bring a deadline forward.

#ifndef NETPOLL_MODEL_SCENARIOS_SLEEP_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_SLEEP_WORLD_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netpoll/core/sleep_protocol.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/env.h"

namespace netpoll::model {

struct SleepCast {
  int workers = 2;
  int submitters = 1;
  int pushes = 1;         // Of each submitter.
  bool deadline = false;  // A thread brings the earliest deadline forward.
  // An embedder that gets the protocol wrong: the rows of decision 9.
  bool no_second_look = false;
  bool look_before_announce = false;
  bool no_break = false;
};

class SleepWorld : public netpoll_model::World {
 public:
  using Thread = netpoll_model::Thread;
  using View = netpoll_model::View;

  explicit SleepWorld(const SleepCast& cast)
      : cast_(cast), work_(0), broken_(0), earliest_(kNever) {
    work_.name = "queue";
    broken_.name = "break";
    earliest_.name = "earliest";
    for (int i = 0; i < cast.workers; ++i) {
      AddThread("worker" + std::to_string(i + 1),
                [=, this](Thread& thread) { Worker(thread, i); });
    }
    for (int i = 0; i < cast.submitters; ++i) {
      AddThread("submitter" + std::to_string(i + 1),
                [this](Thread& thread) { Submitter(thread); });
    }
    if (cast.deadline) {
      AddThread("setter", [this](Thread& thread) { Setter(thread); });
    }
    sleep_.AnySleeper();
    sleepers_ = ObjectAt("any.sleepers");
    sleepers_->name = "sleepers";
    Settle();
  }

  const char* AtRest(const View& view) override {
    for (int worker = 0; worker < cast_.workers; ++worker) {
      const bool sleeps =
          std::strcmp(view.Next(worker).site, "sleep.park") == 0;
      const std::uint64_t mask = sleepers_->Bits(view.Raw(*sleepers_));
      if (sleeps && (mask >> worker & 1) == 0) {
        return "L6: a worker sleeps whom nobody can wake";
      }
    }
    if (view.Of(work_) != 0) {
      return "L6: there is work, and every worker sleeps or polls";
    }
    if (view.Of(earliest_) == kNever) return nullptr;
    for (int worker = 0; worker < cast_.workers; ++worker) {
      // Polls until a time that is not too late.
      if (view.note(worker) == kPollsUntil) return nullptr;
    }
    return "L6: a deadline is set, and nobody polls until then";
  }

 private:
  static constexpr int kNever = 99;
  static constexpr int kSoon = 5;
  static constexpr std::uint32_t kPollsUntil = 1;
  using Int = netpoll_model::ObjectOf<int>;

  static std::optional<int> Pop(int& work, std::int64_t) {
    if (work == 0) return 0;
    --work;
    return 1;
  }
  static std::optional<int> Look(int& value, std::int64_t) { return value; }

  bool Found() { return Thread::Call("worker.pop", work_, Pop) != 0; }
  int Earliest() { return Thread::Call("worker.timers", earliest_, Look); }

  void Worker(Thread& thread, int number) {
    for (;;) {
      thread.Mark("loop");
      if (Found()) continue;
      thread.Mark("idle");
      if (cast_.look_before_announce && Found()) continue;
      const int until = cast_.deadline ? Earliest() : kNever;
      const IdleRole role =
          sleep_.Announce(number, until == kNever ? Protocol::kForever : until);
      thread.Mark("announced", {until, static_cast<int>(role)});
      const bool look = !cast_.no_second_look && !cast_.look_before_announce;
      if ((look && Found()) ||
          (cast_.deadline && role == IdleRole::kPoller && Earliest() < until)) {
        thread.Mark("retract", {static_cast<int>(role)});
        sleep_.Retract(number, role);
        // What was found is run here; or the new deadline is read.
        continue;
      }
      thread.Mark("sleep", {until, static_cast<int>(role)});
      if (role == IdleRole::kPoller) {
        if (until != kNever) thread.Note(kPollsUntil);
        Thread::Await<int>("worker.poll", broken_,
                           [](int& token, std::int64_t) -> std::optional<int> {
                             if (token == 0) return std::nullopt;
                             token = 0;
                             return 0;
                           });
        thread.Note(0);
        sleep_.EndPoll();
      } else {
        sleep_.Sleep(number);
      }
    }
  }

  static std::optional<int> Post(int& token, std::int64_t) {
    token = 1;
    return 0;
  }

  void Submitter(Thread& thread) {
    for (int i = 0; i < cast_.pushes; ++i) {
      thread.Mark("submit", {i});
      thread.May("submitter.go");
      Thread::Call<int>("submitter.push", work_,
                        [](int& work, std::int64_t) -> std::optional<int> {
                          ++work;
                          return 0;
                        });
      if (sleep_.Wake() && !cast_.no_break) {
        Thread::Call("submitter.break", broken_, Post);
      }
    }
  }

  void Setter(Thread& thread) {
    thread.May("setter.go");
    Thread::Call<int>("setter.arm", earliest_,
                      [](int& earliest, std::int64_t) -> std::optional<int> {
                        earliest = kSoon;
                        return 0;
                      });
    if (sleep_.DeadlineMoved(kSoon)) {
      Thread::Call("setter.break", broken_, Post);
    }
  }

  using Protocol = SleepProtocol<ModelEnv<2, 2>>;

  const SleepCast cast_;
  Protocol sleep_;
  Int work_;
  Int broken_;
  Int earliest_;
  netpoll_model::Object* sleepers_ = nullptr;
};

inline void AddSleepScenarios(std::vector<netpoll_model::Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, SleepCast cast) {
    all.push_back({name, about, false, [cast] {
                     return std::unique_ptr<netpoll_model::World>(
                         new SleepWorld(cast));
                   }});
  };
  add("sleep-one", "one worker, one push: announce, look again, poll",
      {.workers = 1});
  add("sleep-two", "two workers, one polls and one sleeps",
      {.workers = 2, .pushes = 2});
  add("sleep-two-submitters", "two threads push at once",
      {.workers = 2, .submitters = 2});
  add("sleep-deadline", "a deadline is brought forward under a blocked poll",
      {.workers = 1, .submitters = 0, .deadline = true});
  add("sleep-deadline-work", "a deadline against work, two workers",
      {.workers = 2, .submitters = 1, .deadline = true});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_SLEEP_WORLD_H_
