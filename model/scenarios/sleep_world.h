// SPDX-License-Identifier: Apache-2.0
//
// The sleep protocol: workers that run out of work, one of whom polls while
// the others sleep, and threads that submit work or bring a deadline forward.

#ifndef NETPOLL_MODEL_SCENARIOS_SLEEP_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_SLEEP_WORLD_H_

#include <algorithm>
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
  int pushes = 1;        // Of each submitter.
  bool lasting = false;  // Work that was begun never ends.
  // The first worker polls when the story begins, and these last ones sleep.
  bool polled = false;
  int asleep = 0;
  // A thread brings the earliest deadline forward, to each of these in turn.
  std::vector<int> deadlines = {};
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
    if (!cast.deadlines.empty()) {
      AddThread("setter", [this](Thread& thread) { Setter(thread); });
    }
    if (cast.polled) sleep_.Announce(0, Protocol::kForever);
    for (int i = 1; i <= cast.asleep; ++i) {
      sleep_.Announce(cast.workers - i, Protocol::kForever);
    }
    sleep_.AnySleeper();
    sleepers_ = ObjectAt("any.sleepers");
    sleepers_->name = "sleepers";
    Settle();
  }

  const char* Invariant(const View& view) override {
    int polls = 0;
    for (int worker = 0; worker < cast_.workers; ++worker) {
      polls += Polls(view, worker) != 0 ? 1 : 0;
    }
    return polls > 1 ? "D8: two workers poll at once" : nullptr;
  }

  // A worker that has found work and retracts, although a waker has chosen it
  // meanwhile, owes that wake-up to somebody else.
  const char* Observed(int thread, const Access& access, Value response,
                       netpoll_model::Ghost& ghost) override {
    if (thread >= cast_.workers || (ghost.note & kNoteRetracts) == 0 ||
        access.op != Op::kLoad) {
      return nullptr;
    }
    const std::uint64_t mask = access.object->Bits(response);
    if (std::strcmp(access.site, "retract.sleepers") == 0 &&
        (mask >> thread & 1) == 0) {
      ghost.note |= kNoteOwes;
    }
    if (std::strcmp(access.site, "wake.sleepers") == 0) {
      ghost.note &= ~kNoteOwes;
    }
    return nullptr;
  }

  // Workers that are busy need nobody: they look when their work ends. One that
  // idles must not be left with work, nor with a descriptor nobody looks at.
  const char* AtRest(const View& view) override {
    const std::uint64_t mask = sleepers_->Bits(view.Raw(*sleepers_));
    bool sleeps = false;
    std::uint32_t polls = 0;  // Until when.
    for (int worker = 0; worker < cast_.workers; ++worker) {
      polls = std::max(polls, Polls(view, worker));
      if (std::strcmp(view.Next(worker).site, "sleep.park") != 0) continue;
      sleeps = true;
      if ((mask >> worker & 1) == 0) {
        return "L6: a worker sleeps whom nobody can wake";
      }
    }
    if (!sleeps && polls == 0) return nullptr;
    if (view.Of(work_) != 0) {
      return "L6: there is work, and a worker sleeps or polls";
    }
    if (polls == 0) return "L6: a worker sleeps, and nobody polls";
    if (polls > static_cast<std::uint32_t>(view.Of(earliest_))) {
      return "L6: a deadline is set, and nobody polls until then";
    }
    return nullptr;
  }

 private:
  static constexpr int kNever = 99;
  // A worker's note: until when it polls, or one of these.
  static constexpr std::uint32_t kNoteRetracts = 1u << 8;
  static constexpr std::uint32_t kNoteOwes = 1u << 9;
  static std::uint32_t Polls(const View& view, int worker) {
    return view.note(worker) & 255;
  }
  using Int = netpoll_model::ObjectOf<int>;

  static std::optional<int> Pop(int& work, std::int64_t) {
    if (work == 0) return 0;
    --work;
    return 1;
  }
  static std::optional<int> Look(int& value, std::int64_t) { return value; }

  bool Found() { return Thread::Call("worker.pop", work_, Pop) != 0; }
  bool Visible() { return Thread::Call("worker.look", work_, Look) != 0; }
  int Earliest() { return Thread::Call("worker.timers", earliest_, Look); }

  void Worker(Thread& thread, int number) {
    if (cast_.polled && number == 0) Poll(thread, kNever);
    if (number >= cast_.workers - cast_.asleep) sleep_.Sleep(number);
    for (;;) {
      thread.Mark("loop");
      if (Found()) {
        if (cast_.lasting) return;
        continue;
      }
      thread.Mark("idle");
      if (cast_.look_before_announce && Visible()) continue;
      const bool timed = !cast_.deadlines.empty();
      const int until = timed ? Earliest() : kNever;
      const IdleRole role =
          sleep_.Announce(number, until == kNever ? Protocol::kForever : until);
      thread.Mark("announced", {until, static_cast<int>(role)});
      const bool look = !cast_.no_second_look && !cast_.look_before_announce;
      if ((look && Visible()) ||
          (timed && role == IdleRole::kPoller && Earliest() < until)) {
        thread.Mark("retract", {static_cast<int>(role)});
        thread.Note(kNoteRetracts);
        if (sleep_.Retract(number, role)) Notify();
        if ((thread.note() & kNoteOwes) != 0) {
          thread.Fail("L6: a wake-up was spent on a worker that had work");
        }
        thread.Note(0);
        // This worker will be busy: somebody else should poll.
        if (role == IdleRole::kPoller) sleep_.WakeSleeper();
        continue;
      }
      thread.Mark("sleep", {until, static_cast<int>(role)});
      if (role == IdleRole::kPoller) {
        Poll(thread, until);
      } else {
        sleep_.Sleep(number);
      }
    }
  }

  void Poll(Thread& thread, int until) {
    thread.Note(static_cast<std::uint32_t>(until));
    Thread::Await<int>("worker.poll", broken_,
                       [](int& token, std::int64_t) -> std::optional<int> {
                         if (token == 0) return std::nullopt;
                         token = 0;
                         return 0;
                       });
    thread.Note(0);
    sleep_.EndPoll();
    thread.Mark("polled");
    if (Visible()) sleep_.WakeSleeper();
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
      Notify();
    }
  }

  void Notify() {
    if (sleep_.Wake() && !cast_.no_break) {
      Thread::Call("submitter.break", broken_, Post);
    }
  }

  void Setter(Thread& thread) {
    for (const int when : cast_.deadlines) {
      thread.Mark("set", {when});
      thread.May("setter.go");
      Thread::Call<int>(
          "setter.arm", earliest_,
          [](int& earliest, std::int64_t at) -> std::optional<int> {
            earliest = static_cast<int>(at);
            return 0;
          },
          when);
      if (sleep_.DeadlineMoved(when)) {
        Thread::Call("setter.break", broken_, Post);
      }
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
  add("sleep-deadline", "a deadline is brought forward under a blocked poll",
      {.workers = 1, .submitters = 0, .deadlines = {5}});
  add("sleep-deadlines", "... and once more, before the time that is polled to",
      {.workers = 1, .submitters = 0, .deadlines = {9, 5}});
  add("sleep-lasting", "work that never ends, and other work meanwhile",
      {.workers = 2, .submitters = 2, .lasting = true});
  add("sleep-three", "one polls, one sleeps, one has just run out of work",
      {.workers = 3,
       .submitters = 2,
       .lasting = true,
       .polled = true,
       .asleep = 1});
  add("sleep-two-idle", "one polls, two run out of work at once",
      {.workers = 3, .lasting = true, .polled = true});
  add("sleep-two-asleep", "one polls, two sleep: each wake-up has its sleeper",
      {.workers = 3,
       .submitters = 2,
       .lasting = true,
       .polled = true,
       .asleep = 2});
  add("sleep-lasting-deadline", "work that never ends, and a deadline",
      {.workers = 2, .submitters = 1, .lasting = true, .deadlines = {5}});
  add("huge-sleep", "four workers, three threads that push, two deadlines",
      {.workers = 4, .submitters = 3, .pushes = 3, .deadlines = {9, 5}});
  all.back().huge = true;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_SLEEP_WORLD_H_
