// SPDX-License-Identifier: Apache-2.0
//
// The events of poll(2): what is asked for, and what an answer means. Pure.

#ifndef NETPOLL_BACKENDS_POLL_POLL_EVENTS_H_
#define NETPOLL_BACKENDS_POLL_POLL_EVENTS_H_

#include <poll.h>

#include <type_traits>

#include "netpoll/backends/report.h"
#include "netpoll/core/types.h"

namespace netpoll {

// What the fields of a pollfd are: signed or not, it differs between systems.
using PollEvents = decltype(pollfd::events);
using PollAnswer = decltype(pollfd::revents);

// The peer's half-close, where the system tells it from other data to read.
#if defined(POLLRDHUP)
inline constexpr int kPollHalfClose = POLLRDHUP;
#else
inline constexpr int kPollHalfClose = 0;
#endif

// What poll(2) is asked so that it reports the directions of `mode`. Urgent
// data is left out on purpose: that condition stays until somebody takes the
// urgent byte, so a poll that asks for a level would spin on it. Nor is the
// mark needed here, since asking again tells of whatever is still unread.
constexpr PollEvents PollInterest(Mode mode) {
  const int read = Has(mode, Mode::kRead) ? POLLIN | kPollHalfClose : 0;
  const int write = Has(mode, Mode::kWrite) ? POLLOUT : 0;
  return static_cast<PollEvents>(read | write);
}

// Hang-up and error wake both directions; the peer's half-close is readable
// only. So does what is not known here, and a descriptor that poll refuses
// (POLLNVAL): one that somebody closed, or that is open and of a kind that the
// system cannot poll, as a terminal on macOS. The tasks learn from their own
// calls; it counts as an error, since asking again will not help. Of any answer
// something is reported, hence disarmed, so none can make the poller spin.
template <class Answer>
constexpr EventReport DecodePoll(Answer revents) {
  constexpr int kBoth = POLLHUP | POLLERR | POLLNVAL;
  // The highest bit of the field may be one of them.
  const auto bits =
      static_cast<int>(static_cast<std::make_unsigned_t<Answer>>(revents));
  const bool read = (bits & (POLLIN | kPollHalfClose | kBoth)) != 0;
  const bool write = (bits & (POLLOUT | kBoth)) != 0;
  const EventFlags flags{
      .error = bits == POLLERR || (bits & POLLNVAL) != 0,
      .no_more_edges = (bits & (kPollHalfClose | POLLPRI | kBoth)) != 0};
  if (!read && !write) return {Mode::kReadWrite, flags};
  return {ModeOf(read, write), flags};
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
static_assert(DecodePoll(POLLNVAL).flags.error);
static_assert(DecodePoll(static_cast<short>(POLLERR)).flags.error);
static_assert(DecodePoll(static_cast<unsigned short>(POLLERR)).flags.error);
static_assert(DecodePoll(static_cast<short>(POLLNVAL)).flags.error);
static_assert(DecodePoll(POLLPRI).flags.no_more_edges);
#if defined(POLLRDHUP)
static_assert(DecodePoll(POLLRDHUP).mode == Mode::kRead);
static_assert(DecodePoll(POLLIN | POLLRDHUP).mode == Mode::kRead);
static_assert(DecodePoll(POLLIN | POLLRDHUP).flags.no_more_edges);
#endif
static_assert((PollInterest(Mode::kRead) & PollInterest(Mode::kWrite)) == 0);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POLL_POLL_EVENTS_H_
