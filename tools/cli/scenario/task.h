// SPDX-License-Identifier: Apache-2.0
//
// A task of a scenario: a small state machine over the poller, resumed by
// whoever runs the poller. Until `ended()` it is parked between two steps.

#ifndef NETPOLL_TOOLS_CLI_SCENARIO_TASK_H_
#define NETPOLL_TOOLS_CLI_SCENARIO_TASK_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/tools/cli/scenario/socket_pair.h"

namespace netpoll::scenario {

// Whether a task may wait without a call under way: not where completions are
// reported.
template <class Sockets>
inline constexpr bool kHasBareWait = true;

template <class Pair>
bool PeerClosed(const Pair& pair) {
  return pair.peer() < 0;
}

enum class TaskKind : std::uint8_t { kWait, kReader, kWriter };

template <class Poller, class Sockets = SystemSockets>
class Task : public Waiter {
 public:
  using Desc = typename Poller::Desc;

  Task(Poller& poller, Desc* desc, int fd, TaskKind kind, Mode direction,
       std::int64_t bytes)
      : poller_(poller),
        desc_(desc),
        fd_(fd),
        kind_(kind),
        direction_(direction),
        bytes_(bytes) {}

  bool ended() const { return !result_.empty(); }
  // "parked", or what it ended with.
  std::string state() const { return ended() ? result_ : "parked"; }

  int fd() const { return fd_; }
  TaskKind kind() const { return kind_; }
  Mode direction() const { return direction_; }

  // Runs until it parks or ends.
  void Start() {
    if (kind_ != TaskKind::kWait) {
      const PollError error = poller_.Reset(desc_, direction_);
      if (error != PollError::kNone) return End(Name(error));
      if (Try()) return;
    }
    Go(poller_.Park(desc_, direction_, this));
  }

  // Somebody took it from a WaiterList: runs until it parks or ends.
  void Resume() { Go(poller_.Resume(desc_, direction_, this)); }

  // Whether it is parked and certain to be woken: readiness is reported as soon
  // as it is there.
  static constexpr bool due() { return false; }

 private:
  // Until it parks or ends.
  void Go(WaitResult wait) {
    while (wait.ready()) {
      if (Try()) return;
      wait = poller_.Park(desc_, direction_, this);
    }
    if (!wait.parked()) End(Name(wait.error()));
  }

  // What the task does when its descriptor may be ready. True: it has ended.
  bool Try() {
    switch (kind_) {
      case TaskKind::kWait:
        End(Name(PollError::kNone));
        return true;
      case TaskKind::kReader:
        return TryRead();
      case TaskKind::kWriter:
        return TryWrite();
    }
    return true;
  }

  bool TryRead() {
    const CallResult result =
        Sockets::Read(fd_, static_cast<std::size_t>(bytes_));
    if (result == -EAGAIN) return false;
    End(result == 0 ? "eof" : Describe(result));
    return true;
  }

  bool TryWrite() {
    while (moved_ < bytes_) {
      const CallResult result =
          Sockets::Write(fd_, static_cast<std::size_t>(bytes_ - moved_));
      if (result == -EAGAIN) return false;
      if (result < 0) {
        End(Describe(result));
        return true;
      }
      moved_ += result;
    }
    End(Describe(moved_));
    return true;
  }

  void End(std::string result) { result_ = std::move(result); }

  Poller& poller_;
  Desc* desc_;
  int fd_;
  TaskKind kind_;
  Mode direction_;
  std::int64_t bytes_;
  std::int64_t moved_ = 0;
  std::string result_;  // Empty: not ended.
};

}  // namespace netpoll::scenario

#endif  // NETPOLL_TOOLS_CLI_SCENARIO_TASK_H_
