// SPDX-License-Identifier: Apache-2.0
//
// How what waits is ended. A scope is entered by an await, and holds for all
// that is awaited inside it, in tasks that tasks await too: nothing is passed
// by hand. When it is cancelled, every wait in it ends, those under way and
// those to come: sleeps, connects, accepts, reads, writes, joins, and all that
// waits between tasks (mutex.h, channel.h, ...).
//
//   co_await WithTimeout(5s, Serve(socket))      any awaitable; a Deadline too
//   CancelSource source;
//   co_await WithCancel(source, Serve(socket))   until source.Cancel(), from
//                                                any thread
//   co_await WithCancel(stop_token, ...)         a std::stop_token's
//   co_await Shielded(SayGoodbye(socket))        heeds no scope outside itself
//
// The result is what the awaitable has for one: of a read IoResult, whose
// status is timeout() in the first case and cancelled() in the others. What was
// done by then wins: bytes that have come are handed over, an item that was
// taken, a lock that was given. Nothing is abandoned: the await ends when all
// that is in it has ended, so it may use what the caller owns. What can be done
// without waiting is done in a cancelled scope too, but for a loop that never
// waits: it is ended when its task has had its share of a turn.
//
// A join has no room for a status:
// Cancelled leaves it (join.h). Close always comes to its end. Scopes nest: an
// outer one ends an inner one. Stop ends all. A spawned task is in no scope of
// its spawner's; a TaskGroup's are in that of whoever awaits the group
// (task_group.h).
//
// None of this blocks, or allocates: the timer's room was reserved with the
// task, unless it has several; then std::bad_alloc if there is no memory. In a
// coroutine that is no netpoll Task it does not compile.

#ifndef NETPOLL_RUNTIME_CANCEL_H_
#define NETPOLL_RUNTIME_CANCEL_H_

#include "netpoll/core/cpp20.h"

#include <chrono>
#include <coroutine>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/awaiter_of.h"
#include "netpoll/runtime/cancelled.h"
#include "netpoll/runtime/exceptions.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/scope.h"
#include "netpoll/runtime/task_context.h"

namespace netpoll {

namespace internal {
class SourceLimit;
}

// Cancels the scopes that were entered with it, at any time, and those to come.
// One may serve many, in several runtimes. A child is cancelled with its
// parent, and not the other way round.
//
// Threads: any member from any thread. It must outlive the awaits that were
// given it, its children, and the calls of others; else the process stops.
class CancelSource {
 public:
  CancelSource() = default;
  explicit CancelSource(CancelSource& parent);
  CancelSource(const CancelSource&) = delete;
  CancelSource& operator=(const CancelSource&) = delete;
  ~CancelSource();

  // Does not block, and waits for nobody: who must know that all have left
  // awaits them. What was written before is seen by whoever is ended. False: it
  // was cancelled before.
  bool Cancel();
  bool cancelled() const {
    return node_.reason() != internal::CancelReason::kNone;
  }

  // For code that wants one: stop is requested when this is cancelled, by
  // whoever does, before Cancel returns. Throws std::bad_alloc.
  std::stop_token stop_token();

 private:
  friend internal::SourceLimit;

  struct Relay {
    std::stop_source stop;
    void operator()() { stop.request_stop(); }
  };

  internal::CancelNode<StdEnv> node_;
  internal::CancelSeat seat_;
  CancelSource* const parent_ = nullptr;

  StdEnv::Lock lock_;
  // Guarded by lock_.
  std::optional<std::stop_source> stop_;
  std::optional<std::stop_callback<Relay>> from_parent_;
};

namespace internal {

// What else ends a scope: a CancelSource, or whatever has a node.
class SourceLimit {
 public:
  explicit SourceLimit(CancelSource& source) : SourceLimit(source.node_) {}
  explicit SourceLimit(CancelNode<StdEnv>& node) { seat_.node = &node; }
  void Begin(TaskContext* context);
  void End();

 private:
  Scope scope_;
  CancelSeat seat_;
};

// A std::stop_token. Its callback is told inside request_stop; End waits for
// that.
class StopTokenLimit {
 public:
  explicit StopTokenLimit(std::stop_token token) : token_(std::move(token)) {}
  void Begin(TaskContext* context);
  void End();

 private:
  struct Relay {
    CancelNode<StdEnv>* node;
    void operator()() { node->Cancel(CancelReason::kCancelled); }
  };
  std::stop_token token_;
  Scope scope_;
  std::optional<std::stop_callback<Relay>> callback_;
};

// Nothing: no scope reaches what is awaited.
class Shield {
 public:
  void Begin(TaskContext* context) {
    context_ = context;
    outer_ = std::exchange(context->seat, nullptr);
  }
  void End() { context_->seat = outer_; }

 private:
  TaskContext* context_ = nullptr;
  CancelSeat* outer_ = nullptr;
};

// Awaits `A` in a scope that `Limit` begins and ends.
template <class A, class Limit>
class [[nodiscard]] LimitedAwaiter {
 public:
  template <class... Args>
  explicit LimitedAwaiter(A&& awaitable, Args&&... args)
      : limit_(std::forward<Args>(args)...),
        awaitable_(std::forward<A>(awaitable)),
        awaiter_(AwaiterOf(std::forward<A>(awaitable_))) {}
  LimitedAwaiter(const LimitedAwaiter&) = delete;
  LimitedAwaiter& operator=(const LimitedAwaiter&) = delete;

  bool await_ready() const noexcept { return false; }

  // Inline also where nothing else is: what is awaited looks who calls.
  template <class Promise>
  [[gnu::always_inline]] auto await_suspend(
      std::coroutine_handle<Promise> task) {
    static_assert(
        requires(Promise & promise) { promise.context.seat; },
        "only a netpoll Task carries scopes: await this in one");
    limit_.Begin(ContextOf(task));
    NETPOLL_TRY {
      if constexpr (kTransfers<Promise>) {
        if (awaiter_.await_ready()) return std::coroutine_handle<>(task);
        return std::coroutine_handle<>(awaiter_.await_suspend(task));
      } else {
        // Once it is parked nothing of this may be touched.
        return !awaiter_.await_ready() && SuspendIn(awaiter_, task);
      }
    }
    NETPOLL_CATCH(...) {
      limit_.End();
      NETPOLL_RETHROW;
    }
  }

  decltype(auto) await_resume() {
    limit_.End();
    return awaiter_.await_resume();
  }

 private:
  template <class Promise>
  static constexpr bool kTransfers = std::is_convertible_v<
      decltype(std::declval<AwaiterTypeOf<A>&>().await_suspend(
          std::declval<std::coroutine_handle<Promise>>())),
      std::coroutine_handle<>>;

  Limit limit_;
  Held<A> awaitable_;
  AwaiterTypeOf<A> awaiter_;
};

// co_await CancellationStatus().
class StatusAwaiter {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> task) {
    if (const CancelSeat* const seat = SeatOf(task); seat != nullptr) {
      status_ = StatusOfScope(*seat);
    }
    return false;
  }
  IoStatus await_resume() const { return status_; }

 private:
  IoStatus status_;
};

}  // namespace internal

// co_await WithTimeout(deadline, awaitable): its result. After the deadline,
// waits in it end with timeout(). Past ends those that would wait at once.
template <class A>
auto WithTimeout(Deadline deadline, A&& awaitable) {
  return internal::LimitedAwaiter<A, internal::TimeLimit>(
      std::forward<A>(awaitable), deadline);
}
// A time from now.
template <class Rep, class Period, class A>
auto WithTimeout(std::chrono::duration<Rep, Period> delay, A&& awaitable) {
  return WithTimeout(internal::DeadlineAfter(delay),
                     std::forward<A>(awaitable));
}

template <class A>
auto WithCancel(CancelSource& source, A&& awaitable) {
  return internal::LimitedAwaiter<A, internal::SourceLimit>(
      std::forward<A>(awaitable), source);
}
template <class A>
auto WithCancel(std::stop_token token, A&& awaitable) {
  return internal::LimitedAwaiter<A, internal::StopTokenLimit>(
      std::forward<A>(awaitable), std::move(token));
}

template <class A>
auto Shielded(A&& awaitable) {
  return internal::LimitedAwaiter<A, internal::Shield>(
      std::forward<A>(awaitable));
}

// co_await CancellationStatus(): ok, or how waits end now in the scope of the
// coroutine that asks. Never waits: for loops that compute.
inline internal::StatusAwaiter CancellationStatus() { return {}; }

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_CANCEL_H_
