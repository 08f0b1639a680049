// SPDX-License-Identifier: Apache-2.0
//
// IocpOperation: one call under way in one direction of one descriptor. It
// lives in memory that the backend keeps until the end, so that a completion
// may arrive whenever it likes, and in nobody's frame.
//
// The state:
//
//   kIdle      0   Its owner's alone. Begin -> kInFlight, before the system
//                  call.
//   kInFlight  1   The system may write to the OVERLAPPED and the buffer.
//                  Abandon -> kIdle, by the owner, when the call ended at once:
//                  then no packet comes. Complete -> kDone, by the poller that
//                  dequeued the packet.
//   kDone      2   The result is there. Take -> kIdle, by the owner.
//
// Orders: Complete stores with release what the poller wrote, done() and Take
// load with acquire. After Complete the poller touches the operation no more;
// the owner is woken through the semaphore of its direction (poll_desc.h), and
// must not give the operation back before it is done: the system would write
// into what is no longer its own.
//
// The owner is one task at a time: the one that may wait in that direction.

#ifndef NETPOLL_BACKENDS_IOCP_OPERATION_H_
#define NETPOLL_BACKENDS_IOCP_OPERATION_H_

#include <cstddef>
#include <cstdint>

#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/generation.h"
#include "netpoll/core/types.h"

namespace netpoll {

template <class Env>
class IocpOperation {
 public:
  explicit IocpOperation(std::uint32_t index) : index_(index) {}
  IocpOperation(const IocpOperation&) = delete;
  IocpOperation& operator=(const IocpOperation&) = delete;

  // --- The owner ------------------------------------------------------------

  OVERLAPPED* overlapped() { return &overlapped_; }
  Mode direction() const { return mode_.Get(); }

  // Before every call: nothing of the last one is left.
  void Begin() {
    if (Load("operation.begin.load", Order::kRelaxed) != kIdle) {
      Env::Misuse("an operation was begun before the last one had ended");
    }
    overlapped_ = OVERLAPPED{};
    state_.Store("operation.begin", kInFlight, Order::kRelease);
  }

  // The call ended at once, and nothing will be posted.
  void Abandon() { state_.Store("operation.abandon", kIdle, Order::kRelease); }

  bool in_flight() const {
    return Load("operation.in_flight", Order::kAcquire) == kInFlight;
  }
  bool done() const { return Load("operation.done", Order::kAcquire) == kDone; }

  // The bytes that were moved. Only when done.
  std::uint32_t Take() {
    if (!done()) Env::Misuse("the result of an operation was taken too early");
    const std::uint32_t bytes = bytes_.Get();
    state_.Store("operation.take", kIdle, Order::kRelease);
    return bytes;
  }

  // --- The backend ----------------------------------------------------------

  // Whether a packet under `key` can be of this operation. The slot may have
  // been given away meanwhile: then it is in another state or has another key.
  bool Expects(EventKey key) const {
    return Load("operation.expects", Order::kAcquire) == kInFlight &&
           key_.Load("operation.expects.key", Order::kRelaxed) == key.bits();
  }

  void Complete(std::uint32_t bytes) {
    bytes_.Set(bytes);
    state_.Store("operation.complete", kDone, Order::kRelease);
  }

  void Assign(EventKey key, Mode direction) {
    key_.Store("operation.assign", key.bits(), Order::kRelaxed);
    mode_.Set(direction);
  }

  // --- The pool -------------------------------------------------------------

  std::uint32_t index() const { return index_; }
  std::uint32_t next_free() const { return next_free_.Get(); }
  void set_next_free(std::uint32_t next) { next_free_.Set(next); }

 private:
  static constexpr std::uint32_t kIdle = 0;
  static constexpr std::uint32_t kInFlight = 1;
  static constexpr std::uint32_t kDone = 2;

  std::uint32_t Load(Site site, Order order) const {
    return state_.Load(site, order);
  }

  // First: the system hands its address back, and that is the operation's.
  OVERLAPPED overlapped_{};
  typename Env::template Atomic<std::uint64_t> key_{0};
  typename Env::template Atomic<std::uint32_t> state_{kIdle};
  typename Env::template Var<std::uint32_t> bytes_;
  typename Env::template Var<Mode> mode_;
  typename Env::template Var<std::uint32_t> next_free_;
  std::uint32_t index_;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IOCP_OPERATION_H_
