// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the kqueue backend with a script: each call can be told
// to return an error instead, and all are counted.

#ifndef NETPOLL_TESTS_CONFORMANCE_KQUEUE_SCRIPTED_SYS_H_
#define NETPOLL_TESTS_CONFORMANCE_KQUEUE_SCRIPTED_SYS_H_

#include <sys/event.h>
#include <time.h>

#include <cstddef>
#include <deque>
#include <vector>

#include "netpoll/backends/kqueue/kqueue_sys.h"
#include "netpoll/tests/conformance/scripted/scripted_calls.h"

namespace netpoll::conformance {

// kevent is two calls here: one that changes, and one that waits.
enum class Call {
  kQueue,
  kChange,
  kWait,
  kPipe,
  kFcntl,
  kRead,
  kWrite,
};

// For tests of one thread.
struct Script : ScriptedCalls<Call> {
  // What the next waits report instead of calling.
  std::deque<std::vector<struct kevent>> reports;
  // The changes that were asked for, failed ones too.
  std::vector<struct kevent> changes;
  // Of waits with a limit.
  std::vector<timespec> waited;
  int waited_forever = 0;
};

struct ScriptedSys {
  static Script& script() {
    static Script instance;
    return instance;
  }

  static int Kqueue() { return script().Do(Call::kQueue, KqueueSys::Kqueue); }
  static int Kevent(int kq, const struct kevent* changes, int change_count,
                    struct kevent* events, int size, const timespec* limit) {
    if (size == 0) {
      script().changes.insert(script().changes.end(), changes,
                              changes + change_count);
      if (const auto said = script().Next(Call::kChange)) return *said;
    } else {
      if (limit != nullptr) script().waited.push_back(*limit);
      if (limit == nullptr) ++script().waited_forever;
      if (const auto said = script().Next(Call::kWait)) return *said;
      if (!script().reports.empty()) return Report(events);
    }
    return KqueueSys::Kevent(kq, changes, change_count, events, size, limit);
  }
  static int Pipe(int ends[2]) {
    return script().Do(Call::kPipe, KqueueSys::Pipe, ends);
  }
  static int Fcntl(int fd, int command, int argument) {
    return script().Do(Call::kFcntl, KqueueSys::Fcntl, fd, command, argument);
  }
  static int Read(int fd, void* buffer, std::size_t size) {
    return script().Do(Call::kRead, KqueueSys::Read, fd, buffer, size);
  }
  static int Write(int fd, const void* data, std::size_t size) {
    return script().Do(Call::kWrite, KqueueSys::Write, fd, data, size);
  }
  static void Close(int fd) { KqueueSys::Close(fd); }

 private:
  static int Report(struct kevent* events) {
    const std::vector<struct kevent> next = script().reports.front();
    script().reports.pop_front();
    for (std::size_t i = 0; i < next.size(); ++i) events[i] = next[i];
    return static_cast<int>(next.size());
  }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_KQUEUE_SCRIPTED_SYS_H_
