// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the epoll backend with a script: each call can be told
// to return an error instead, and all are counted.

#ifndef NETPOLL_TESTS_CONFORMANCE_EPOLL_SCRIPTED_SYS_H_
#define NETPOLL_TESTS_CONFORMANCE_EPOLL_SCRIPTED_SYS_H_

#include <time.h>

#include <cstdint>
#include <vector>

#include "netpoll/backends/epoll/linux_sys.h"
#include "netpoll/tests/conformance/scripted/scripted_calls.h"

namespace netpoll::conformance {

enum class Call { kCreate, kEventFd, kCtl, kWait, kPwait2, kRead, kWrite };

// For tests of one thread.
struct Script : ScriptedCalls<Call> {
  std::vector<int> waited_millis;
  std::vector<timespec> waited;
};

struct ScriptedSys {
  static Script& script() {
    static Script instance;
    return instance;
  }

  static int EpollCreate() {
    return script().Do(Call::kCreate, LinuxSys::EpollCreate);
  }
  static int EventFd() {
    return script().Do(Call::kEventFd, LinuxSys::EventFd);
  }
  static int EpollCtl(int epoll, int op, int fd, epoll_event* event) {
    return script().Do(Call::kCtl, LinuxSys::EpollCtl, epoll, op, fd, event);
  }
  static int EpollWait(int epoll, epoll_event* events, int size, int millis) {
    script().waited_millis.push_back(millis);
    return script().Do(Call::kWait, LinuxSys::EpollWait, epoll, events, size,
                       millis);
  }
  static int EpollPwait2(int epoll, epoll_event* events, int size,
                         const timespec* limit) {
    script().waited.push_back(*limit);
    return script().Do(Call::kPwait2, LinuxSys::EpollPwait2, epoll, events,
                       size, limit);
  }
  static int Read8(int fd, std::uint64_t* value) {
    return script().Do(Call::kRead, LinuxSys::Read8, fd, value);
  }
  static int Write8(int fd, std::uint64_t value) {
    return script().Do(Call::kWrite, LinuxSys::Write8, fd, value);
  }
  static void Close(int fd) { LinuxSys::Close(fd); }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_EPOLL_SCRIPTED_SYS_H_
