// SPDX-License-Identifier: Apache-2.0
//
// What a completion of a multishot poll means. Pure.
//
// Unlike epoll, the ring hands on what the waker said, without asking the
// descriptor: a socket's waker says "urgent" with every arrival, and nothing
// but "error" of an error whatever else is true. A report that rests on such a
// word is unsure until poll(2) was asked.

#ifndef NETPOLL_BACKENDS_IO_URING_IO_URING_EVENTS_H_
#define NETPOLL_BACKENDS_IO_URING_IO_URING_EVENTS_H_

#include <linux/io_uring.h>
#include <poll.h>

#include <cerrno>
#include <cstdint>

#include "netpoll/backends/report.h"
#include "netpoll/core/types.h"

namespace netpoll {

struct RingReport : EventReport {
  // Ask poll(2), and combine with what DecodeRingPoll makes of its answer.
  bool unsure = false;
  // The last completion of this poll: the kernel has let go of it.
  bool ended = false;
  // It can't be polled any more (closed behind our back): not to be re-armed.
  bool dead = false;
};

// What is true of a descriptor, in poll(2)'s terms. Hang-up and error wake both
// directions; the peer's half-close is readable only.
constexpr RingReport DecodeRingPoll(std::uint32_t events) {
  constexpr std::uint32_t kBoth = POLLHUP | POLLERR;
  const bool read = (events & (POLLIN | POLLRDHUP | kBoth)) != 0;
  const bool write = (events & (POLLOUT | kBoth)) != 0;
  return {{ModeOf(read, write),
           {.error = events == POLLERR,
            .no_more_edges = (events & (POLLRDHUP | POLLPRI | kBoth)) != 0}}};
}

// `res` and `flags` are the completion's.
constexpr RingReport DecodeRing(std::int32_t res, std::uint32_t flags) {
  if ((flags & IORING_CQE_F_MORE) == 0) {
    // No edge may be lost between this poll and the next, so both directions.
    const bool dead = res == -EBADF || res == -EINVAL;
    return {{Mode::kReadWrite, {.error = dead, .no_more_edges = dead}},
            /*unsure=*/false,
            /*ended=*/true,
            dead};
  }
  const auto events = static_cast<std::uint32_t>(res);
  const bool unsure = (events & POLLPRI) != 0 || events == POLLERR;
  RingReport report = DecodeRingPoll(events & ~std::uint32_t{POLLPRI});
  report.flags.error = false;
  report.unsure = unsure;
  return report;
}

static_assert(DecodeRing(POLLIN, IORING_CQE_F_MORE).mode == Mode::kRead);
static_assert(!DecodeRing(POLLIN, IORING_CQE_F_MORE).unsure);
static_assert(DecodeRing(POLLRDHUP, IORING_CQE_F_MORE).mode == Mode::kRead);
static_assert(DecodeRing(POLLRDHUP, IORING_CQE_F_MORE).flags.no_more_edges);
static_assert(DecodeRing(POLLOUT, IORING_CQE_F_MORE).mode == Mode::kWrite);
static_assert(DecodeRing(POLLHUP, IORING_CQE_F_MORE).mode == Mode::kReadWrite);
static_assert(DecodeRing(POLLIN | POLLPRI, IORING_CQE_F_MORE).unsure);
static_assert(
    !DecodeRing(POLLIN | POLLPRI, IORING_CQE_F_MORE).flags.no_more_edges);
static_assert(DecodeRing(POLLERR, IORING_CQE_F_MORE).unsure);
static_assert(DecodeRing(POLLERR, IORING_CQE_F_MORE).mode == Mode::kReadWrite);
static_assert(!DecodeRing(POLLERR, IORING_CQE_F_MORE).flags.error);
static_assert(DecodeRingPoll(POLLERR).flags.error);
static_assert(!DecodeRingPoll(POLLERR | POLLOUT).flags.error);
static_assert(DecodeRingPoll(POLLIN | POLLPRI).flags.no_more_edges);
static_assert(DecodeRing(POLLIN, 0).ended && !DecodeRing(POLLIN, 0).dead);
static_assert(DecodeRing(-ECANCELED, 0).mode == Mode::kReadWrite);
static_assert(DecodeRing(-ECANCELED, 0).ended);
static_assert(!DecodeRing(-ECANCELED, 0).dead);
static_assert(DecodeRing(-EBADF, 0).dead && DecodeRing(-EBADF, 0).flags.error);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IO_URING_IO_URING_EVENTS_H_
