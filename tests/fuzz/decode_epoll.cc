// SPDX-License-Identifier: Apache-2.0
//
// epoll: any masks under any data.
#include <sys/epoll.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/event_key.h"
#include "netpoll/tests/fuzz/bytes.h"
#include "netpoll/tests/fuzz/decode.h"

namespace netpoll::fuzz {
namespace {

// What the next poll meets: so many interrupts, then these events. A call after
// that finds nothing.
struct EpollScript {
  std::vector<epoll_event> events;
  int interrupts = 0;
  bool without_pwait2 = false;
  bool told = false;
  int waits = 0;
  int drains = 0;
};

// Lives while a run does; one thread.
EpollScript& script() {
  static EpollScript instance;
  return instance;
}

struct FuzzedEpoll {
  static constexpr int kFd = 3;

  static int EpollCreate() { return kFd; }
  static int EventFd() { return kFd + 1; }
  static int EpollCtl(int, int, int, epoll_event*) { return 0; }
  static int EpollWait(int, epoll_event* events, int size, int) {
    return Answer(events, size);
  }
  static int EpollPwait2(int, epoll_event* events, int size, const timespec*) {
    if (script().without_pwait2) return -ENOSYS;
    return Answer(events, size);
  }
  static int Read8(int, std::uint64_t* value) {
    ++script().drains;
    *value = 1;
    return 8;
  }
  static int Write8(int, std::uint64_t) { return 8; }
  static void Close(int) {}

 private:
  static int Answer(epoll_event* events, int size) {
    CountWait(script().waits);
    if (script().interrupts > 0) {
      --script().interrupts;
      return -EINTR;
    }
    const auto count =
        std::min(script().events.size(), static_cast<std::size_t>(size));
    std::copy_n(script().events.begin(), count, events);
    script().events.clear();
    script().told = true;
    return static_cast<int>(count);
  }
};

struct EpollTarget {
  using Backend = EpollBackend<StdEnv, FuzzedEpoll>;
  static constexpr EventKey kWakeKey = EventKey::Internal(0);
  static constexpr bool kTellsDrains = true;

  template <class Poller>
  static Reported Load(Bytes& bytes, const Keys& keys, Poller&) {
    script() = EpollScript{};
    script().without_pwait2 = bytes.Below(8) == 0;
    script().interrupts = bytes.Below(4) == 0 ? 1 + bytes.Below(3) : 0;
    Reported reported;
    reported.most_waits = 1 + script().interrupts;
    const std::uint32_t count = bytes.Below(8);
    for (std::uint32_t i = 0; i < count; ++i) {
      const EventKey key = DrawKey(bytes, keys, kWakeKey);
      const std::uint32_t mask =
          bytes.Below(2) == 0 ? bytes.Byte() | EPOLLRDHUP : bytes.Word();
      script().events.push_back({.events = mask, .data = {.u64 = key.bits()}});
      reported.events.push_back({key, Wakes(mask)});
    }
    return reported;
  }

  static bool told() { return script().told; }
  static int waits() { return script().waits; }
  static int drains() { return script().drains; }

 private:
  // By the manual page: input, the peer's half-close and trouble for readers;
  // output and trouble for writers.
  static unsigned Wakes(std::uint32_t mask) {
    unsigned wakes = 0;
    if ((mask & EPOLLIN) != 0 || (mask & EPOLLRDHUP) != 0) wakes |= 1;
    if ((mask & EPOLLOUT) != 0) wakes |= 2;
    if ((mask & EPOLLHUP) != 0 || (mask & EPOLLERR) != 0) wakes |= 3;
    return wakes;
  }
};

}  // namespace

NETPOLL_FUZZ_DECODE(EpollTarget);

}  // namespace netpoll::fuzz
