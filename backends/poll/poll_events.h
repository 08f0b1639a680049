// SPDX-License-Identifier: Apache-2.0
//
// The events of poll(2): what is asked for, and what an answer means. Pure.

#ifndef NETPOLL_BACKENDS_POLL_POLL_EVENTS_H_
#define NETPOLL_BACKENDS_POLL_POLL_EVENTS_H_

#include <poll.h>

#include "netpoll/core/types.h"

namespace netpoll {

// The peer's half-close, where the system tells it from other data to read.
#if defined(POLLRDHUP)
inline constexpr short kPollHalfClose = POLLRDHUP;
#else
inline constexpr short kPollHalfClose = 0;
#endif

// What poll(2) is asked so that it reports the directions of `mode`. Urgent
// data is left out on purpose: that condition stays until somebody takes the
// urgent byte, so a poll that asks for a level would spin on it. Nor is the
// mark needed here, since asking again tells of whatever is still unread.
constexpr short PollInterest(Mode mode) {
  const int read = Has(mode, Mode::kRead) ? POLLIN | kPollHalfClose : 0;
  const int write = Has(mode, Mode::kWrite) ? POLLOUT : 0;
  return static_cast<short>(read | write);
}

// What one answer means.
struct PollReport {
  Mode mode;
  EventFlags flags;
};

// Hang-up and error wake both directions; the peer's half-close is readable
// only. So does what is not known here, and a descriptor that somebody closed:
// the tasks learn from their own calls. Of any answer something is reported,
// hence disarmed, so none can make the poller spin.
constexpr PollReport DecodePoll(short revents) {
  constexpr int kBoth = POLLHUP | POLLERR | POLLNVAL;
  const bool read = (revents & (POLLIN | kPollHalfClose | kBoth)) != 0;
  const bool write = (revents & (POLLOUT | kBoth)) != 0;
  const EventFlags flags{
      .error = revents == POLLERR,
      .no_more_edges = (revents & (kPollHalfClose | POLLPRI | kBoth)) != 0};
  if (!read && !write) return {Mode::kReadWrite, flags};
  return {static_cast<Mode>((read ? 1 : 0) | (write ? 2 : 0)), flags};
}
static_assert(DecodePoll(POLLIN).mode == Mode::kRead);
static_assert(!DecodePoll(POLLIN).flags.no_more_edges);
static_assert(DecodePoll(POLLOUT).mode == Mode::kWrite);
static_assert(DecodePoll(POLLIN | POLLOUT).mode == Mode::kReadWrite);
static_assert(DecodePoll(POLLHUP).mode == Mode::kReadWrite);
static_assert(DecodePoll(POLLHUP).flags.no_more_edges);
static_assert(DecodePoll(POLLIN | POLLHUP).mode == Mode::kReadWrite);
static_assert(DecodePoll(POLLERR).mode == Mode::kReadWrite);
static_assert(DecodePoll(POLLERR).flags.error);
static_assert(!DecodePoll(POLLERR | POLLOUT).flags.error);
static_assert(DecodePoll(POLLNVAL).mode == Mode::kReadWrite);
static_assert(!DecodePoll(POLLNVAL).flags.error);
static_assert(DecodePoll(POLLPRI).flags.no_more_edges);
#if defined(POLLRDHUP)
static_assert(DecodePoll(POLLRDHUP).mode == Mode::kRead);
static_assert(DecodePoll(POLLIN | POLLRDHUP).mode == Mode::kRead);
static_assert(DecodePoll(POLLIN | POLLRDHUP).flags.no_more_edges);
#endif
static_assert((PollInterest(Mode::kRead) & PollInterest(Mode::kWrite)) == 0);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POLL_POLL_EVENTS_H_
