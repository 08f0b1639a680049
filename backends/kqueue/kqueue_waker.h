// SPDX-License-Identifier: Apache-2.0
//
// What ends the blocking poll of a kqueue: a user event, or a pipe where the
// system has none. A waker has
//
//   int Init(int kq, uint64_t udata)  registers itself; 0 or the errno
//   int Post(int kq)                  makes a wake-up pending; >= 0 or -errno
//   bool Is(const struct kevent&)     whether an event is its own
//   int Take(int kq, bool blocking)   after a poll has fetched its event: the
//                                     wake-up is used up if the poll blocks,
//                                     and still pending if not; >= 0 or -errno
//   bool Owns(Fd)                     whether a descriptor is its own
//   kCall                             what Post and Take call, for a message

#ifndef NETPOLL_BACKENDS_KQUEUE_KQUEUE_WAKER_H_
#define NETPOLL_BACKENDS_KQUEUE_KQUEUE_WAKER_H_

#include <fcntl.h>

#include <cerrno>
#include <cstdint>

#include "netpoll/backends/kqueue/kqueue_events.h"
#include "netpoll/core/edge_pipe.h"
#include "netpoll/core/types.h"

namespace netpoll {

#if defined(EVFILT_USER)
// EVFILT_USER with EV_CLEAR: whichever poll fetches the event consumes it, so
// one that does not block triggers it again. A trigger is not an EV_ADD, which
// would replace the flags and make the event stay.
template <class Sys>
class UserEventWaker {
 public:
  static constexpr const char* kCall = "kevent for a wake-up";

  int Init(int kq, std::uint64_t udata) {
    udata_ = udata;
    return -Change(kq, EV_ADD | EV_CLEAR, 0);
  }

  int Post(int kq) { return Change(kq, 0, NOTE_TRIGGER); }

  bool Is(const struct kevent& event) const {
    return static_cast<std::int64_t>(event.filter) ==
               static_cast<std::int64_t>(EVFILT_USER) &&
           event.udata == ToUdata<>(udata_);
  }

  int Take(int kq, bool blocking) { return blocking ? 0 : Post(kq); }

  bool Owns(Fd) const { return false; }

 private:
  // The numbers of user events are the queue's own.
  static constexpr std::uint64_t kIdent = 1;

  int Change(int kq, std::uint32_t flags, std::uint32_t fflags) {
    const struct kevent change =
        KqueueChange(kIdent, EVFILT_USER, flags, udata_, fflags);
    for (;;) {
      const int result = Sys::Kevent(kq, &change, 1, nullptr, 0, nullptr);
      if (result != -EINTR) return result;
    }
  }

  std::uint64_t udata_ = 0;
};
#endif

// A pipe, registered for its edges: edge_pipe.h says why, and what is done with
// them.
template <class Sys>
class PipeWaker {
 public:
  static constexpr const char* kCall = "read or write of the wake-up pipe";

  PipeWaker() = default;
  PipeWaker(const PipeWaker&) = delete;
  PipeWaker& operator=(const PipeWaker&) = delete;
  ~PipeWaker() {
    if (ends_[0] < 0) return;
    Sys::Close(ends_[0]);
    Sys::Close(ends_[1]);
  }

  int Init(int kq, std::uint64_t udata) {
    udata_ = udata;
    int ends[2];
    const int made = Sys::Pipe(ends);
    if (made < 0) return -made;
    ends_[0] = ends[0];
    ends_[1] = ends[1];
    for (const int fd : ends_) {
      int result = Sys::Fcntl(fd, F_SETFD, FD_CLOEXEC);
      if (result >= 0) result = Sys::Fcntl(fd, F_SETFL, O_NONBLOCK);
      if (result < 0) return -result;
    }
    const struct kevent change =
        KqueueChange(static_cast<std::uint64_t>(ends_[0]), EVFILT_READ,
                     EV_ADD | (edge_pipe::kByEdges ? EV_CLEAR : 0), udata_);
    for (;;) {
      const int result = Sys::Kevent(kq, &change, 1, nullptr, 0, nullptr);
      if (result != -EINTR) return -result;
    }
  }

  int Post(int) { return edge_pipe::Post(*this); }

  bool Is(const struct kevent& event) const {
    return static_cast<std::uint64_t>(event.ident) ==
               static_cast<std::uint64_t>(ends_[0]) &&
           event.udata == ToUdata<>(udata_);
  }

  int Take(int, bool blocking) { return edge_pipe::Take(*this, blocking); }

  bool Owns(Fd fd) const { return fd == ends_[0] || fd == ends_[1]; }

  // For edge_pipe.h.
  static constexpr int kMostRead = 16;
  int Write() {
    const char byte = 0;
    return Sys::Write(ends_[1], &byte, 1);
  }
  int Read() {
    char bytes[kMostRead];
    return Sys::Read(ends_[0], bytes, sizeof(bytes));
  }

 private:
  std::uint64_t udata_ = 0;
  int ends_[2] = {-1, -1};
};

#if defined(EVFILT_USER)
template <class Sys>
using KqueueWaker = UserEventWaker<Sys>;
#else
template <class Sys>
using KqueueWaker = PipeWaker<Sys>;
#endif

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_KQUEUE_KQUEUE_WAKER_H_
