// SPDX-License-Identifier: Apache-2.0
//
// What a report of a port means, and what to ask it for.

#ifndef NETPOLL_BACKENDS_EVENT_PORTS_EVENT_PORTS_EVENTS_H_
#define NETPOLL_BACKENDS_EVENT_PORTS_EVENT_PORTS_EVENTS_H_

#include <poll.h>

#include "netpoll/backends/report.h"
#include "netpoll/core/types.h"

namespace netpoll {

// Hang-up and error wake both directions. Nothing tells the peer's half-close
// from data: it is a readable descriptor, each time it is armed. Pure: tested
// over every mask.
constexpr EventReport DecodePort(int events) {
  constexpr int kBoth = POLLHUP | POLLERR;
  const bool read = (events & (POLLIN | kBoth)) != 0;
  const bool write = (events & (POLLOUT | kBoth)) != 0;
  return {ModeOf(read, write),
          {.error = events == POLLERR,
           .no_more_edges = (events & (POLLPRI | kBoth)) != 0}};
}
static_assert(DecodePort(POLLIN).mode == Mode::kRead);
static_assert(DecodePort(POLLIN).flags == EventFlags{});
static_assert(DecodePort(POLLOUT).mode == Mode::kWrite);
static_assert(DecodePort(POLLIN | POLLOUT).mode == Mode::kReadWrite);
static_assert(DecodePort(POLLHUP).mode == Mode::kReadWrite);
static_assert(DecodePort(POLLHUP).flags.no_more_edges);
static_assert(!DecodePort(POLLHUP).flags.error);
static_assert(DecodePort(POLLERR).mode == Mode::kReadWrite);
static_assert(DecodePort(POLLERR).flags.error);
static_assert(!DecodePort(POLLERR | POLLOUT).flags.error);
static_assert(DecodePort(POLLPRI | POLLIN).flags.no_more_edges);

// What to ask the port for. No POLLPRI: urgent data stays pending, and would
// be reported again and again to somebody who reads past it.
constexpr int PortInterest(Mode mode) {
  return (Has(mode, Mode::kRead) ? POLLIN : 0) |
         (Has(mode, Mode::kWrite) ? POLLOUT : 0);
}
static_assert(PortInterest(Mode::kReadWrite) == (POLLIN | POLLOUT));

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_EVENT_PORTS_EVENT_PORTS_EVENTS_H_
