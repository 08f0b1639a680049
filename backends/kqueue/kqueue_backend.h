// SPDX-License-Identifier: Apache-2.0
//
// kqueue, of macOS and the BSDs: both filters of a descriptor registered for
// its life with EV_CLEAR, so that each edge of each direction is an event of
// its own. The contract is in backend.h.
//
// Where the kernel's udata has 64 bits it carries the whole key. Where it has
// 32, it carries a fold of the key, and the key itself is looked up by the
// event's descriptor: FoldKey in kqueue_events.h says what protection against
// stale events is left.
//
// kevent would let a second registration replace the first without a word, so
// the backend keeps the set of open descriptors itself, under `set_lock_`,
// which is never held across a system call.
//
// Timeouts have nanosecond resolution. The queue is not inherited by a child
// of fork.

#ifndef NETPOLL_BACKENDS_KQUEUE_KQUEUE_BACKEND_H_
#define NETPOLL_BACKENDS_KQUEUE_KQUEUE_BACKEND_H_

#include <fcntl.h>

#include <cerrno>
#include <cstdint>

#include "netpoll/backends/backend.h"
#include "netpoll/backends/kqueue/kqueue_events.h"
#include "netpoll/backends/kqueue/kqueue_sys.h"
#include "netpoll/backends/kqueue/kqueue_waker.h"
#include "netpoll/backends/posix/check_pollable.h"
#include "netpoll/backends/posix/fatal.h"
#include "netpoll/backends/posix/open_set.h"
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

// WakerOf: see kqueue_waker.h. kUdataBits: 64, or 32 to carry folded keys; the
// default is what the system's field holds.
template <class Env = StdEnv, class Sys = KqueueSys,
          template <class> class WakerOf = KqueueWaker,
          int kUdataBits = kKqueueUdataBits>
class KqueueBackend {
 public:
  static_assert(kUdataBits == 64 || kUdataBits == 32);
  static_assert(kUdataBits <= kKqueueUdataBits);

  static constexpr const char* kName = "kqueue";
  // No short reads: no filter that all systems have tells of urgent data, and a
  // read ends at its mark.
  static constexpr BackendTraits kTraits = {.has_poll_fd = true,
                                            .knows_children = true};

  KqueueBackend() = default;
  KqueueBackend(const KqueueBackend&) = delete;
  KqueueBackend& operator=(const KqueueBackend&) = delete;
  ~KqueueBackend() {
    // In a child of fork the number may be somebody else's by now.
    if (kq_ >= 0 && !guard_.InChild()) Sys::Close(kq_);
  }

  static int CheckPollable(Fd fd) { return CheckPollableFd(fd); }

  int Init() {
    return guard_.Init([this] { return Make(); });
  }

  int Open(Fd fd, EventKey key) {
    guard_.Check();
    if (const int error = Insert(fd, key); error != 0) return error;
    const int error = Register(fd, ToBits(key));
    if (error != 0) Erase(fd, key);
    return error;
  }

  // Leaves nothing to the system's close, which would keep the registration
  // while a duplicate of the descriptor lives.
  int Close(Fd fd, EventKey key) {
    guard_.Check();
    const int error = Deregister(fd);
    Erase(fd, key);
    return error;
  }

  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    guard_.Check();
    struct kevent events[kBatch];
    const int count = Wait(delta, events);
    for (int i = 0; i < count; ++i) {
      if (waker_.Is(events[i])) {
        TakeWake(delta.blocking());
      } else {
        Report(events[i], sink);
      }
    }
  }

  void Break() {
    guard_.Check();
    const int result = token_.Break([this] { return waker_.Post(kq_); });
    if (result < 0) FatalSystemCall(Waker::kCall, -result);
  }

  std::uint64_t breaks_taken() const { return token_.cleared(); }
  bool IsPollDescriptor(Fd fd) const {
    return fd >= 0 && (fd == kq_ || waker_.Owns(fd));
  }

  Fd PollFd() const { return kq_; }

  // Whether this is a child of fork of the process that made it.
  bool InChild() const { return guard_.InChild(); }

 private:
  using Waker = WakerOf<Sys>;
  using Lock = typename Env::Lock;
  static constexpr int kBatch = 128;

  int Make() {
    kq_ = Sys::Kqueue();
    if (kq_ < 0) return -kq_;
    const int result = Sys::Fcntl(kq_, F_SETFD, FD_CLOEXEC);
    if (result < 0) return -result;
    return waker_.Init(kq_, ToBits(EventKey::Internal(0)));
  }

  static std::uint64_t ToBits(EventKey key) {
    return kUdataBits == 64 ? key.bits() : FoldKey(key);
  }

  // A key that no slot has, if the event is stale or makes no sense: some
  // kernels have reported events of nothing but zeros.
  EventKey KeyOf(const struct kevent& event) {
    const std::uint64_t bits = FromUdata(event.udata);
    if constexpr (kUdataBits == 64) return EventKey::FromBits(bits);
    const LockHolder hold(set_lock_, "kqueue.find.lock");
    const Fd fd = KqueueFd(static_cast<std::int64_t>(event.filter),
                           static_cast<std::uint64_t>(event.ident));
    const EventKey key =
        set_.Change([&](const OpenSet& set) { return set.Find(fd); });
    return FoldKey(key) == bits ? key : EventKey::FromBits(0);
  }

  template <class Sink>
  void Report(const struct kevent& event, Sink& sink) {
    const EventKey key = KeyOf(event);
    const EventReport report =
        DecodeKqueue(static_cast<std::int64_t>(event.filter),
                     static_cast<std::uint32_t>(event.flags));
    if (!key.valid_slot() || report.mode == Mode{}) return;
    sink.Ready(key, report.mode, report.flags);
  }

  int Insert(Fd fd, EventKey key) {
    const LockHolder hold(set_lock_, "kqueue.open.lock");
    return set_.Change([&](OpenSet& set) { return set.Insert(fd, key); });
  }
  void Erase(Fd fd, EventKey key) {
    const LockHolder hold(set_lock_, "kqueue.close.lock");
    set_.Change([&](OpenSet& set) { set.Erase(fd, key); });
  }

  int Register(Fd fd, std::uint64_t udata) {
    const auto ident = static_cast<std::uint64_t>(fd);
    constexpr std::uint32_t kAdd = EV_ADD | EV_CLEAR;
    const struct kevent changes[] = {
        KqueueChange(ident, EVFILT_READ, kAdd, udata),
        KqueueChange(ident, EVFILT_WRITE, kAdd, udata)};
    const int result = Change(changes, 2);
    if (result >= 0) return 0;
    const int error =
        IsEnd(result) ? RegisterEnded(fd, changes, result) : result;
    // The first may have been made before the second failed.
    if (error < 0) Deregister(fd);
    return -error;
  }

  // What kernels say to a filter of a pipe whose other end is closed: EPIPE, or
  // EBADF (NetBSD), which they say of a closed descriptor too.
  static constexpr bool IsEnd(int result) {
    return result == -EPIPE || result == -EBADF;
  }

  // One filter at a time: of a pipe that has ended one is enough, for what is
  // still in it. Of a closed descriptor none is made; if suddenly both are, its
  // number is another's by now.
  int RegisterEnded(Fd fd, const struct kevent* changes, int first_result) {
    const int read = Change(&changes[0], 1);
    const int write = Change(&changes[1], 1);
    if (read < 0 && !IsEnd(read)) return read;
    if (write < 0 && !IsEnd(write)) return write;
    if (read < 0 && write < 0) return read;
    if (read < 0 || write < 0) return Announce(fd, changes[0]);
    return first_result == -EBADF ? -EBADF : 0;
  }

  // Reports both directions of `fd` once. No event comes of the filter that was
  // refused, and on some systems none of the other: it is of the pipe's wrong
  // end, and silent (FreeBSD). Where there are no user events it is not.
  int Announce([[maybe_unused]] Fd fd,
               [[maybe_unused]] const struct kevent& like) {
#if defined(EVFILT_USER)
    const std::uint64_t ident = Announcement(fd);
    const std::uint64_t udata = FromUdata(like.udata);
    const struct kevent changes[] = {
        KqueueChange(ident, EVFILT_USER, EV_ADD | EV_ONESHOT, udata),
        KqueueChange(ident, EVFILT_USER, 0, udata, NOTE_TRIGGER)};
    return Change(changes, 2);
#else
    return 0;
#endif
  }
  static std::uint64_t Announcement(Fd fd) {
    return static_cast<std::uint64_t>(fd) + kFirstAnnouncement;
  }

  // A filter that is not there is no error.
  int Deregister(Fd fd) {
    const auto ident = static_cast<std::uint64_t>(fd);
    const struct kevent changes[] = {
      KqueueChange(ident, EVFILT_READ, EV_DELETE, 0),
      KqueueChange(ident, EVFILT_WRITE, EV_DELETE, 0),
#if defined(EVFILT_USER)
      KqueueChange(Announcement(fd), EVFILT_USER, EV_DELETE, 0),
#endif
    };
    if (Change(changes, 2) >= 0) return 0;
    // kevent stopped at the first that failed. An announcement is only where a
    // filter is missing.
    int error = 0;
    for (const struct kevent& change : changes) {
      const int result = Change(&change, 1);
      if (result < 0 && result != -ENOENT && error == 0) error = -result;
    }
    return error;
  }

  // Fetches no events. Interrupted, kevent has made the changes; both kinds of
  // ours may be made twice.
  int Change(const struct kevent* changes, int count) {
    for (;;) {
      const int result = Sys::Kevent(kq_, changes, count, nullptr, 0, nullptr);
      if (result != -EINTR) return result;
    }
  }

  // The number of events; 0 also when a limited wait was interrupted.
  int Wait(Delta delta, struct kevent* events) {
    timespec limit{};
    if (!delta.forever()) limit = TimeLimit(delta);
    for (;;) {
      const int count = Sys::Kevent(kq_, nullptr, 0, events, kBatch,
                                    delta.forever() ? nullptr : &limit);
      if (count >= 0) return count;
      // Some systems say ETIMEDOUT where the manual says 0.
      if (count == -ETIMEDOUT && !delta.forever()) return 0;
      if (count != -EINTR && count != -ETIMEDOUT) {
        FatalSystemCall("kevent", -count);
      }
      if (delta.limited()) return 0;
    }
  }

  // The wake-up is used up first, then the token: whoever finds the token
  // pending in between is covered by the return of this poll.
  void TakeWake(bool blocking) {
    const int result =
        token_.Take(blocking, [&] { return waker_.Take(kq_, blocking); });
    if (result < 0) FatalSystemCall(Waker::kCall, -result);
  }

  UseGuard guard_;
  int kq_ = -1;
  Waker waker_;
  WakeToken<Env> token_;
  Lock set_lock_;
  typename Env::template Var<OpenSet> set_;
};

static_assert(PollerBackend<KqueueBackend<>>);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_KQUEUE_KQUEUE_BACKEND_H_
