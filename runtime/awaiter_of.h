// SPDX-License-Identifier: Apache-2.0
//
// Any awaitable, as what is inside a co_await of it.

#ifndef NETPOLL_RUNTIME_AWAITER_OF_H_
#define NETPOLL_RUNTIME_AWAITER_OF_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>
#include <type_traits>
#include <utility>

namespace netpoll::internal {

// An awaitable that is awaited later: a copy of its own if it can be moved
// there, such as a Task; otherwise the caller's, which lives until the end of
// the expression that awaits.
template <class A>
using Held = std::conditional_t<
    !std::is_lvalue_reference_v<A> && std::is_move_constructible_v<A>, A, A&&>;

template <class A>
decltype(auto) AwaiterOf(A&& awaitable) {
  if constexpr (requires { std::forward<A>(awaitable).operator co_await(); }) {
    return std::forward<A>(awaitable).operator co_await();
  } else if constexpr (requires {
                         operator co_await(std::forward<A>(awaitable));
                       }) {
    return operator co_await(std::forward<A>(awaitable));
  } else {
    return std::forward<A>(awaitable);
  }
}

template <class A>
using AwaiterTypeOf = decltype(AwaiterOf(std::declval<A>()));

template <class A>
using AwaitResult = decltype(std::declval<AwaiterTypeOf<A>&>().await_resume());

// Suspends, if `awaiter` does not think otherwise.
template <class Awaiter, class Promise>
[[gnu::always_inline]] inline bool SuspendIn(
    Awaiter& awaiter, std::coroutine_handle<Promise> task) {
  if constexpr (std::is_void_v<decltype(awaiter.await_suspend(task))>) {
    awaiter.await_suspend(task);
    return true;
  } else {
    return awaiter.await_suspend(task);
  }
}

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_AWAITER_OF_H_
