// SPDX-License-Identifier: Apache-2.0
//
// The status word: what a task must know before it parks, in one atomic load.
//
//   bit       meaning                      moved by
//   0         closing                      publish (under the lock)
//   1         errors keep being reported   event (no lock); reset, open clear
//   2         the read deadline passed     publish
//   3         the write deadline passed    publish
//   4         no more edges will come      event, sticky; open clears
//   7..5      error reports in a row       event; reset, open clear
//   8         the incarnation has ended    publish (free); open clears
//   63..32    generation                   publish (open and free)
//
// A report of nothing but "error" is a hint: an error queue may have news, a
// pending error may wait to be fetched, both of a healthy descriptor. It makes
// both directions ready, the system call is tried, and what that says is told.
// Only when kErrorReports of them came in a row and the call would still block
// does a read wait end with kNotPollable (bit 1). Any other event and the next
// read operation's Reset begin to count anew, so that is told once and the
// call then tried again.
//
// Bits 0, 2, 3 and the generation summarise fields that live under the
// descriptor's lock; the others live only here. Publishing happens after any
// change of those fields and before the cancel that follows it, with a
// seq_cst exchange; tasks load it seq_cst after Nil->Wait. Events compare the
// whole generation and change nothing when it differs.

#ifndef NETPOLL_CORE_STATUS_H_
#define NETPOLL_CORE_STATUS_H_

#include <cstdint>

#include "netpoll/core/types.h"

namespace netpoll {

using StatusWord = std::uint64_t;

// What publish writes.
struct StatusSummary {
  bool closing = false;
  bool read_expired = false;
  bool write_expired = false;
  std::uint32_t generation = 0;
  bool retired = false;
};

struct StatusStep {
  bool write;
  StatusWord next;
  bool accepted;  // False: the generation differs, nothing was changed.
};

namespace status {

inline constexpr StatusWord kClosing = 1 << 0;
inline constexpr StatusWord kErrorStays = 1 << 1;
inline constexpr StatusWord kReadExpired = 1 << 2;
inline constexpr StatusWord kWriteExpired = 1 << 3;
inline constexpr StatusWord kNoMoreEdges = 1 << 4;
inline constexpr StatusWord kOneError = 1 << 5;
inline constexpr StatusWord kErrorCount = 7 * kOneError;
inline constexpr StatusWord kErrors = kErrorStays | kErrorCount;
inline constexpr StatusWord kFlags = 0xff;  // Of a descriptor that is open.
inline constexpr StatusWord kRetired = 1 << 8;
// Reports of nothing but an error, in a row, that make it one that stays.
inline constexpr int kErrorReports = 8;
inline constexpr int kGenerationShift = 32;
inline constexpr int kGenerationWidth = 32;

static_assert((kClosing | kErrorStays | kReadExpired | kWriteExpired |
               kNoMoreEdges | kErrorCount) == kFlags);
static_assert(kErrorCount / kOneError + 1 == kErrorReports);
static_assert((kRetired & kFlags) == 0);
static_assert((kRetired | kFlags) < (StatusWord{1} << kGenerationShift));
static_assert(kGenerationShift + kGenerationWidth <= 64);

constexpr std::uint32_t Generation(StatusWord word) {
  return static_cast<std::uint32_t>(word >> kGenerationShift);
}

// Replaces the summarised fields, keeps those that events own.
constexpr StatusStep Publish(StatusWord word, const StatusSummary& s) {
  const StatusWord next = (word & (kErrors | kNoMoreEdges)) |
                          (s.closing ? kClosing : 0) |
                          (s.read_expired ? kReadExpired : 0) |
                          (s.write_expired ? kWriteExpired : 0) |
                          (StatusWord{s.retired} * kRetired) |
                          (StatusWord{s.generation} << kGenerationShift);
  return {next != word, next, true};
}

// A new incarnation begins: nothing of an earlier one is left.
constexpr StatusStep Open(StatusWord word, std::uint32_t generation) {
  const StatusWord next = StatusWord{generation} << kGenerationShift;
  return {next != word, next, true};
}

// The errors of a word after one more report of nothing but an error.
constexpr StatusWord OneMoreError(StatusWord word) {
  if ((word & kErrorCount) == kErrorCount) return kErrors;
  return (word & kErrors) + kOneError;
}

// An event for the incarnation `generation` says `flags`.
constexpr StatusStep Event(StatusWord word, std::uint32_t generation,
                           EventFlags flags) {
  if (Generation(word) != generation) return {false, word, false};
  // Nothing to note, as most often.
  if (flags == EventFlags{} && (word & kErrors) == 0)
    return {false, word, true};
  const StatusWord next = (word & ~kErrors) |
                          (flags.error ? OneMoreError(word) : 0) |
                          (flags.no_more_edges ? kNoMoreEdges : 0);
  return {next != word, next, true};
}

// The reader tries its call anew: what was reported so far does not count.
constexpr StatusStep ForgetErrors(StatusWord word) {
  return {(word & kErrors) != 0, word & ~kErrors, true};
}

// What ends every operation of `direction`, Closing before Timeout.
constexpr PollError Ended(StatusWord word, Mode direction) {
  if ((word & kClosing) != 0) return PollError::kClosing;
  const StatusWord expired =
      direction == Mode::kRead ? kReadExpired : kWriteExpired;
  return (word & expired) != 0 ? PollError::kTimeout : PollError::kNone;
}

// What ends a wait of `direction` whose call would block: NotPollable comes
// last.
constexpr PollError Check(StatusWord word, Mode direction) {
  const PollError ended = Ended(word, direction);
  if (ended != PollError::kNone) return ended;
  if (direction == Mode::kRead && (word & kErrorStays) != 0) {
    return PollError::kNotPollable;
  }
  return PollError::kNone;
}

constexpr bool NoMoreEdges(StatusWord word) {
  return (word & kNoMoreEdges) != 0;
}

namespace table {
inline constexpr StatusWord kGen7 = StatusWord{7} << kGenerationShift;

static_assert(Check(kGen7, Mode::kRead) == PollError::kNone);
static_assert(Check(kFlags, Mode::kRead) == PollError::kClosing);
static_assert(Check(kFlags & ~kClosing, Mode::kRead) == PollError::kTimeout);
static_assert(Check(kReadExpired, Mode::kWrite) == PollError::kNone);
static_assert(Check(kWriteExpired, Mode::kWrite) == PollError::kTimeout);
static_assert(Check(kErrorStays, Mode::kRead) == PollError::kNotPollable);
static_assert(Check(kErrorStays, Mode::kWrite) == PollError::kNone);
static_assert(Check(kErrorCount, Mode::kRead) == PollError::kNone);
static_assert(Ended(kFlags, Mode::kRead) == PollError::kClosing);
static_assert(Ended(kFlags & ~kClosing, Mode::kWrite) == PollError::kTimeout);
static_assert(Ended(kErrors, Mode::kRead) == PollError::kNone);
static_assert(Check(kNoMoreEdges, Mode::kRead) == PollError::kNone);

static_assert(
    Publish(kGen7 | kErrors | kNoMoreEdges, {true, false, true, 7}).next ==
    (kGen7 | kErrors | kNoMoreEdges | kClosing | kWriteExpired));
static_assert(!Publish(kGen7, {false, false, false, 7}).write);
static_assert(
    Publish(kGen7 | kNoMoreEdges, {true, false, false, 8, true}).next ==
    ((StatusWord{8} << kGenerationShift) | kNoMoreEdges | kClosing | kRetired));
static_assert(Open(kGen7 | kFlags | kRetired, 8).next ==
              (StatusWord{8} << kGenerationShift));
static_assert(!Event(kGen7, 6, {true, true}).accepted);
static_assert(!Event(kGen7, 6, {true, true}).write);
static_assert(Event(kGen7, 7, {true, false}).next == (kGen7 | kOneError));
static_assert(Event(kGen7 | kErrorCount, 7, {true, false}).next ==
              (kGen7 | kErrors));
static_assert(!Event(kGen7 | kErrors, 7, {true, false}).write);
static_assert(Event(kGen7 | kErrors | kNoMoreEdges, 7, {false, false}).next ==
              (kGen7 | kNoMoreEdges));
static_assert(ForgetErrors(kGen7 | kFlags).next ==
              (kGen7 | (kFlags & ~kErrors)));
static_assert(!ForgetErrors(kGen7 | kNoMoreEdges).write);
static_assert(!Event(kGen7, 7, {false, false}).write);
}  // namespace table

}  // namespace status
}  // namespace netpoll

#endif  // NETPOLL_CORE_STATUS_H_
