// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the epoll backend with a script: each call can be told
// to return an error instead, and all are counted.

#ifndef NETPOLL_TESTS_CONFORMANCE_EPOLL_SCRIPTED_SYS_H_
#define NETPOLL_TESTS_CONFORMANCE_EPOLL_SCRIPTED_SYS_H_

#include <time.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "netpoll/backends/epoll/linux_sys.h"

namespace netpoll::conformance {

enum class Call { kCreate, kEventFd, kCtl, kWait, kPwait2, kRead, kWrite };

// For tests of one thread.
struct Script {
  // What the next calls return instead of calling; 0: call.
  std::map<Call, std::deque<int>> returns;
  std::map<Call, int> count;
  std::vector<int> waited_millis;
  std::vector<timespec> waited;

  std::optional<int> Next(Call call) {
    ++count[call];
    std::deque<int>& queue = returns[call];
    if (queue.empty()) return {};
    const int value = queue.front();
    queue.pop_front();
    if (value == 0) return {};
    return value;
  }
};

struct ScriptedSys {
  static Script& script() {
    static Script instance;
    return instance;
  }

  static int EpollCreate() {
    if (const auto said = script().Next(Call::kCreate)) return *said;
    return LinuxSys::EpollCreate();
  }
  static int EventFd() {
    if (const auto said = script().Next(Call::kEventFd)) return *said;
    return LinuxSys::EventFd();
  }
  static int EpollCtl(int epoll, int op, int fd, epoll_event* event) {
    if (const auto said = script().Next(Call::kCtl)) return *said;
    return LinuxSys::EpollCtl(epoll, op, fd, event);
  }
  static int EpollWait(int epoll, epoll_event* events, int size, int millis) {
    script().waited_millis.push_back(millis);
    if (const auto said = script().Next(Call::kWait)) return *said;
    return LinuxSys::EpollWait(epoll, events, size, millis);
  }
  static int EpollPwait2(int epoll, epoll_event* events, int size,
                         const timespec* limit) {
    script().waited.push_back(*limit);
    if (const auto said = script().Next(Call::kPwait2)) return *said;
    return LinuxSys::EpollPwait2(epoll, events, size, limit);
  }
  static int Read8(int fd, std::uint64_t* value) {
    if (const auto said = script().Next(Call::kRead)) return *said;
    return LinuxSys::Read8(fd, value);
  }
  static int Write8(int fd, std::uint64_t value) {
    if (const auto said = script().Next(Call::kWrite)) return *said;
    return LinuxSys::Write8(fd, value);
  }
  static void Close(int fd) { LinuxSys::Close(fd); }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_EPOLL_SCRIPTED_SYS_H_
