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

#include <cerrno>
#include <cstdint>

#include "netpoll/backends/kqueue/kqueue_events.h"
#include "netpoll/backends/posix/wake_pipe.h"
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

  int Init(int kq, std::uint64_t udata) {
    udata_ = udata;
    if (const int error = pipe_.Init(); error != 0) return error;
    const struct kevent change =
        KqueueChange(ident(), EVFILT_READ,
                     EV_ADD | (edge_pipe::kByEdges ? EV_CLEAR : 0), udata_);
    for (;;) {
      const int result = Sys::Kevent(kq, &change, 1, nullptr, 0, nullptr);
      if (result != -EINTR) return -result;
    }
  }

  int Post(int) { return edge_pipe::Post(pipe_); }

  bool Is(const struct kevent& event) const {
    return static_cast<std::uint64_t>(event.ident) == ident() &&
           event.udata == ToUdata<>(udata_);
  }

  int Take(int, bool blocking) { return edge_pipe::Take(pipe_, blocking); }

  bool Owns(Fd fd) const { return pipe_.Owns(fd); }

 private:
  std::uint64_t ident() const {
    return static_cast<std::uint64_t>(pipe_.reading_end());
  }

  std::uint64_t udata_ = 0;
  WakePipe<Sys> pipe_;
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
