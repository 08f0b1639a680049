// SPDX-License-Identifier: Apache-2.0
//
// Event ports (illumos, Solaris): level-triggered, and an association is good
// for one report. Arm asks for a direction; each report takes what it says out
// of the interest and associates the rest anew, so that a reader's report
// doesn't silence the writer. The port's alert mode is the wake-up. The
// contract is in backend.h.
//
// Timeouts have nanosecond resolution. A port can be polled, but doesn't turn
// readable in alert mode: a foreign loop would miss breaks, so has_poll_fd is
// false.
//
// The interest of a descriptor, in fd_table.h, under the entry's lock:
//   Open     0, and an association with no events: only hang-ups and errors
//            are reported.
//   Arm      adds a direction. If that changed it: associate.
//   report   removes the directions that it reports, before they are handed
//            on: whoever they wake may arm again at once. If any is left:
//            associate.
//   Close    forgets the key, dissociates. What another thread fetched before
//            finds another key, changes nothing here, and the sink drops it.
// So whatever was armed and not reported since is associated, or its report
// has been fetched and is about to be handed on.

#ifndef NETPOLL_BACKENDS_EVENT_PORTS_EVENT_PORTS_BACKEND_H_
#define NETPOLL_BACKENDS_EVENT_PORTS_EVENT_PORTS_BACKEND_H_

#include <poll.h>
#include <port.h>
#include <time.h>

#include <cerrno>
#include <cstdint>

#include "netpoll/backends/backend.h"
#include "netpoll/backends/event_ports/event_port_sys.h"
#include "netpoll/backends/event_ports/event_ports_events.h"
#include "netpoll/backends/event_ports/fd_table.h"
#include "netpoll/backends/posix/check_pollable.h"
#include "netpoll/backends/posix/fatal.h"
#include "netpoll/backends/posix/time_limit.h"
#include "netpoll/backends/posix/use_guard.h"
#include "netpoll/backends/report.h"
#include "netpoll/core/backend_traits.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wake_token.h"

namespace netpoll {

template <class Env = StdEnv, class Sys = EventPortSys>
class EventPortsBackend {
 public:
  static constexpr const char* kName = "event_ports";
  static constexpr BackendTraits kTraits = {
      .needs_arm = true, .marks_short_reads = true, .knows_children = true};

  EventPortsBackend() = default;
  EventPortsBackend(const EventPortsBackend&) = delete;
  EventPortsBackend& operator=(const EventPortsBackend&) = delete;
  ~EventPortsBackend() {
    if (port_ >= 0) Sys::Close(port_);
  }

  static int CheckPollable(Fd fd) { return CheckPollableFd(fd); }

  int Init() {
    return guard_.Init([this] { return Make(); });
  }

  int Open(Fd fd, EventKey key) {
    guard_.Check();
    if (fd < 0) return EBADF;
    Entry* const entry = fds_.FindOrMake(fd);
    if (entry == nullptr) return ENOMEM;
    // Held over the call: a report that comes before it returns waits.
    const LockHolder hold(entry->lock, "ports.open.lock");
    // The port itself would take the new key for the old one.
    if (entry->state.Get().registered()) return EEXIST;
    const int error = -Sys::Associate(port_, fd, 0, key.bits());
    if (error == 0) entry->state.Set({.key = key, .interest = 0});
    return error;
  }

  int Close(Fd fd, EventKey key) {
    guard_.Check();
    Entry* const entry = fds_.Find(fd);
    if (entry == nullptr) return ENOENT;
    const LockHolder hold(entry->lock, "ports.close.lock");
    if (entry->state.Get().key != key) return ENOENT;
    entry->state.Set({});
    const int error = -Sys::Dissociate(port_, fd);
    // Removed, but its last report had been fetched.
    return error == ENOENT ? 0 : error;
  }

  void Arm(Fd fd, EventKey key, Mode direction) {
    guard_.Check();
    Entry* const entry = fds_.Find(fd);
    if (entry == nullptr) return;
    const LockHolder hold(entry->lock, "ports.arm.lock");
    const State state = entry->state.Get();
    const int wanted = state.interest | PortInterest(direction);
    if (state.key != key || wanted == state.interest) return;
    Associate(fd, key, wanted);
    entry->state.Set({.key = key, .interest = wanted});
  }

  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    guard_.Check();
    port_event_t events[kBatch];
    unsigned count = Fetch(delta, events);
    if (count > 0 && IsAlert(events[0])) {
      count = FetchBehindAlert(delta, events);
    }
    for (unsigned i = 0; i < count; ++i) Report(events[i], sink);
  }

  void Break() {
    guard_.Check();
    if (token_.Request()) SetAlert();
  }

  std::uint64_t breaks_taken() const { return token_.cleared(); }
  bool IsPollDescriptor(Fd fd) const { return fd >= 0 && fd == port_; }

  // Whether this is a child of fork of the process that made it.
  bool InChild() const { return guard_.InChild(); }

 private:
  using Entry = typename FdTable<Env>::Entry;
  using State = typename FdTable<Env>::State;

  static constexpr unsigned kBatch = 128;
  static constexpr EventKey kWakeKey = EventKey::Internal(0);
  static constexpr int kWakeEvents = POLLHUP;

  int Make() {
    const int port = Sys::Create();
    if (port < 0) return -port;
    port_ = port;
    return -Sys::SetCloseOnExec(port_);
  }

  // The number of events that were fetched; 0 also when a limited wait was
  // interrupted or its time was up.
  unsigned Fetch(Delta delta, port_event_t* events) {
    timespec limit = TimeLimit(delta);
    for (;;) {
      // No source is 0. The count alone doesn't tell: an interrupted call
      // leaves it at what was asked for.
      events[0].portev_source = 0;
      unsigned count = 1;
      const int error = -Sys::GetN(port_, events, kBatch, &count,
                                   delta.forever() ? nullptr : &limit);
      if (error != 0 && error != EINTR && error != ETIME) {
        FatalSystemCall("port_getn", error);
      }
      if (events[0].portev_source == 0) count = 0;
      // Events may come with an error, and are gone from the port: an event
      // that arrives as the time is up.
      if (count > 0 || error == 0 || !delta.forever()) return count;
    }
  }

  // A port in alert mode gives the alert and nothing else, to everybody; what
  // is ready stays in its queue. So whoever meets the alert ends it, and looks
  // again: events don't have to wait for the break to be taken, and don't
  // starve under many breaks. A blocking poll takes the break with it. Another
  // leaves it to a blocking one, and sets the alert again unless it was taken:
  //   - a blocking poll that is waiting got the alert when it was set;
  //   - one that begins meanwhile is woken when it is set again;
  //   - set again though it has just been taken, it ends one more poll early.
  // An alert that is set while we look is left where it is.
  unsigned FetchBehindAlert(Delta delta, port_event_t* events) {
    ClearAlert();
    if (delta.blocking()) token_.Clear();
    unsigned count = Fetch(Delta::NonBlocking(), events);
    if (count > 0 && IsAlert(events[0])) count = 0;
    if (!delta.blocking() && token_.pending()) SetAlert();
    return count;
  }

  static bool IsAlert(const port_event_t& event) {
    if (event.portev_source != PORT_SOURCE_ALERT) return false;
    if (event.portev_events != kWakeEvents || KeyOf(event) != kWakeKey) {
      Env::Misuse("an alert that is not the poller's was set on its port");
    }
    return true;
  }

  void SetAlert() {
    const int error =
        -Sys::Alert(port_, PORT_ALERT_UPDATE, kWakeEvents, kWakeKey.bits());
    // EBUSY: it is on, and whoever meets it looks at the token afterwards.
    if (error == 0 || error == EBUSY) return;
    token_.Retract();
    FatalSystemCall("port_alert", error);
  }

  void ClearAlert() {
    const int error = -Sys::Alert(port_, PORT_ALERT_SET, 0, 0);
    if (error != 0) FatalSystemCall("port_alert", error);
  }

  template <class Sink>
  void Report(const port_event_t& event, Sink& sink) {
    if (event.portev_source != PORT_SOURCE_FD) return;
    const EventKey key = KeyOf(event);
    const EventReport report = DecodePort(event.portev_events);
    KeepTheRest(static_cast<Fd>(event.portev_object), key, report.mode);
    if (event.portev_events != 0) sink.Ready(key, report.mode, report.flags);
  }

  // `reported` is about to be handed on: the port is to report what else was
  // armed, still.
  void KeepTheRest(Fd fd, EventKey key, Mode reported) {
    Entry* const entry = fds_.Find(fd);
    if (entry == nullptr) return;
    const LockHolder hold(entry->lock, "ports.report.lock");
    const State state = entry->state.Get();
    if (state.key != key) return;
    const int rest = state.interest & ~PortInterest(reported);
    if (rest != 0) Associate(fd, key, rest);
    entry->state.Set({.key = key, .interest = rest});
  }

  void Associate(Fd fd, EventKey key, int interest) {
    const int error = -Sys::Associate(port_, fd, interest, key.bits());
    if (error == EBADFD) {
      Env::Misuse("a descriptor was closed while it was open in a Poller");
    }
    if (error != 0) FatalSystemCall("port_associate", error);
  }

  static EventKey KeyOf(const port_event_t& event) {
    return EventKey::FromBits(
        reinterpret_cast<std::uintptr_t>(event.portev_user));
  }

  UseGuard guard_;
  int port_ = -1;
  WakeToken<Env> token_;
  FdTable<Env> fds_;
};

static_assert(PollerBackend<EventPortsBackend<>>);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_EVENT_PORTS_EVENT_PORTS_BACKEND_H_
