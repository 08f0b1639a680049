// SPDX-License-Identifier: Apache-2.0
//
// The pure part of the kqueue backend: what an event means, and how a key
// travels in it. The fields of struct kevent differ in width,
// sign and kind between systems; all of that is here.

#ifndef NETPOLL_BACKENDS_KQUEUE_KQUEUE_EVENTS_H_
#define NETPOLL_BACKENDS_KQUEUE_KQUEUE_EVENTS_H_

#include <sys/types.h>
// After sys/types.h, which some systems' version needs.
#include <sys/event.h>

#include <cstdint>
#include <type_traits>

#include "netpoll/backends/report.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {

// A user event that the backend makes of a descriptor for which the kernel
// refused a filter: see KqueueBackend::Register. Its ident is the descriptor's
// number behind that of the wake-up.
inline constexpr std::uint64_t kFirstAnnouncement = 2;
constexpr bool IsAnnouncement([[maybe_unused]] std::int64_t filter) {
#if defined(EVFILT_USER)
  return filter == static_cast<std::int64_t>(EVFILT_USER);
#else
  return false;
#endif
}

// The descriptor that an event is of.
constexpr int KqueueFd(std::int64_t filter, std::uint64_t ident) {
  return static_cast<int>(IsAnnouncement(filter) ? ident - kFirstAnnouncement
                                                 : ident);
}
static_assert(KqueueFd(EVFILT_READ, 7) == 7);

// The end of the stream wakes both directions, whichever filter says it: some
// systems tell the writer of a pipe whose reader has gone through the read
// filter alone. A half-close can't be told from a full one, so it wakes the
// writer for nothing.
constexpr EventReport DecodeKqueue(std::int64_t filter, std::uint32_t flags) {
  if (IsAnnouncement(filter)) {
    return {Mode::kReadWrite, {.no_more_edges = true}};
  }
  const bool is_read = filter == static_cast<std::int64_t>(EVFILT_READ);
  const bool is_write = filter == static_cast<std::int64_t>(EVFILT_WRITE);
  if (!is_read && !is_write) return {Mode{}, {}};
  const bool end = (flags & EV_EOF) != 0;
  const bool error = flags == static_cast<std::uint32_t>(EV_ERROR);
  return {ModeOf(is_read || end, is_write || end),
          {.error = error, .no_more_edges = end || error}};
}
static_assert(DecodeKqueue(EVFILT_READ, EV_CLEAR).mode == Mode::kRead);
static_assert(DecodeKqueue(EVFILT_WRITE, EV_CLEAR).mode == Mode::kWrite);
static_assert(!DecodeKqueue(EVFILT_READ, EV_CLEAR).flags.no_more_edges);
static_assert(DecodeKqueue(EVFILT_READ, EV_EOF).mode == Mode::kReadWrite);
static_assert(DecodeKqueue(EVFILT_READ, EV_EOF).flags.no_more_edges);
static_assert(DecodeKqueue(EVFILT_WRITE, EV_EOF | EV_CLEAR).mode ==
              Mode::kReadWrite);
static_assert(DecodeKqueue(EVFILT_WRITE, EV_EOF).flags.no_more_edges);
static_assert(!DecodeKqueue(EVFILT_READ, EV_EOF).flags.error);
static_assert(DecodeKqueue(EVFILT_READ, EV_ERROR).flags.error);
static_assert(!DecodeKqueue(EVFILT_READ, EV_ERROR | EV_CLEAR).flags.error);
static_assert(DecodeKqueue(EVFILT_TIMER, EV_EOF).mode == Mode{});
#if defined(EVFILT_USER)
static_assert(DecodeKqueue(EVFILT_USER, 0).mode == Mode::kReadWrite);
static_assert(DecodeKqueue(EVFILT_USER, 0).flags.no_more_edges);
static_assert(!DecodeKqueue(EVFILT_USER, 0).flags.error);
static_assert(KqueueFd(EVFILT_USER, kFirstAnnouncement) == 0);
#endif

using KqueueUdata = decltype(kevent::udata);
inline constexpr int kKqueueUdataBits = 8 * sizeof(KqueueUdata);

// The field is a pointer here and an integer there; it carries our bits, never
// an address.
template <class Udata = KqueueUdata>
Udata ToUdata(std::uint64_t bits) {
  if constexpr (std::is_pointer_v<Udata>) {
    return reinterpret_cast<Udata>(static_cast<std::uintptr_t>(bits));
  } else {
    return static_cast<Udata>(bits);
  }
}
template <class Udata>
std::uint64_t FromUdata(Udata udata) {
  if constexpr (std::is_pointer_v<Udata>) {
    return reinterpret_cast<std::uintptr_t>(udata);
  } else {
    return static_cast<std::make_unsigned_t<Udata>>(udata);
  }
}

constexpr std::uint32_t ReverseBits(std::uint32_t bits) {
  std::uint32_t reversed = 0;
  for (int i = 0; i < 32; ++i, bits >>= 1) {
    reversed = (reversed << 1) | (bits & 1);
  }
  return reversed;
}
static_assert(ReverseBits(1) == 0x8000'0000u);
static_assert(ReverseBits(0x0000'000cu) == 0x3000'0000u);

// A key for a field of 32 bits. The event's ident leads to the descriptor's
// present key, and this says whether the event is of that key. One slot's keys
// never look alike, short of 2^32 - 1 reuses. The index comes in from the upper
// end and the generation from the lower, so of 2^n slots two look alike only if
// their generations differ by a multiple of 2^(32 - n): one was reused millions
// of times more often than the other, with a thousand slots. Then a stale event
// of the one, fetched before its descriptor's number went over to the other,
// makes that ready for nothing.
constexpr std::uint32_t FoldKey(EventKey key) {
  return key.generation() ^ ReverseBits(static_cast<std::uint32_t>(key.bits()));
}
static_assert(FoldKey(EventKey::ForSlot(0, 7)) == 7);
static_assert(FoldKey(EventKey::ForSlot(1, 7)) == 0x8000'0007u);
static_assert(FoldKey(EventKey::Internal(0)) == 1);
static_assert(FoldKey(EventKey::ForSlot(1023, 7)) !=
              FoldKey(EventKey::ForSlot(1022, 7)));

// One change for kevent. `fflags` is for EVFILT_USER.
template <class Filter>
struct kevent KqueueChange(std::uint64_t ident, Filter filter,
                           std::uint32_t flags, std::uint64_t udata,
                           std::uint32_t fflags = 0) {
  struct kevent change {};
  change.ident = static_cast<decltype(change.ident)>(ident);
  change.filter = static_cast<decltype(change.filter)>(filter);
  change.flags = static_cast<decltype(change.flags)>(flags);
  change.fflags = static_cast<decltype(change.fflags)>(fflags);
  change.udata = ToUdata<>(udata);
  return change;
}

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_KQUEUE_KQUEUE_EVENTS_H_
