// SPDX-License-Identifier: Apache-2.0
//
// What an event of epoll means.

#ifndef NETPOLL_BACKENDS_EPOLL_EPOLL_EVENTS_H_
#define NETPOLL_BACKENDS_EPOLL_EPOLL_EVENTS_H_

#include <sys/epoll.h>

#include <cstdint>

#include "netpoll/backends/report.h"
#include "netpoll/core/types.h"

namespace netpoll {

// Hang-up and error wake both directions; the peer's half-close is readable
// only. Pure: tested over every mask.
constexpr EventReport DecodeEpoll(std::uint32_t events) {
  constexpr std::uint32_t kBoth = EPOLLHUP | EPOLLERR;
  const bool read = (events & (EPOLLIN | EPOLLRDHUP | kBoth)) != 0;
  const bool write = (events & (EPOLLOUT | kBoth)) != 0;
  return {ModeOf(read, write),
          {.error = events == EPOLLERR,
           .no_more_edges = (events & (EPOLLRDHUP | EPOLLPRI | kBoth)) != 0}};
}
static_assert(DecodeEpoll(EPOLLIN).mode == Mode::kRead);
static_assert(DecodeEpoll(EPOLLRDHUP).mode == Mode::kRead);
static_assert(DecodeEpoll(EPOLLOUT).mode == Mode::kWrite);
static_assert(DecodeEpoll(EPOLLHUP).mode == Mode::kReadWrite);
static_assert(DecodeEpoll(EPOLLERR).flags.error);
static_assert(!DecodeEpoll(EPOLLERR | EPOLLOUT).flags.error);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_EPOLL_EPOLL_EVENTS_H_
