// SPDX-License-Identifier: Apache-2.0
//
// epoll: edge-triggered over the whole mask, one registration for a
// descriptor's life, an eventfd (level-triggered) as the wake-up. The contract
// is in backend.h.
//
// Timeouts have nanosecond resolution through epoll_pwait2 where the kernel
// has it; elsewhere they are rounded up to milliseconds.

#ifndef NETPOLL_BACKENDS_EPOLL_EPOLL_BACKEND_H_
#define NETPOLL_BACKENDS_EPOLL_EPOLL_BACKEND_H_

#include <sys/epoll.h>
#include <time.h>

#include <cerrno>
#include <cstdint>

#include "netpoll/backends/backend.h"
#include "netpoll/backends/epoll/epoll_events.h"
#include "netpoll/backends/epoll/linux_sys.h"
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

template <class Env = StdEnv, class Sys = LinuxSys>
class EpollBackend {
 public:
  static constexpr const char* kName = "epoll";
  static constexpr BackendTraits kTraits = {
      .has_poll_fd = true, .marks_short_reads = true, .knows_children = true};

  EpollBackend() = default;
  EpollBackend(const EpollBackend&) = delete;
  EpollBackend& operator=(const EpollBackend&) = delete;
  ~EpollBackend() {
    if (wake_ >= 0) Sys::Close(wake_);
    if (epoll_ >= 0) Sys::Close(epoll_);
  }

  static int CheckPollable(Fd fd) { return CheckPollableFd(fd); }

  int Init() {
    return guard_.Init([this] { return Make(); });
  }

  int Open(Fd fd, EventKey key) {
    guard_.Check();
    epoll_event event{
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET,
        .data = {.u64 = key.bits()}};
    return -Sys::EpollCtl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  int Close(Fd fd, EventKey) {
    guard_.Check();
    epoll_event unused{};  // Old kernels want a valid address.
    return -Sys::EpollCtl(epoll_, EPOLL_CTL_DEL, fd, &unused);
  }

  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    guard_.Check();
    epoll_event events[kBatch];
    const int count = Wait(delta, events);
    for (int i = 0; i < count; ++i) {
      const EventKey key = EventKey::FromBits(events[i].data.u64);
      if (key == kWakeKey) {
        if (delta.blocking()) TakeWake();
        continue;
      }
      const EventReport report = DecodeEpoll(events[i].events);
      sink.Ready(key, report.mode, report.flags);
    }
  }

  void Break() {
    guard_.Check();
    if (!token_.Request()) return;
    for (;;) {
      const int result = Sys::Write8(wake_, 1);
      // EAGAIN: the counter is full, so a wake-up is pending.
      if (result == 8 || result == -EAGAIN) return;
      if (result == -EINTR) continue;
      token_.Retract();
      FatalSystemCall("write to the eventfd", result < 0 ? -result : EIO);
    }
  }

  std::uint64_t breaks_taken() const { return token_.cleared(); }
  bool IsPollDescriptor(Fd fd) const {
    return fd >= 0 && (fd == epoll_ || fd == wake_);
  }

  Fd PollFd() const { return epoll_; }

  // Whether this is a child of fork of the process that made it.
  bool InChild() const { return guard_.InChild(); }

 private:
  static constexpr int kBatch = 128;
  static constexpr EventKey kWakeKey = EventKey::Internal(0);

  int Make() {
    epoll_ = Sys::EpollCreate();
    if (epoll_ < 0) return -epoll_;
    wake_ = Sys::EventFd();
    if (wake_ < 0) return -wake_;
    // Level-triggered: it stays pending for the blocking poll when another
    // poll sees it first.
    epoll_event event{.events = EPOLLIN, .data = {.u64 = kWakeKey.bits()}};
    return -Sys::EpollCtl(epoll_, EPOLL_CTL_ADD, wake_, &event);
  }

  // The number of events; 0 also when a limited wait was interrupted.
  int Wait(Delta delta, epoll_event* events) {
    for (;;) {
      const int count = WaitOnce(delta, events);
      if (count >= 0) return count;
      if (count != -EINTR) FatalSystemCall("epoll_wait", -count);
      if (delta.limited()) return 0;
    }
  }

  int WaitOnce(Delta delta, epoll_event* events) {
    if (delta.limited() &&
        no_pwait2_.Load("epoll.pwait2.load", Order::kRelaxed) == 0) {
      const timespec limit = TimeLimit(delta);
      const int count = Sys::EpollPwait2(epoll_, events, kBatch, &limit);
      // Some seccomp filters say EPERM of a call that they do not know; the
      // call itself never does.
      if (count != -ENOSYS && count != -EPERM) return count;
      no_pwait2_.Store("epoll.pwait2.store", 1, Order::kRelaxed);
    }
    return Sys::EpollWait(epoll_, events, kBatch, delta.ToMillisecondsCeil());
  }

  // Drain first, then clear: whoever finds the token pending in between is
  // covered by the return of this poll.
  void TakeWake() {
    std::uint64_t count = 0;
    while (Sys::Read8(wake_, &count) == -EINTR) {
    }
    token_.Clear();
  }

  UseGuard guard_;
  int epoll_ = -1;
  int wake_ = -1;
  WakeToken<Env> token_;
  typename Env::template Atomic<std::uint32_t> no_pwait2_{0};
};

static_assert(PollerBackend<EpollBackend<>>);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_EPOLL_EPOLL_BACKEND_H_
