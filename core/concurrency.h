// SPDX-License-Identifier: Apache-2.0
//
// The seam. Every interaction between threads in core, backends and runtime
// goes through an `Env`: a class with the members of `StdEnv` below. It is the
// only file of those folders that may name an atomic, a lock, a fence or a
// yield. The model supplies another Env and runs the same templates; production
// code is never conditional on it.
//
// What an Env supplies:
//   Atomic<T>  a shared word. Each access names its site (for traces, coverage
//              and mutants) and its memory order.
//   Lock       a mutual exclusion lock, not recursive.
//   Var<T>     a plain field that a lock or an ownership rule protects.
//   Retry(f)   calls f until it yields a value. Nothing may be carried from
//              one round to the next, except by reference to constants.
//              Change(f) calls f with the field itself. A type that can't be
//              copied names its fields instead: EachField(visit), which calls
//              visit(field) for each, and visit.Array(begin, size).
//   Parker     lets one thread sleep until another wakes it.
//   Epoch      a count that goes up, and threads that wait until it has.
//   Counter    a statistic by which nobody decides; a model has none.
//   Misuse     stops the program with one sentence.
//   kGenerationBits   the width of a slot's generation.
//   Shared<T>  a word in memory that the kernel reads and writes too. Only for
//              backends whose system has such memory.
//
// Fences are left out on purpose: gcc's thread sanitizer rejects them.

#ifndef NETPOLL_CORE_CONCURRENCY_H_
#define NETPOLL_CORE_CONCURRENCY_H_

#include "netpoll/core/cpp20.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include "netpoll/core/access.h"
#include "netpoll/core/futex_lock.h"

#if defined(_WIN32)
// As in <synchapi.h>, without the rest of the system's headers; needs
// -lsynchronization.
extern "C" __declspec(dllimport) int __stdcall WaitOnAddress(
    volatile void* address, void* compare, std::size_t size,
    unsigned long milliseconds);
extern "C" __declspec(dllimport) void __stdcall WakeByAddressSingle(
    void* address);
#endif

namespace netpoll {

// The Env that ships: std::atomic and what stands on it.
struct StdEnv {
  static constexpr int kGenerationBits = 32;

  static constexpr std::memory_order ToStd(Order order) {
    switch (order) {
      case Order::kRelaxed:
        return std::memory_order_relaxed;
      case Order::kAcquire:
        return std::memory_order_acquire;
      case Order::kRelease:
        return std::memory_order_release;
      case Order::kAcqRel:
        return std::memory_order_acq_rel;
      case Order::kSeqCst:
        break;
    }
    return std::memory_order_seq_cst;
  }

  // The order of the load that a failed compare-exchange is.
  static constexpr std::memory_order OnFailure(Order order) {
    if (order == Order::kRelease) return std::memory_order_relaxed;
    if (order == Order::kAcqRel) return std::memory_order_acquire;
    return ToStd(order);
  }

  template <class T>
  class Atomic {
   public:
    static_assert(std::atomic<T>::is_always_lock_free);

    constexpr Atomic() : value_(T{}) {}
    explicit constexpr Atomic(T value) : value_(value) {}

    T Load(Site, Order order) const { return value_.load(ToStd(order)); }
    void Store(Site, T value, Order order) {
      value_.store(value, ToStd(order));
    }
    T Exchange(Site, T value, Order order) {
      return value_.exchange(value, ToStd(order));
    }
    T FetchAdd(Site, T delta, Order order) {
      return value_.fetch_add(delta, ToStd(order));
    }
    // Strong. `expected` is not updated on failure: retry loops reload.
    bool CompareExchange(Site, T expected, T desired, Order order) {
      return value_.compare_exchange_strong(expected, desired, ToStd(order),
                                            OnFailure(order));
    }

   private:
    friend struct StdEnv;
    std::atomic<T> value_;
  };

  // Refers to the word, which must outlive it; null until it is given one. By
  // the compilers' own functions: some C++ libraries have no std::atomic_ref.
  template <class T>
  class Shared {
   public:
    static_assert(__atomic_always_lock_free(sizeof(T), nullptr));

    constexpr Shared() = default;
    explicit constexpr Shared(T* word) : word_(word) {}

    T Load(Site, Order order) const {
      return __atomic_load_n(word_, static_cast<int>(ToStd(order)));
    }
    void Store(Site, T value, Order order) {
      __atomic_store_n(word_, value, static_cast<int>(ToStd(order)));
    }

   private:
    T* word_ = nullptr;
  };

  template <class T>
  class Var {
   public:
    constexpr Var() = default;
    explicit constexpr Var(T value) : value_(value) {}
    const T& Get() const { return value_; }
    void Set(T value) { value_ = std::move(value); }
    // Calls `change` with the field, in its place; answers what it does.
    template <class F>
    decltype(auto) Change(F change) {
      return change(value_);
    }

   private:
    T value_{};
  };

  using Lock = FutexLock<StdEnv>;
  using Parker = FutexParker<StdEnv>;

#if !defined(_WIN32)
  // Advance is seq_cst: who waits is counted beside the word, by the library,
  // and that count is looked at next. What was written before it is visible
  // after an Await that it ends.
  class Epoch {
   public:
    int Count(Site) const { return word_.load(std::memory_order_acquire); }
    // Until the count is not `seen` any more.
    void Await(Site, int seen) const {
      while (word_.load(std::memory_order_acquire) == seen) {
        word_.wait(seen, std::memory_order_acquire);
      }
    }
    void Advance(Site) {
      word_.fetch_add(1, std::memory_order_seq_cst);
      word_.notify_all();
    }

   private:
    std::atomic<int> word_{0};
  };
#endif

  // What has happened, for people: read by any thread at any time, and not in
  // step with anything else.
  class Counter {
   public:
    // By one thread at a time: no locked instruction.
    void Add(std::uint64_t more) {
      value_.store(Get() + more, std::memory_order_relaxed);
    }
    // By any number of threads at once.
    void AddShared(std::uint64_t more) {
      value_.fetch_add(more, std::memory_order_relaxed);
    }
    std::uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

   private:
    std::atomic<std::uint64_t> value_{0};
  };

  template <class F>
  [[gnu::always_inline]] static auto Retry(F round) {
    for (;;) {
      if (auto result = round()) return *result;
    }
  }

  // Prints `rule` and stops the process, in release builds too.
  [[noreturn, gnu::cold, gnu::noinline]] static void Misuse(const char* rule) {
    std::fprintf(stderr, "netpoll: %s\n", rule);
    std::abort();
  }

  // For the lock and the parker. libstdc++ has no wait of its own kind on
  // Windows, and the one that it falls back on loses wake-ups that come between
  // its check and its sleep.
  static void SleepOn(Atomic<int>& word, int value) {
#if defined(_WIN32)
    constexpr unsigned long kForever = ~0ul;
    WaitOnAddress(&word.value_, &value, sizeof(word), kForever);
#else
    word.value_.wait(value, std::memory_order_relaxed);
#endif
  }
  static void WakeOne(Atomic<int>& word) {
#if defined(_WIN32)
    WakeByAddressSingle(&word.value_);
#else
    word.value_.notify_one();
#endif
  }
};

// Holds a Lock for a scope.
template <class Lock>
class LockHolder {
 public:
  LockHolder(Lock& lock, Site site) : lock_(lock), site_(site) {
    lock_.Acquire(site_);
  }
  ~LockHolder() { lock_.Release(site_); }
  LockHolder(const LockHolder&) = delete;
  LockHolder& operator=(const LockHolder&) = delete;

 private:
  Lock& lock_;
  Site site_;
};

// What Update did: the word before, and the step that its transition chose.
template <class Word, class Step>
struct Updated {
  Word before;
  Step step;
};

struct UpdateOrders {
  Order load;
  Order exchange;
};
inline constexpr UpdateOrders kSeqCstUpdate{Order::kSeqCst, Order::kSeqCst};
inline constexpr UpdateOrders kAcqRelUpdate{Order::kAcquire, Order::kAcqRel};
inline constexpr UpdateOrders kAcquireUpdate{Order::kAcquire, Order::kAcquire};
// Where whatever is decided on is confirmed by the exchange: what the load
// found is compared there, and counts for nothing otherwise.
inline constexpr UpdateOrders kConfirmedUpdate{Order::kRelaxed, Order::kSeqCst};
inline constexpr UpdateOrders kConfirmedAcqRel{Order::kRelaxed, Order::kAcqRel};
inline constexpr UpdateOrders kReleaseUpdate{Order::kRelaxed, Order::kRelease};
inline constexpr UpdateOrders kRelaxedUpdate{Order::kRelaxed, Order::kRelaxed};

// Applies a pure transition to a shared word, atomically. `transition` maps
// the word to a step with members `write` (whether to store at all) and `next`.
// Lock-free: a round fails only when another thread's exchange succeeded.
// Inlined with its transition, so that a step is registers and branches: left
// to itself gcc calls both, and passes steps through memory.
template <class Env, class Word, class Transition>
[[gnu::always_inline]] inline auto Update(
    typename Env::template Atomic<Word>& word, Site site, UpdateOrders orders,
    Transition transition) {
  using Step = decltype(transition(Word{}));
  const Word before =
      Env::Retry([&]() __attribute__((always_inline))->std::optional<Word> {
        const Word seen = word.Load(site, orders.load);
        const Step step = transition(seen);
        if (step.write &&
            !word.CompareExchange(site, seen, step.next, orders.exchange)) {
          return std::nullopt;
        }
        return seen;
      });
  // Once more: pure, so the compiler has it already, and in registers.
  return Updated<Word, Step>{before, transition(before)};
}

}  // namespace netpoll

#endif  // NETPOLL_CORE_CONCURRENCY_H_
