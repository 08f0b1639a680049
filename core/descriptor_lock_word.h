// SPDX-License-Identifier: Apache-2.0
//
// The word of the descriptor lock, as pure transitions.
//
//   bit      meaning
//   0        closed: no new reference, no new lock holder
//   1        a task holds the read direction
//   2        a task holds the write direction
//   22..3    references (holders of a direction count as one each)
//   42..23   tasks that wait for the read direction
//   62..43   tasks that wait for the write direction
//
// The last reference to go after closing ends the descriptor: exactly one
// DropReference or Release answers `last`. A count that would overflow, and a
// release of what is not held, are misuse and leave the word as it was.

#ifndef NETPOLL_CORE_DESCRIPTOR_LOCK_WORD_H_
#define NETPOLL_CORE_DESCRIPTOR_LOCK_WORD_H_

#include <cstdint>

#include "netpoll/core/types.h"

namespace netpoll {

using LockWord = std::uint64_t;

enum class [[nodiscard]] LockOutcome : std::uint8_t{
    kDone,  // The reference or the direction is the caller's, or was given up.
    kLast,  // Given up, and it was the last: end the descriptor.
    kClosed,    // Refused: the descriptor is closed.
    kMustWait,  // Counted as waiting for the direction.
    kMisuse,    // More references or waiters than fit, or released twice.
};

struct LockStep {
  bool write;
  LockWord next;
  LockOutcome outcome;
  // Tasks that may try again.
  std::uint32_t wake_readers = 0;
  std::uint32_t wake_writers = 0;

  friend constexpr bool operator==(const LockStep&, const LockStep&) = default;
};

namespace lock_word {

inline constexpr int kCountBits = 20;
inline constexpr LockWord kCountMask = (LockWord{1} << kCountBits) - 1;
inline constexpr LockWord kClosed = 1;
inline constexpr LockWord kReadHeld = 2;
inline constexpr LockWord kWriteHeld = 4;
inline constexpr int kRefShift = 3;
inline constexpr int kReadWaitShift = kRefShift + kCountBits;
inline constexpr int kWriteWaitShift = kReadWaitShift + kCountBits;
inline constexpr LockWord kRef = LockWord{1} << kRefShift;
static_assert(kWriteWaitShift + kCountBits <= 64);

constexpr std::uint32_t Count(LockWord word, int shift) {
  return static_cast<std::uint32_t>((word >> shift) & kCountMask);
}
constexpr std::uint32_t References(LockWord word) {
  return Count(word, kRefShift);
}

// Both without a branch: each operation comes here twice.
constexpr LockWord HeldBit(Mode direction) {
  return LockWord{static_cast<std::uint8_t>(direction)} << 1;
}
static_assert(HeldBit(Mode::kRead) == kReadHeld);
static_assert(HeldBit(Mode::kWrite) == kWriteHeld);
constexpr int WaitShift(Mode direction) {
  return kRefShift + kCountBits * static_cast<std::uint8_t>(direction);
}
static_assert(WaitShift(Mode::kRead) == kReadWaitShift);
static_assert(WaitShift(Mode::kWrite) == kWriteWaitShift);

constexpr LockStep Refuse(LockOutcome outcome) { return {false, 0, outcome}; }

constexpr LockStep AddReference(LockWord word) {
  if ((word & kClosed) != 0) return Refuse(LockOutcome::kClosed);
  if (References(word) == kCountMask) return Refuse(LockOutcome::kMisuse);
  return {true, word + kRef, LockOutcome::kDone};
}

// Closes and keeps a reference for the closer. Everybody who waits for a
// direction is let go, to find it closed.
constexpr LockStep Close(LockWord word) {
  if ((word & kClosed) != 0) return Refuse(LockOutcome::kClosed);
  if (References(word) == kCountMask) return Refuse(LockOutcome::kMisuse);
  const LockWord waits =
      (kCountMask << kReadWaitShift) | (kCountMask << kWriteWaitShift);
  return {true, ((word | kClosed) + kRef) & ~waits, LockOutcome::kDone,
          Count(word, kReadWaitShift), Count(word, kWriteWaitShift)};
}

constexpr LockOutcome AfterDrop(LockWord next) {
  return (next & kClosed) != 0 && References(next) == 0 ? LockOutcome::kLast
                                                        : LockOutcome::kDone;
}

constexpr LockStep DropReference(LockWord word) {
  if (References(word) == 0) return Refuse(LockOutcome::kMisuse);
  const LockWord next = word - kRef;
  return {true, next, AfterDrop(next)};
}

// Takes a direction, with a reference, or counts the caller as waiting.
constexpr LockStep Acquire(LockWord word, Mode direction) {
  if ((word & kClosed) != 0) return Refuse(LockOutcome::kClosed);
  const int shift = WaitShift(direction);
  if ((word & HeldBit(direction)) != 0) {
    if (Count(word, shift) == kCountMask) return Refuse(LockOutcome::kMisuse);
    return {true, word + (LockWord{1} << shift), LockOutcome::kMustWait};
  }
  if (References(word) == kCountMask) return Refuse(LockOutcome::kMisuse);
  return {true, (word | HeldBit(direction)) + kRef, LockOutcome::kDone};
}

// Gives a direction up, and lets one of those who wait for it try.
constexpr LockStep Release(LockWord word, Mode direction) {
  if ((word & HeldBit(direction)) == 0 || References(word) == 0) {
    return Refuse(LockOutcome::kMisuse);
  }
  const int shift = WaitShift(direction);
  const std::uint32_t wake = Count(word, shift) != 0 ? 1 : 0;
  const LockWord next =
      (word & ~HeldBit(direction)) - kRef - (LockWord{wake} << shift);
  return {true, next, AfterDrop(next), direction == Mode::kRead ? wake : 0,
          direction == Mode::kRead ? 0 : wake};
}

// What is mostly met: nobody is in the way, nothing is to be told, and the
// count is far from its ends. Then each of the four is one sum.
constexpr bool FreeToRefer(LockWord word) {
  constexpr LockWord kMany = kRef << (kCountBits - 1);
  return (word & (kClosed | kMany)) == 0;
}
constexpr bool OpenAndReferred(LockWord word) {
  return (word & kClosed) == 0 && References(word) != 0;
}
constexpr bool FreeToTake(LockWord word, Mode direction) {
  return FreeToRefer(word) && (word & HeldBit(direction)) == 0;
}
constexpr LockWord Taken(LockWord word, Mode direction) {
  return word + (HeldBit(direction) + kRef);
}
constexpr LockWord GivenUp(LockWord word, Mode direction) {
  return word - (HeldBit(direction) + kRef);
}
// Whatever else is there, or what is not held, sets a bit of the difference:
// but for the other direction's holder, or one more reference.
constexpr bool HeldAlone(LockWord word, Mode direction) {
  const LockWord other = (kReadHeld | kWriteHeld) ^ HeldBit(direction);
  return (GivenUp(word, direction) & ~(other | kRef)) == 0;
}

// One of those who wait for a direction leaves. Not done: somebody has let it
// go already, and a wake-up is on its way.
constexpr LockStep Withdraw(LockWord word, Mode direction) {
  const int shift = WaitShift(direction);
  if (Count(word, shift) == 0) return Refuse(LockOutcome::kMustWait);
  return {true, word - (LockWord{1} << shift), LockOutcome::kDone};
}

namespace table {
using O = LockOutcome;
inline constexpr LockWord kHeld = Acquire(0, Mode::kRead).next;
inline constexpr LockWord kHeldWaited = Acquire(kHeld, Mode::kRead).next;
inline constexpr LockWord kClosing = Close(kHeldWaited).next;

static_assert(kHeld == (kReadHeld | kRef));
static_assert(Acquire(kHeld, Mode::kRead).outcome == O::kMustWait);
static_assert(Acquire(kHeld, Mode::kWrite).outcome == O::kDone);
static_assert(Release(kHeldWaited, Mode::kRead) ==
              LockStep{true, 0, O::kDone, 1, 0});
static_assert(Release(0, Mode::kRead).outcome == O::kMisuse);
static_assert(Release(kHeld, Mode::kWrite).outcome == O::kMisuse);
static_assert(Close(kHeldWaited).wake_readers == 1);
static_assert(Withdraw(kHeldWaited, Mode::kRead).next == kHeld);
static_assert(Withdraw(kHeldWaited, Mode::kWrite).outcome == O::kMustWait);
static_assert(kClosing == (kClosed | kReadHeld | 2 * kRef));
static_assert(Close(kClosing).outcome == O::kClosed);
static_assert(AddReference(kClosing).outcome == O::kClosed);
static_assert(Acquire(kClosing, Mode::kWrite).outcome == O::kClosed);
static_assert(DropReference(kClosing).outcome == O::kDone);
static_assert(Release(DropReference(kClosing).next, Mode::kRead).outcome ==
              O::kLast);
static_assert(DropReference(0).outcome == O::kMisuse);
static_assert(FreeToTake(kWriteHeld | kRef, Mode::kRead));
static_assert(Taken(kRef, Mode::kRead) == Acquire(kRef, Mode::kRead).next);
static_assert(FreeToRefer(kHeld) && !FreeToRefer(kClosed));
static_assert(OpenAndReferred(kHeld) && !OpenAndReferred(kClosing));
static_assert(!OpenAndReferred(0));
static_assert(!FreeToTake(kHeld, Mode::kRead));
static_assert(!FreeToTake(kClosed, Mode::kRead));
static_assert(!FreeToTake(kCountMask << kRefShift, Mode::kRead));
static_assert(HeldAlone(kHeld, Mode::kRead));
static_assert(HeldAlone(kHeld + kRef, Mode::kRead));
static_assert(HeldAlone(Taken(kHeld, Mode::kWrite), Mode::kRead));
static_assert(HeldAlone(Taken(kHeld, Mode::kWrite), Mode::kWrite));
static_assert(!HeldAlone(kHeld + 2 * kRef, Mode::kRead));
static_assert(!HeldAlone(kHeld + (LockWord{1} << kWriteWaitShift),
                         Mode::kRead));
static_assert(!HeldAlone(0, Mode::kRead) && !HeldAlone(kRef, Mode::kRead));
static_assert(GivenUp(kHeld, Mode::kRead) == Release(kHeld, Mode::kRead).next);
static_assert(!HeldAlone(kHeldWaited, Mode::kRead));
static_assert(!HeldAlone(kClosing, Mode::kRead));
static_assert(!HeldAlone(kHeld, Mode::kWrite));
static_assert(!HeldAlone(kReadHeld, Mode::kRead));
static_assert(AddReference(kCountMask << kRefShift).outcome == O::kMisuse);
static_assert(Acquire(kReadHeld | (kCountMask << kReadWaitShift), Mode::kRead)
                  .outcome == O::kMisuse);
}  // namespace table

}  // namespace lock_word
}  // namespace netpoll

#endif  // NETPOLL_CORE_DESCRIPTOR_LOCK_WORD_H_
