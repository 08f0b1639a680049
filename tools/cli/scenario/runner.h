// SPDX-License-Identifier: Apache-2.0
//
// Runs the statements of a scenario on one poller, on one thread. After each
// the poller is quiescent: what is ready is delivered, deadlines that have
// passed are delivered, and the tasks that this woke have parked or ended.
//
// The order in which tasks that become ready together run makes no difference
// to what is printed: each has a direction of a descriptor to itself.

#ifndef NETPOLL_TOOLS_CLI_SCENARIO_RUNNER_H_
#define NETPOLL_TOOLS_CLI_SCENARIO_RUNNER_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "netpoll/core/deadline.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/core/worker_glue.h"
#include "netpoll/tools/cli/scenario/counting_backend.h"
#include "netpoll/tools/cli/scenario/outcome.h"
#include "netpoll/tools/cli/scenario/socket_pair.h"
#include "netpoll/tools/cli/scenario/statement.h"
#include "netpoll/tools/cli/scenario/task.h"
#include "netpoll/tools/common/cat.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::scenario {

template <class Backend, class Sockets = SystemSockets>
class Runner {
 public:
  Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Tasks may be parked and descriptors open.
  ~Runner() {
    for (auto& [name, descriptor] : descriptors_) {
      if (!descriptor->unblocked) Run(poller_.Unblock(descriptor->desc));
      Settle();
      poller_.Close(descriptor->desc);
    }
  }

  // 0, or the errno: then it is only destroyed.
  int Init() { return poller_.Init(); }

  Outcome Execute(const Statement& statement) {
    Settle();  // Deadlines may have passed since the last one.
    Outcome outcome = Dispatch(statement);
    Settle();
    return outcome;
  }

  // Calls f(name, task) for every task that is parked.
  template <class F>
  void ForEachParked(F f) const {
    for (const auto& [name, task] : tasks_) {
      if (!task->ended()) f(name, *task);
    }
  }

 private:
  using ScenarioPoller = Poller<CountingBackend<Backend>>;
  using ScenarioTask = Task<ScenarioPoller, Sockets>;

  struct Descriptor {
    typename Sockets::Pair pair;
    typename ScenarioPoller::Desc* desc = nullptr;
    bool unblocked = false;
    // The last task of each direction, or null.
    ScenarioTask* reader = nullptr;
    ScenarioTask* writer = nullptr;

    ScenarioTask*& task(Mode direction) {
      return direction == Mode::kRead ? reader : writer;
    }
    bool Parked(Mode direction) {
      return task(direction) != nullptr && !task(direction)->ended();
    }
  };

  // --- Statements -----------------------------------------------------------

  Outcome Dispatch(const Statement& s) {
    if (s.verb == Verb::kSleep) return SleepFor(s.number);
    if (s.verb == Verb::kTask) return ShowTask(s.task);
    const auto found = descriptors_.find(s.descriptor);
    const bool open = found != descriptors_.end();
    if (s.verb == Verb::kOpen) {
      if (open) return Wrong("descriptor", s.descriptor, "is open already");
      return Open(s.descriptor);
    }
    if (!open) return Wrong("descriptor", s.descriptor, "is not open");
    return OnDescriptor(s, *found->second);
  }

  Outcome OnDescriptor(const Statement& s, Descriptor& d) {
    const auto size = static_cast<std::size_t>(s.number);
    switch (s.verb) {
      case Verb::kReset:
        return Reset(s, d);
      case Verb::kWait:
        if (!kHasBareWait<Sockets>) {
          return Outcome::Wrong(
              "wait needs a backend that reports readiness, not completions");
        }
        return StartTask(s, d, TaskKind::kWait, s.mode);
      case Verb::kReader:
        return StartTask(s, d, TaskKind::kReader, Mode::kRead);
      case Verb::kWriter:
        return StartTask(s, d, TaskKind::kWriter, Mode::kWrite);
      case Verb::kRead:
        return Shown(Sockets::Read(d.pair.polled(), size));
      case Verb::kWrite:
        return Shown(Sockets::Write(d.pair.polled(), size));
      case Verb::kPeerRead:
        return Shown(Sockets::Read(d.pair.peer(), size));
      case Verb::kPeerWrite:
        return Shown(Sockets::Write(d.pair.peer(), size));
      case Verb::kFill:
        return Shown(Sockets::WriteAll(d.pair.polled()));
      case Verb::kDrain:
        return Shown(Sockets::ReadAll(d.pair.polled()));
      case Verb::kPeerDrain:
        return Shown(Sockets::ReadAll(d.pair.peer()));
      case Verb::kPeerClose:
      case Verb::kPeerShutdown:
        return EndPeer(s, d);
      case Verb::kDeadline:
        return SetDeadline(s, d);
      case Verb::kUnblock:
        return Unblock(s, d);
      default:
        return Close(s, d);
    }
  }

  Outcome Open(const std::string& name) {
    auto descriptor = std::make_unique<Descriptor>();
    if (const int error = descriptor->pair.Make(); error != 0) {
      return Shown(-error);
    }
    const auto opened = poller_.Open(descriptor->pair.polled());
    if (opened.error != 0) return Shown(-opened.error);
    descriptor->desc = opened.desc;
    descriptors_.emplace(name, std::move(descriptor));
    return Shown(0);
  }

  Outcome Reset(const Statement& s, Descriptor& d) {
    if (d.Parked(s.mode)) return DirectionBusy(s, s.mode);
    return Outcome::Result(Name(poller_.Reset(d.desc, s.mode)));
  }

  Outcome StartTask(const Statement& s, Descriptor& d, TaskKind kind,
                    Mode direction) {
    std::unique_ptr<ScenarioTask>& task = tasks_[s.task];
    if (task != nullptr && !task->ended()) {
      return Wrong("task", s.task, "is parked");
    }
    if (d.Parked(direction)) {
      if (task == nullptr) tasks_.erase(s.task);
      return DirectionBusy(s, direction);
    }
    if (task != nullptr) Forget(task.get());
    task = std::make_unique<ScenarioTask>(poller_, d.desc, d.pair.polled(),
                                          kind, direction, s.number);
    d.task(direction) = task.get();
    task->Start();
    return Outcome::Nothing();
  }

  Outcome ShowTask(const std::string& name) {
    const auto found = tasks_.find(name);
    if (found == tasks_.end()) return Wrong("task", name, "is not known");
    return Outcome::Result(found->second->state());
  }

  Outcome EndPeer(const Statement& s, Descriptor& d) {
    if (PeerClosed(d.pair)) {
      return Wrong("the peer of", s.descriptor, "is closed already");
    }
    if (s.verb == Verb::kPeerClose) {
      d.pair.ClosePeer();
    } else {
      d.pair.ShutDownPeer();
    }
    return Outcome::Nothing();
  }

  Outcome SetDeadline(const Statement& s, Descriptor& d) {
    Deadline deadline = Deadline::None();
    if (s.deadline == DeadlineKind::kPast) deadline = Deadline::Past();
    if (s.deadline == DeadlineKind::kAfter) {
      deadline = Deadline::After(Now(), std::chrono::milliseconds(s.number));
    }
    Run(poller_.SetDeadline(d.desc, s.mode, deadline).wake);
    return Outcome::Nothing();
  }

  Outcome Unblock(const Statement& s, Descriptor& d) {
    if (d.unblocked) {
      return Wrong("descriptor", s.descriptor, "is unblocked already");
    }
    d.unblocked = true;
    Run(poller_.Unblock(d.desc));
    return Outcome::Nothing();
  }

  Outcome Close(const Statement& s, Descriptor& d) {
    for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
      if (d.Parked(direction)) return DirectionBusy(s, direction);
    }
    if (!d.unblocked) {
      return Wrong("descriptor", s.descriptor, "is closed before unblock");
    }
    poller_.Close(d.desc);
    descriptors_.erase(s.descriptor);
    return Outcome::Nothing();
  }

  Outcome SleepFor(std::int64_t millis) {
    const Deadline over =
        Deadline::After(Now(), std::chrono::milliseconds(millis));
    const std::int64_t end = over.past() ? 0 : over.value();
    for (;;) {
      Settle();
      if (Now() >= end) return Outcome::Nothing();
      Run(Turn(end));
    }
  }

  // --- The poller -----------------------------------------------------------

  // Delivers until nothing is left to deliver. What is certain to come, but
  // takes its time on the way, is waited for: not for ever.
  void Settle() {
    constexpr std::int64_t kRound = 10'000'000;  // Nanoseconds.
    constexpr int kMostRounds = 1000;
    for (int round = 0;;) {
      const bool due = round < kMostRounds && Due();
      const std::uint64_t before = poller_.backend().events();
      PollResult result = Turn(due ? Now() + kRound : Now());
      const bool news =
          !result.ready.empty() || poller_.backend().events() != before;
      Run(std::move(result));
      if (news) {
        round = 0;
      } else if (due) {
        ++round;
      } else {
        return;
      }
    }
  }

  // Until `until` at the latest, and no later than the next deadline.
  PollResult Turn(std::int64_t until) {
    return PollTurn(poller_, std::min(until, poller_.NextDeadline()), &Now);
  }

  // Whether a parked task is certain to be woken.
  bool Due() const {
    for (const auto& [name, task] : tasks_) {
      if (!task->ended() && task->due()) return true;
    }
    return false;
  }

  // Runs the tasks of `result` until each parks or ends.
  void Run(PollResult result) {
    // Here they are runnable: nothing comes between this and their turn.
    poller_.AdjustWaiters(result.waiters_delta);
    while (Waiter* const waiter = result.ready.Pop()) {
      static_cast<ScenarioTask*>(waiter)->Resume();
    }
  }

  static std::int64_t Now() { return Sockets::Now(); }

  // --- Words ----------------------------------------------------------------

  static Outcome Shown(CallResult result) {
    return Outcome::Result(Describe(result));
  }

  static Outcome Wrong(const char* what, const std::string& name,
                       const char* problem) {
    return Outcome::Wrong(
        tools::Cat(what, " ", tools::Quoted(name), " ", problem));
  }

  static Outcome DirectionBusy(const Statement& s, Mode direction) {
    return Wrong("descriptor", s.descriptor,
                 direction == Mode::kRead ? "has a parked reader"
                                          : "has a parked writer");
  }

  // The name of an ended task is used again.
  void Forget(const ScenarioTask* task) {
    for (auto& [name, descriptor] : descriptors_) {
      if (descriptor->reader == task) descriptor->reader = nullptr;
      if (descriptor->writer == task) descriptor->writer = nullptr;
    }
  }

  ScenarioPoller poller_;
  std::map<std::string, std::unique_ptr<ScenarioTask>> tasks_;
  std::map<std::string, std::unique_ptr<Descriptor>> descriptors_;
};

}  // namespace netpoll::scenario

#endif  // NETPOLL_TOOLS_CLI_SCENARIO_RUNNER_H_
