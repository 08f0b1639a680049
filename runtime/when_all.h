// SPDX-License-Identifier: Apache-2.0
//
// Tasks side by side, on the workers of the runtime, until all of them have
// ended.
//
//   auto [name, size] = co_await WhenAll(Name(socket), Size(socket));
//       all results, in the order of the tasks. The first exception cancels the
//       others (cancel.h) and comes out when they have ended; if several
//       failed, TaskErrors has them all.
//   auto any = co_await WhenAny(Answer(first), Answer(second));
//       the first to end cancels the others. any.first says which; the results
//       of all are there, since one that was cancelled may have done its work
//       all the same: an item that it received is not lost.
//   co_await WhenAll(std::move(tasks))    a std::vector<Task<T>>; and WhenAny
//
// Each task begins at once, on the worker that awaits, and runs there until it
// suspends; then on any. What is no Task is wrapped: AsTask(socket.Read(buf)).
// An outer scope reaches all of them; the await ends when the last has.
//
// Nothing is allocated but the tasks' own frames (and, for vectors, the
// results, and a seat for each).

#ifndef NETPOLL_RUNTIME_WHEN_ALL_H_
#define NETPOLL_RUNTIME_WHEN_ALL_H_

#include "netpoll/core/cpp20.h"

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/awaiter_of.h"
#include "netpoll/runtime/protocols/fork_core.h"
#include "netpoll/runtime/scope.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_context.h"
#include "netpoll/runtime/task_errors.h"

namespace netpoll {

// Any awaitable as a Task. What is passed as an rvalue and can't be moved must
// live until the task has ended, as in co_await WhenAll(AsTask(...)).
template <class A>
Task<internal::AwaitResult<A>> AsTask(A&& awaitable) {
  return [](internal::Held<A> held) -> Task<internal::AwaitResult<A>> {
    // An awaiter is awaited where it is: gcc 12 copies one that is an xvalue.
    if constexpr (requires { held.await_ready(); }) {
      co_return co_await held;
    } else {
      co_return co_await std::forward<A>(held);
    }
  }(std::forward<A>(awaitable));
}

// `first` is the number of the task that ended first.
template <class... Ts>
struct [[nodiscard]] FirstOf {
  std::size_t first = 0;
  std::tuple<Outcome<Ts>...> results;
};
// Of no tasks `results` is empty, and `first` is 0.
template <class T>
struct [[nodiscard]] FirstOfMany {
  std::size_t first = 0;
  std::vector<Outcome<T>> results;
};

namespace internal {

// One of the tasks, without its type.
struct Branch {
  TaskPromiseBase* promise = nullptr;
  std::coroutine_handle<> task;
  CancelSeat seat;
};

class Branches final : public Fork {
 public:
  enum class Until : std::uint8_t { kFailure, kFirstEnd };

  explicit Branches(Until until) : until_(until) {}

  // Starts them all. True: the caller suspends, and is resumed when the last
  // has ended. False: they have. Out of line: once it is known that others are
  // left, the caller may run, and be gone.
  [[gnu::noinline]] bool Start(Branch* branches, std::size_t count,
                               TaskContext* context,
                               std::coroutine_handle<> parent);
  // When they have ended. The number of the first that ended the others, from
  // 1, or 0.
  std::uint32_t Leave();

 private:
  std::coroutine_handle<> Ended(TaskPromiseBase& branch) override;

  const Until until_;
  Branch* branches_ = nullptr;
  std::size_t count_ = 0;
  std::coroutine_handle<> parent_;
  Scope scope_;
  ForkCore<StdEnv> core_{scope_.node()};
};

// Throws if one has failed: the `first`, from 1, in front.
void ThrowFailures(const Branch* branches, std::size_t count,
                   std::uint32_t first);

template <class T>
Outcome<T> OutcomeOf(TaskPromise<T>& promise) {
  if (promise.exception()) return {{}, promise.exception()};
  if constexpr (std::is_void_v<T>) {
    return {std::monostate(), nullptr};
  } else {
    return {promise.Take(), nullptr};
  }
}

// A number of tasks that is known when this is compiled.
template <Branches::Until kUntil, class... Ts>
class [[nodiscard]] WhenAwaiter {
 public:
  explicit WhenAwaiter(Task<Ts>... tasks)
      : tasks_(std::move(tasks)...), branches_(kUntil) {}
  WhenAwaiter(const WhenAwaiter&) = delete;
  WhenAwaiter& operator=(const WhenAwaiter&) = delete;

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> parent) {
    Each([this](std::size_t i, auto handle) {
      list_[i].promise = &handle.promise();
      list_[i].task = handle;
    });
    return branches_.Start(list_.data(), sizeof...(Ts), ContextOf(parent),
                           parent);
  }
  auto await_resume() {
    const std::uint32_t first = branches_.Leave();
    if constexpr (kUntil == Branches::Until::kFailure) {
      ThrowFailures(list_.data(), sizeof...(Ts), first);
      return std::apply(
          [](Task<Ts>&... tasks) {
            return std::tuple<typename Outcome<Ts>::Value...>(
                *OutcomeOf<Ts>(HandleOf(tasks).promise()).value...);
          },
          tasks_);
    } else {
      return std::apply(
          [first](Task<Ts>&... tasks) {
            return FirstOf<Ts...>{
                first - 1, {OutcomeOf<Ts>(HandleOf(tasks).promise())...}};
          },
          tasks_);
    }
  }

 private:
  template <class T>
  static typename Task<T>::Handle HandleOf(Task<T>& task) {
    return TaskAccess::HandleOf(task);
  }
  template <class F>
  void Each(F f) {
    std::apply(
        [&f](Task<Ts>&... tasks) {
          std::size_t i = 0;
          (f(i++, TaskAccess::Fresh(tasks)), ...);
        },
        tasks_);
  }

  std::tuple<Task<Ts>...> tasks_;
  std::array<Branch, sizeof...(Ts)> list_;
  Branches branches_;
};

// The others.
template <Branches::Until kUntil, class T>
class [[nodiscard]] WhenManyAwaiter {
 public:
  explicit WhenManyAwaiter(std::vector<Task<T>> tasks)
      : tasks_(std::move(tasks)), list_(tasks_.size()), branches_(kUntil) {
    for (std::size_t i = 0; i < list_.size(); ++i) {
      const typename Task<T>::Handle task = TaskAccess::Fresh(tasks_[i]);
      list_[i].promise = &task.promise();
      list_[i].task = task;
    }
  }
  WhenManyAwaiter(const WhenManyAwaiter&) = delete;
  WhenManyAwaiter& operator=(const WhenManyAwaiter&) = delete;

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> parent) {
    return branches_.Start(list_.data(), list_.size(), ContextOf(parent),
                           parent);
  }
  auto await_resume() {
    const std::uint32_t first = branches_.Leave();
    if constexpr (kUntil == Branches::Until::kFailure) {
      ThrowFailures(list_.data(), list_.size(), first);
      std::vector<typename Outcome<T>::Value> values;
      values.reserve(tasks_.size());
      for (Task<T>& task : tasks_) values.push_back(*End(task).value);
      return values;
    } else {
      FirstOfMany<T> any;
      any.first = first == 0 ? 0 : first - 1;
      for (Task<T>& task : tasks_) any.results.push_back(End(task));
      return any;
    }
  }

 private:
  static Outcome<T> End(Task<T>& task) {
    return OutcomeOf<T>(TaskAccess::HandleOf(task).promise());
  }

  std::vector<Task<T>> tasks_;
  std::vector<Branch> list_;
  Branches branches_;
};

}  // namespace internal

template <class... Ts>
auto WhenAll(Task<Ts>... tasks) {
  return internal::WhenAwaiter<internal::Branches::Until::kFailure, Ts...>(
      std::move(tasks)...);
}
template <class T>
auto WhenAll(std::vector<Task<T>> tasks) {
  return internal::WhenManyAwaiter<internal::Branches::Until::kFailure, T>(
      std::move(tasks));
}

template <class... Ts>
auto WhenAny(Task<Ts>... tasks) {
  static_assert(sizeof...(Ts) > 0, "the first of none never comes");
  return internal::WhenAwaiter<internal::Branches::Until::kFirstEnd, Ts...>(
      std::move(tasks)...);
}
template <class T>
auto WhenAny(std::vector<Task<T>> tasks) {
  return internal::WhenManyAwaiter<internal::Branches::Until::kFirstEnd, T>(
      std::move(tasks));
}

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_WHEN_ALL_H_
