// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the poll backend with a script: each call can be told to
// return an error instead, and all are counted.

#ifndef NETPOLL_TESTS_CONFORMANCE_POLL_SCRIPTED_SYS_H_
#define NETPOLL_TESTS_CONFORMANCE_POLL_SCRIPTED_SYS_H_

#include <poll.h>
#include <time.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "netpoll/backends/poll/poll_sys.h"

namespace netpoll::conformance {

enum class PollCall : std::uint8_t { kPipe, kPoll, kPpoll, kRead, kWrite };

// For tests of one thread.
struct PollScript {
  // What the next calls return instead of calling; 0: call.
  std::map<PollCall, std::deque<int>> returns;
  std::map<PollCall, int> count;
  std::vector<int> waited_millis;
  std::vector<timespec> waited;
  // What each call of poll or ppoll was asked about, the pipe included.
  std::vector<std::vector<pollfd>> asked;
  // Done once, when the next poll or ppoll begins: as if by another thread.
  std::function<void()> meanwhile;

  std::optional<int> Next(PollCall call) {
    ++count[call];
    std::deque<int>& queue = returns[call];
    if (queue.empty()) return {};
    const int value = queue.front();
    queue.pop_front();
    if (value == 0) return {};
    return value;
  }

  void Begin(const pollfd* fds, std::size_t size) {
    asked.emplace_back(fds, fds + size);
    if (meanwhile) std::exchange(meanwhile, nullptr)();
  }
};

struct ScriptedPollSys {
  static PollScript& script() {
    static PollScript instance;
    return instance;
  }

  static int Pipe(int* ends) {
    if (const auto said = script().Next(PollCall::kPipe)) return *said;
    return PollSys::Pipe(ends);
  }
  static int Poll(pollfd* fds, std::size_t size, int millis) {
    script().waited_millis.push_back(millis);
    script().Begin(fds, size);
    if (const auto said = script().Next(PollCall::kPoll)) return *said;
    return PollSys::Poll(fds, size, millis);
  }
  static int Ppoll(pollfd* fds, std::size_t size, const timespec* limit) {
    script().waited.push_back(*limit);
    script().Begin(fds, size);
    if (const auto said = script().Next(PollCall::kPpoll)) return *said;
    return PollSys::Ppoll(fds, size, limit);
  }
  static int Read(int fd, void* bytes, std::size_t size) {
    if (const auto said = script().Next(PollCall::kRead)) return *said;
    return PollSys::Read(fd, bytes, size);
  }
  static int Write(int fd, const void* bytes, std::size_t size) {
    if (const auto said = script().Next(PollCall::kWrite)) return *said;
    return PollSys::Write(fd, bytes, size);
  }
  static void Close(int fd) { PollSys::Close(fd); }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_POLL_SCRIPTED_SYS_H_
