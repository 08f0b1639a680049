// SPDX-License-Identifier: Apache-2.0
//
// What a task knows of itself, for logs and traces: its name, and task locals.
//
//   inline TaskLocal<std::string> request_id;
//
//   co_await WithLocal(request_id, "4711", Handle(socket));
//       for all that is awaited inside, however deep and on whatever thread
//   const std::string* id = co_await request_id.Get();      null: it has none
//   const char* name = co_await TaskName();   SpawnOptions::name; "": it has
//   none
//
// The value lives in the frame of the await, and nothing is allocated; the
// latest one counts, and the one before again when the await ends. Tasks that
// run side by side in it (when_all.h) see it too.
//
// A spawned task, one of a TaskGroup too, inherits nothing: it may outlive the
// value. It is handed on by one line:
//
//   Task<> Handle(std::string id, Socket socket) {
//     co_await WithLocal(request_id, std::move(id), Serve(std::move(socket)));
//   }
//
// None of this waits. In a coroutine that is no netpoll Task it does not
// compile.

#ifndef NETPOLL_RUNTIME_TASK_LOCAL_H_
#define NETPOLL_RUNTIME_TASK_LOCAL_H_

#include "netpoll/core/cpp20.h"

#include <coroutine>
#include <type_traits>
#include <utility>

#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/task_context.h"

namespace netpoll {

template <class T>
class TaskLocal;

namespace internal {

// For LimitedAwaiter, which begins it before it awaits and ends it after: no
// scope, but a value.
template <class T>
class LocalIs {
 public:
  template <class U>
  LocalIs(const TaskLocal<T>& local, U&& value)
      : here_{{{}, &local}, T(std::forward<U>(value))} {}
  void Begin(TaskContext* context) {
    context_ = context;
    before_ = context->carried;
    here_.outer = before_ != nullptr ? before_ : &kNotSpawned;
    context->carried = &here_;
  }
  void End() { context_->carried = before_; }

 private:
  friend TaskLocal<T>;
  struct Here : CarriedLocal {
    T value;
  };

  Here here_;
  TaskContext* context_ = nullptr;
  const Carried* before_ = nullptr;
};

// Awaits nothing: what `Look` finds in the coroutine's context.
template <class Look>
class ContextAwaiter {
 public:
  explicit ContextAwaiter(Look look) : look_(look) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> task) {
    static_assert(
        requires(Promise & promise) { promise.context.seat; },
        "only a netpoll Task has a name and locals: await this in one");
    found_ = look_(*ContextOf(task));
    return false;
  }
  auto await_resume() const { return found_; }

 private:
  Look look_;
  std::invoke_result_t<Look&, const TaskContext&> found_{};
};

}  // namespace internal

// Known by where it is: one for the program.
template <class T>
class TaskLocal {
 public:
  constexpr TaskLocal() = default;
  TaskLocal(const TaskLocal&) = delete;
  TaskLocal& operator=(const TaskLocal&) = delete;

  // co_await Get(): the latest value, until its await ends. Null: none.
  auto Get() const {
    return internal::ContextAwaiter(
        [this](const internal::TaskContext& context) { return In(context); });
  }

 private:
  const T* In(const internal::TaskContext& context) const {
    const internal::Carried* at = context.carried;
    for (; at != nullptr && at->outer != nullptr; at = at->outer) {
      const auto* const local = static_cast<const internal::CarriedLocal*>(at);
      if (local->local != this) continue;
      return &static_cast<const typename internal::LocalIs<T>::Here*>(local)
                  ->value;
    }
    return nullptr;
  }

  // Of no size it might share its address with another.
  char place_ = 0;
};

// co_await WithLocal(local, value, awaitable): its result.
template <class T, class U, class A>
auto WithLocal(const TaskLocal<T>& local, U&& value, A&& awaitable) {
  return internal::LimitedAwaiter<A, internal::LocalIs<T>>(
      std::forward<A>(awaitable), local, std::forward<U>(value));
}

// co_await TaskName().
inline auto TaskName() {
  return internal::ContextAwaiter([](const internal::TaskContext& context) {
    return internal::NameIn(context);
  });
}

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_TASK_LOCAL_H_
