// SPDX-License-Identifier: Apache-2.0
//
// Event ports: any reports, of any source, under any object and user, alone or
// beside an error; and alerts.
#include <poll.h>
#include <port.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "netpoll/backends/event_ports/event_ports_backend.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/fuzz/bytes.h"
#include "netpoll/tests/fuzz/decode.h"

namespace netpoll::fuzz {
namespace {

// What the next poll meets: so many interrupts, then the alert if it is on,
// then these events. A call after that finds nothing.
struct PortScript {
  std::vector<port_event_t> events;
  int interrupts = 0;
  int interrupt = -EINTR;
  int error = 0;  // Beside events.
  bool told = false;
  int waits = 0;
  bool alerted = false;  // It was on.
};

struct AlertMode {
  bool on = false;
  int events = 0;
  std::uint64_t cookie = 0;
};
struct Association {
  bool there = false;
  int events = 0;
  std::uint64_t cookie = 0;
};

// Live while a run does; one thread.
PortScript& script() {
  static PortScript instance;
  return instance;
}
AlertMode alert;
Association associations[kDescriptors];

struct FuzzedPort {
  static int Create() {
    alert = AlertMode{};
    std::fill_n(associations, kDescriptors, Association{});
    return 3;
  }
  static int SetCloseOnExec(int) { return 0; }
  static int Associate(int, int fd, int events, std::uint64_t cookie) {
    associations[fd - kFirstFd] = {true, events, cookie};
    return 0;
  }
  static int Dissociate(int, int fd) {
    Association& association = associations[fd - kFirstFd];
    if (!association.there) return -ENOENT;
    association = Association{};
    return 0;
  }
  static int GetN(int, port_event_t* events, unsigned size, unsigned* count,
                  timespec* limit) {
    PortScript& now = script();
    CountWait(now.waits);
    if (now.interrupts > 0) {
      --now.interrupts;
      return now.interrupt;
    }
    if (alert.on) {
      events[0] = Event(PORT_SOURCE_ALERT, 0, alert.events, alert.cookie);
      *count = 1;
      return now.error;
    }
    now.told = true;
    if (now.events.empty()) return limit == nullptr ? 0 : -ETIME;
    *count = std::min(size, static_cast<unsigned>(now.events.size()));
    for (unsigned i = 0; i < *count; ++i) {
      events[i] = now.events[i];
      Forget(events[i]);
    }
    now.events.clear();
    return now.error;
  }
  static int Alert(int, int flags, int events, std::uint64_t cookie) {
    if (events != 0 && alert.on && flags == PORT_ALERT_SET) return -EBUSY;
    alert = {events != 0, events, cookie};
    return 0;
  }
  static void Close(int) {}

  static port_event_t Event(std::uint16_t source, std::uint64_t object,
                            int events, std::uint64_t user) {
    port_event_t event{};
    event.portev_source = source;
    event.portev_object = object;
    event.portev_events = events;
    event.portev_user = reinterpret_cast<void*>(user);
    return event;
  }

 private:
  // An association is good for one report.
  static void Forget(const port_event_t& event) {
    if (event.portev_source != PORT_SOURCE_FD) return;
    for (int i = 0; i < kDescriptors; ++i) {
      const auto fd = static_cast<std::uint64_t>(kFirstFd + i);
      if (event.portev_object == fd && associations[i].there &&
          reinterpret_cast<std::uintptr_t>(event.portev_user) ==
              associations[i].cookie) {
        associations[i].there = false;
      }
    }
  }
};

struct PortTarget {
  using Backend = EventPortsBackend<StdEnv, FuzzedPort>;
  static constexpr EventKey kWakeKey = EventKey::Internal(0);
  static constexpr bool kTellsDrains = true;

  template <class Poller>
  static Reported Load(Bytes& bytes, const Keys& keys, Poller& poller) {
    script() = PortScript{};
    PortScript& next = script();
    if (bytes.Below(4) == 0) poller.Break();
    next.alerted = alert.on;
    next.interrupts = bytes.Below(4) == 0 ? 1 + bytes.Below(3) : 0;
    next.interrupt = bytes.Below(2) == 0 ? -EINTR : -ETIME;
    constexpr int kErrors[] = {0, -ETIME, -EINTR};
    next.error = kErrors[bytes.Below(3)];
    Reported reported;
    reported.most_waits = 2 + next.interrupts;
    if (alert.on) reported.events.push_back({kWakeKey, 0});
    const std::uint32_t count = bytes.Below(8);
    for (std::uint32_t i = 0; i < count; ++i) {
      const EventKey key = DrawKey(bytes, keys, kWakeKey);
      const std::uint16_t source = DrawSource(bytes, i == 0);
      const int events =
          static_cast<int>(bytes.Below(2) == 0 ? bytes.Byte() : bytes.Word());
      next.events.push_back(FuzzedPort::Event(
          source, DrawObject(bytes, key, keys), events, key.bits()));
      // Only the alert is one.
      if (source != PORT_SOURCE_FD || key == kWakeKey) continue;
      reported.events.push_back({key, Wakes(events)});
    }
    return reported;
  }

  static bool told() { return script().told; }
  static int waits() { return script().waits; }
  static int drains() { return script().alerted && !alert.on ? 1 : 0; }
  static bool Armed(Fd fd, EventKey key, Mode direction) {
    const Association& now = associations[fd - kFirstFd];
    const int wanted = direction == Mode::kRead ? POLLIN : POLLOUT;
    return now.there && now.cookie == key.bits() && (now.events & wanted) != 0;
  }

 private:
  // The first of a batch tells whether there is one, and an alert comes alone.
  static std::uint16_t DrawSource(Bytes& bytes, bool first) {
    if (bytes.Below(4) != 0) return PORT_SOURCE_FD;
    const auto any = static_cast<std::uint16_t>(bytes.Word());
    const bool strange = any == 0 || any == PORT_SOURCE_ALERT;
    return first && strange ? PORT_SOURCE_FD : any;
  }

  // The key's own descriptor, another one, or any number.
  static std::uint64_t DrawObject(Bytes& bytes, EventKey key,
                                  const Keys& keys) {
    const std::uint32_t what = bytes.Below(4);
    if (what == 0) return bytes.Long();
    if (what == 1) return kFirstFd + bytes.Below(kDescriptors);
    for (int i = 0; i < kDescriptors; ++i) {
      if (keys.live[i] == key) return static_cast<std::uint64_t>(kFirstFd + i);
    }
    return kFirstFd;
  }

  // By the manual page.
  static unsigned Wakes(int events) {
    unsigned wakes = 0;
    if ((events & POLLIN) != 0) wakes |= 1;
    if ((events & POLLOUT) != 0) wakes |= 2;
    if ((events & POLLHUP) != 0 || (events & POLLERR) != 0) wakes |= 3;
    return wakes;
  }
};

}  // namespace

NETPOLL_FUZZ_DECODE(PortTarget);

}  // namespace netpoll::fuzz
