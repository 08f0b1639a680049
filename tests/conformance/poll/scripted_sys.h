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
#include <functional>
#include <utility>
#include <vector>

#include "netpoll/backends/poll/poll_sys.h"
#include "netpoll/tests/conformance/scripted/scripted_calls.h"

namespace netpoll::conformance {

enum class PollCall : std::uint8_t { kPipe, kPoll, kPpoll, kRead, kWrite };

// For tests of one thread.
struct PollScript : ScriptedCalls<PollCall> {
  std::vector<int> waited_millis;
  std::vector<timespec> waited;
  // What each call of poll or ppoll was asked about, the pipe included.
  std::vector<std::vector<pollfd>> asked;
  // Done once, when the next poll or ppoll begins: as if by another thread.
  std::function<void()> meanwhile;

  void Begin(const pollfd* fds, std::size_t size) {
    asked.emplace_back(fds, fds + size);
    if (meanwhile) std::exchange(meanwhile, nullptr)();
  }
};

struct ScriptedPollSys {
  static constexpr std::size_t kMostAsked = PollSys::kMostAsked;

  static PollScript& script() {
    static PollScript instance;
    return instance;
  }

  static int Pipe(int* ends) {
    return script().Do(PollCall::kPipe, PollSys::Pipe, ends);
  }
  static int Poll(pollfd* fds, std::size_t size, int millis) {
    script().waited_millis.push_back(millis);
    script().Begin(fds, size);
    return script().Do(PollCall::kPoll, PollSys::Poll, fds, size, millis);
  }
  static int Ppoll(pollfd* fds, std::size_t size, const timespec* limit) {
    script().waited.push_back(*limit);
    script().Begin(fds, size);
    return script().Do(PollCall::kPpoll, PollSys::Ppoll, fds, size, limit);
  }
  static int Read(int fd, void* bytes, std::size_t size) {
    return script().Do(PollCall::kRead, PollSys::Read, fd, bytes, size);
  }
  static int Write(int fd, const void* bytes, std::size_t size) {
    return script().Do(PollCall::kWrite, PollSys::Write, fd, bytes, size);
  }
  static void Close(int fd) { PollSys::Close(fd); }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_POLL_SCRIPTED_SYS_H_
