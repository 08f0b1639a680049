// SPDX-License-Identifier: Apache-2.0
//
// IocpOperation: the calls of one direction of one descriptor, one under way at
// a time. It lives in memory that the backend keeps until the end, so that a
// completion may arrive whenever it likes, and in nobody's frame.
//
// A packet belongs to a call, not to the operation: the system may post one for
// a call that has ended already (a datagram that was longer than its buffer; a
// provider that does not keep to the rules), and the next call's buffer is the
// system's by then. So each call has an OVERLAPPED of its own, of kCalls that
// take turns, and a packet counts only for the call under way. Of an earlier
// call's packet that is seen after kCalls - 1 later ones the backend knows
// nothing; iocp_calls.h makes none that late.
//
// One word:
//
//   bits 0-1    the state
//     kIdle      0   Its owner's alone. Begin -> kInFlight, before the system
//                    call.
//     kInFlight  1   The system may write to the OVERLAPPED and the buffer.
//                    Abandon -> kIdle, by the owner, when the call ended at
//                    once: a packet that comes all the same is of no call.
//                    Complete -> kDone, by the poller that dequeued the call's
//                    packet; of two packets one does it.
//     kDone      2   The result is there. Take -> kIdle, by the owner.
//   bits 2-3    the direction. Assign.
//   bits 4-31   which call this is, or was: counted on by Begin.
//   bits 32-63  the bytes that were moved, in kDone.
//
// Orders: Complete's compare-exchange releases the result, done() and Take load
// with acquire; Begin releases the cleared OVERLAPPED. After Complete the
// poller touches the operation no more; the owner is woken through the
// semaphore of its direction (poll_desc.h), and must not give the operation
// back before it is done: the system would write into what is no longer its
// own.
//
// The owner is one task at a time: the one that may wait in that direction.

#ifndef NETPOLL_BACKENDS_IOCP_OPERATION_H_
#define NETPOLL_BACKENDS_IOCP_OPERATION_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {

template <class Env>
class IocpOperation {
 public:
  // Calls in a row whose packets can be told apart.
  static constexpr std::uint32_t kCalls = 4;

  explicit IocpOperation(std::uint32_t index) : index_(index) {}
  IocpOperation(const IocpOperation&) = delete;
  IocpOperation& operator=(const IocpOperation&) = delete;

  // --- The owner ------------------------------------------------------------

  // Of the call under way, or of the last one.
  OVERLAPPED* overlapped() { return &calls_[CallOf(Load()) % kCalls]; }
  Mode direction() const { return DirectionOf(Load()); }

  // Before every call: nothing of the last one is left.
  void Begin() {
    const std::uint64_t before = Load();
    if (StateOf(before) != kIdle) {
      Env::Misuse("an operation was begun before the last one had ended");
    }
    const std::uint64_t next = (before & kLow) + kOneCall;
    calls_[CallOf(next) % kCalls] = OVERLAPPED{};
    ended_at_once_.Set(0);
    word_.Store("operation.begin", (next & kLow) | kInFlight, Order::kRelease);
  }

  // The call ended at once, and its result is the caller's.
  void Abandon() { End("operation.abandon"); }

  // The call ended at once with this error of the system, and a packet says so.
  void EndedAtOnce(int error) { ended_at_once_.Set(error); }
  int ended_at_once() const { return ended_at_once_.Get(); }

  bool in_flight() const { return StateOf(Load()) == kInFlight; }
  bool done() const { return StateOf(Load()) == kDone; }

  // The bytes that were moved. Only when done.
  std::uint32_t Take() {
    const std::uint64_t word = Load();
    if (StateOf(word) != kDone) {
      Env::Misuse("the result of an operation was taken too early");
    }
    End("operation.take");
    return static_cast<std::uint32_t>(word >> kBytesShift);
  }

  // Whether a call of the descriptor that succeeds at once posts a packet:
  // what `ask` says, once for each life; or minus an error.
  template <class Ask>
  int PostsSuccess(Ask ask) {
    if (posts_success_.Get() == kUnknown) {
      const int answer = ask();
      if (answer < 0) return answer;
      posts_success_.Set(answer);
    }
    return posts_success_.Get();
  }

  // --- The backend ----------------------------------------------------------

  // Which of its calls an address is of. Only compared, never followed.
  static const void* OperationOf(const void* overlapped, std::uint32_t call) {
    return reinterpret_cast<const void*>(
        reinterpret_cast<std::uintptr_t>(overlapped) -
        call * sizeof(OVERLAPPED));
  }

  // A packet of the call with that number, modulo kCalls. The direction that
  // has ended, or nothing: it is of an earlier call, or there was another
  // packet, or the operation has another key by now.
  std::optional<Mode> Complete(EventKey key, std::uint32_t call,
                               std::uint32_t bytes) {
    const std::uint64_t word = Load();
    if (StateOf(word) != kInFlight || CallOf(word) % kCalls != call ||
        key_.Load("operation.complete.key", Order::kRelaxed) != key.bits()) {
      return {};
    }
    const std::uint64_t done =
        (word & ~kStateMask) | kDone | std::uint64_t{bytes} << kBytesShift;
    if (!word_.CompareExchange("operation.complete", word, done,
                               Order::kAcqRel)) {
      return {};
    }
    return DirectionOf(word);
  }

  // A new life.
  void Assign(EventKey key, Mode direction) {
    key_.Store("operation.assign.key", key.bits(), Order::kRelaxed);
    posts_success_.Set(kUnknown);
    const std::uint64_t calls = Load() & kLow & ~kDirectionMask;
    word_.Store("operation.assign",
                calls | static_cast<std::uint64_t>(direction)
                            << kDirectionShift,
                Order::kRelease);
  }

  EventKey key() const {
    return EventKey::FromBits(key_.Load("operation.key", Order::kRelaxed));
  }

  // --- The pool -------------------------------------------------------------

  std::uint32_t index() const { return index_; }
  std::uint32_t next_free() const { return next_free_.Get(); }
  void set_next_free(std::uint32_t next) { next_free_.Set(next); }

 private:
  static constexpr std::uint64_t kIdle = 0;
  static constexpr std::uint64_t kInFlight = 1;
  static constexpr std::uint64_t kDone = 2;
  static constexpr std::uint64_t kStateMask = 3;
  static constexpr int kDirectionShift = 2;
  static constexpr std::uint64_t kDirectionMask = 3 << kDirectionShift;
  static constexpr std::uint64_t kOneCall = 16;
  static constexpr int kBytesShift = 32;
  static constexpr std::uint64_t kLow = 0xffff'ffff;
  static constexpr int kUnknown = -1;

  static constexpr std::uint64_t StateOf(std::uint64_t word) {
    return word & kStateMask;
  }
  static constexpr Mode DirectionOf(std::uint64_t word) {
    return static_cast<Mode>((word & kDirectionMask) >> kDirectionShift);
  }
  static constexpr std::uint32_t CallOf(std::uint64_t word) {
    return static_cast<std::uint32_t>((word & kLow) / kOneCall);
  }

  std::uint64_t Load() const {
    return word_.Load("operation.load", Order::kAcquire);
  }
  void End(Site site) {
    word_.Store(site, Load() & kLow & ~kStateMask, Order::kRelease);
  }

  // First: the system hands their addresses back, and those lead here.
  OVERLAPPED calls_[kCalls] = {};
  typename Env::template Atomic<std::uint64_t> key_{0};
  typename Env::template Atomic<std::uint64_t> word_{kIdle};
  // The owner's.
  typename Env::template Var<int> ended_at_once_;
  typename Env::template Var<int> posts_success_{kUnknown};
  typename Env::template Var<std::uint32_t> next_free_;
  std::uint32_t index_;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IOCP_OPERATION_H_
