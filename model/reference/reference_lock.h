// SPDX-License-Identifier: Apache-2.0
//
// The descriptor lock as the specification has it: plain counts, no packing.
// Answers as core/descriptor_lock_word.h's outcomes do, by name.

#ifndef NETPOLL_MODEL_REFERENCE_REFERENCE_LOCK_H_
#define NETPOLL_MODEL_REFERENCE_REFERENCE_LOCK_H_

#include <cstddef>
#include <cstdint>

namespace netpoll::model::reference {

struct ReferenceLock {
  static constexpr std::uint32_t kLimit = 1'048'575;

  struct Direction {
    bool held = false;
    std::uint32_t waiting = 0;
    friend constexpr bool operator==(const Direction&,
                                     const Direction&) = default;
  };

  bool closed = false;
  std::uint32_t references = 0;  // Holders of a direction count as one each.
  Direction read;
  Direction write;

  friend constexpr bool operator==(const ReferenceLock&,
                                   const ReferenceLock&) = default;
};

enum class LockAnswer : std::uint8_t {
  kDone,
  kLast,  // It was the last reference of a closed descriptor: destroy it.
  kClosed,
  kMustWait,
  kMisuse,
};

constexpr const char* Name(LockAnswer answer) {
  constexpr const char* kNames[] = {"done", "last", "closed", "must wait",
                                    "misuse"};
  return kNames[static_cast<std::size_t>(answer)];
}

// The answer, who may try again, and the lock afterwards.
struct LockResult {
  LockAnswer answer;
  std::uint32_t wake_readers = 0;
  std::uint32_t wake_writers = 0;
  ReferenceLock next = {};
};

namespace lock {

constexpr LockResult Refused(const ReferenceLock& lock, LockAnswer answer) {
  return {answer, 0, 0, lock};
}

constexpr LockResult AddReference(const ReferenceLock& lock) {
  if (lock.closed) return Refused(lock, LockAnswer::kClosed);
  if (lock.references == ReferenceLock::kLimit) {
    return Refused(lock, LockAnswer::kMisuse);
  }
  LockResult result{LockAnswer::kDone, 0, 0, lock};
  ++result.next.references;
  return result;
}

constexpr LockResult DropReference(const ReferenceLock& lock) {
  if (lock.references == 0) return Refused(lock, LockAnswer::kMisuse);
  LockResult result{LockAnswer::kDone, 0, 0, lock};
  --result.next.references;
  if (lock.closed && result.next.references == 0) {
    result.answer = LockAnswer::kLast;
  }
  return result;
}

// Also takes a reference for the closer, and lets everybody go who waits.
constexpr LockResult Close(const ReferenceLock& lock) {
  LockResult result = AddReference(lock);
  if (result.answer != LockAnswer::kDone) return result;
  result.next.closed = true;
  result.wake_readers = lock.read.waiting;
  result.wake_writers = lock.write.waiting;
  result.next.read.waiting = 0;
  result.next.write.waiting = 0;
  return result;
}

constexpr LockResult Acquire(const ReferenceLock& lock, bool read) {
  if (lock.closed) return Refused(lock, LockAnswer::kClosed);
  const ReferenceLock::Direction& now = read ? lock.read : lock.write;
  if (now.held) {
    if (now.waiting == ReferenceLock::kLimit) {
      return Refused(lock, LockAnswer::kMisuse);
    }
    LockResult result{LockAnswer::kMustWait, 0, 0, lock};
    ++(read ? result.next.read : result.next.write).waiting;
    return result;
  }
  LockResult result = AddReference(lock);
  if (result.answer == LockAnswer::kDone) {
    (read ? result.next.read : result.next.write).held = true;
  }
  return result;
}

constexpr LockResult Release(const ReferenceLock& lock, bool read) {
  const ReferenceLock::Direction& now = read ? lock.read : lock.write;
  if (!now.held) return Refused(lock, LockAnswer::kMisuse);
  LockResult result = DropReference(lock);
  if (result.answer == LockAnswer::kMisuse) return result;
  ReferenceLock::Direction& next = read ? result.next.read : result.next.write;
  next.held = false;
  if (now.waiting != 0) {
    --next.waiting;
    (read ? result.wake_readers : result.wake_writers) = 1;
  }
  return result;
}

// One of those who wait leaves; must wait: none does, a wake-up is on its way.
constexpr LockResult Withdraw(const ReferenceLock& lock, bool read) {
  if ((read ? lock.read : lock.write).waiting == 0) {
    return Refused(lock, LockAnswer::kMustWait);
  }
  LockResult result{LockAnswer::kDone, 0, 0, lock};
  --(read ? result.next.read : result.next.write).waiting;
  return result;
}

}  // namespace lock
}  // namespace netpoll::model::reference

#endif  // NETPOLL_MODEL_REFERENCE_REFERENCE_LOCK_H_
