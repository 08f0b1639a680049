// SPDX-License-Identifier: Apache-2.0
//
// The seam over the explorer: what core/concurrency.h describes, with every
// access handed to the run that is under way. A generation is small, so that it
// wraps within reach.

#ifndef NETPOLL_MODEL_MODEL_ENV_H_
#define NETPOLL_MODEL_MODEL_ENV_H_

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline_plan.h"
#include "netpoll/core/types.h"
#include "netpoll/model/engine/object.h"
#include "netpoll/model/engine/weaken.h"
#include "netpoll/model/engine/world.h"
#include "netpoll/model/field_values.h"
#include "netpoll/model/laws/parked_tasks.h"

namespace netpoll::model {

// The old value of an exchange or an add. Only when somebody looks at it is it
// an observation; most callers do not.
template <class T>
class OldValue {
 public:
  OldValue(const ObjectOf<T>& object, Unseen unseen)
      : object_(object), unseen_(unseen) {}
  operator T() const {  // NOLINT: stands for a T.
    return object_.Restore(Look(unseen_));
  }

 private:
  const ObjectOf<T>& object_;
  Unseen unseen_;
};

// Words that a modelled system shares with a backend: each access is a step of
// that system's.
class SharedMemory {
 public:
  virtual ~SharedMemory() = default;
  virtual std::uint64_t Load(const void* word, const char* site) = 0;
  virtual void Store(void* word, std::uint64_t value, const char* site) = 0;

  // Of the world whose thread runs.
  static inline thread_local SharedMemory* current = nullptr;
};

template <int kGeneration>
struct ModelEnv {
  static constexpr int kGenerationBits = kGeneration;

  template <class T>
  class Atomic {
   public:
    Atomic() : object_(T{}) {}
    explicit Atomic(T value) : object_(value) {}

    T Load(Site site, Order order, Place place = Place::Here()) const {
      return object_.Restore(Do(place, Op::kLoad, site, order));
    }
    void Store(Site site, T value, Order order, Place place = Place::Here()) {
      if (WeaknessOf(site.name) == Weakness::kDropped) return;
      Do(place, Op::kStore, site, order, object_.Intern(value));
    }
    OldValue<T> Exchange(Site site, T value, Order order,
                         Place place = Place::Here()) {
      if (WeaknessOf(site.name) == Weakness::kSplit) {
        const Value before = Do(place, Op::kLoad, site, order);
        Do(place, Op::kStore, site, order, object_.Intern(value));
        return {object_, {site.name, before}};
      }
      return {object_, PerformUnseen(Make(place, Op::kExchange, site, order,
                                          object_.Intern(value)))};
    }
    OldValue<T> FetchAdd(Site site, T delta, Order order,
                         Place place = Place::Here()) {
      if (WeaknessOf(site.name) == Weakness::kSplit) {
        const Value before = Do(place, Op::kLoad, site, order);
        const T sum = static_cast<T>(object_.Restore(before) + delta);
        Do(place, Op::kStore, site, order, object_.Intern(sum));
        return {object_, {site.name, before}};
      }
      Access access = Make(place, Op::kAdd, site, order);
      access.number = static_cast<std::int64_t>(delta);
      return {object_, PerformUnseen(access)};
    }
    bool CompareExchange(Site site, T expected, T desired, Order order,
                         Place place = Place::Here()) {
      const Weakness weakness = WeaknessOf(site.name);
      if (weakness == Weakness::kDropped) return true;
      if (weakness == Weakness::kSplit || weakness == Weakness::kBlind) {
        const Value wanted = object_.Intern(expected);
        if (weakness == Weakness::kSplit &&
            Do(place, Op::kLoad, site, order) != wanted) {
          return false;
        }
        // An exchange, so that the ghosts see whom it takes out of a word.
        PerformUnseen(
            Make(place, Op::kExchange, site, order, object_.Intern(desired)));
        return true;
      }
      return Do(place, Op::kCas, site, order, object_.Intern(expected),
                object_.Intern(desired)) != 0;
    }

    ObjectOf<T>& object() { return object_; }

   private:
    Access Make(Place place, Op op, Site site, Order order, Value a = 0,
                Value b = 0) const {
      return {.op = op,
              .order = OrderOf(site.name, Name(op),
                               static_cast<std::uint8_t>(order)),
              .object = &object_,
              .site = site.name,
              .a = a,
              .b = b,
              .place = place};
    }
    Value Do(Place place, Op op, Site site, Order order, Value a = 0,
             Value b = 0) const {
      return static_cast<Value>(Perform(Make(place, op, site, order, a, b)));
    }

    mutable ObjectOf<T> object_;
  };

  template <class T>
  class Var {
   public:
    Var() : object_(T{}) {}
    explicit Var(T value) : object_(value) {}
    T Get(Place place = Place::Here()) const {
      return object_.Restore(static_cast<Value>(Perform({.op = Op::kGet,
                                                         .object = &object_,
                                                         .site = kField,
                                                         .place = place})));
    }
    void Set(const T& value, Place place = Place::Here()) {
      Perform({.op = Op::kSet,
               .object = &object_,
               .site = kField,
               .a = object_.Intern(value),
               .place = place});
    }
    template <class F>
    auto Change(F change, Place place = Place::Here()) {
      T value = Get(place);
      if constexpr (std::is_void_v<decltype(change(value))>) {
        change(value);
        Set(value, place);
      } else {
        auto answer = change(value);
        Set(value, place);
        return answer;
      }
    }

    ObjectOf<T>& object() { return object_; }

   private:
    mutable ObjectOf<T> object_;
  };

  // What can't be copied stays where it is, and gets its fields' values.
  template <class T>
  requires NamesFields<T>
  class Var<T> {
   public:
    Var() : object_(ValuesOfFields(&value_)) {}
    template <class F>
    auto Change(F change, Place place = Place::Here()) {
      RestoreFields(object_.kept(static_cast<Value>(Perform({.op = Op::kGet,
                                                             .object = &object_,
                                                             .site = kField,
                                                             .place = place}))),
                    &value_);
      if constexpr (std::is_void_v<decltype(change(value_))>) {
        change(value_);
        Set(place);
      } else {
        auto answer = change(value_);
        Set(place);
        return answer;
      }
    }

    ObjectOf<FieldValues>& object() { return object_; }

   private:
    void Set(Place place) {
      Perform({.op = Op::kSet,
               .object = &object_,
               .site = kField,
               .a = object_.Intern(ValuesOfFields(&value_)),
               .place = place});
    }
    T value_;
    ObjectOf<FieldValues> object_;
  };

  template <class T>
  class Shared {
   public:
    Shared() = default;
    explicit Shared(T* word) : word_(word) {}

    T Load(Site site, Order) const {
      return static_cast<T>(SharedMemory::current->Load(word_, site.name));
    }
    void Store(Site site, T value, Order) {
      SharedMemory::current->Store(word_, value, site.name);
    }

   private:
    T* word_ = nullptr;
  };

  class Lock {
   public:
    Lock() : object_(0) {}
    void Acquire(Site site) {
      if (WeaknessOf(site.name) == Weakness::kUnlocked) return;
      Do(Op::kAcquire, site);
    }
    bool TryAcquire(Site site) { return Do(Op::kTryAcquire, site) != 0; }
    void Release(Site site) {
      if (WeaknessOf(site.name) == Weakness::kUnlocked) return;
      Do(Op::kRelease, site);
    }

   private:
    int Do(Op op, Site site) {
      return Perform({.op = op, .object = &object_, .site = site.name});
    }
    ObjectOf<int> object_;
  };

  class Parker {
   public:
    Parker() : object_(0) {}
    void Park(Site site) {
      std::optional<int> (*const step)(int&, std::int64_t) =
          [](int& woken, std::int64_t) -> std::optional<int> {
        if (woken == 0) return std::nullopt;
        woken = 0;
        return 0;
      };
      Perform({.op = Op::kCall,
               .rests = true,
               .object = &object_,
               .site = site.name,
               .call = reinterpret_cast<void (*)()>(step)});
    }
    void Unpark(Site site) {
      if (WeaknessOf(site.name) == Weakness::kDropped) return;
      std::optional<int> (*const step)(int&, std::int64_t) =
          [](int& woken, std::int64_t) -> std::optional<int> {
        woken = 1;
        return 0;
      };
      Perform({.op = Op::kCall,
               .object = &object_,
               .site = site.name,
               .call = reinterpret_cast<void (*)()>(step)});
    }

   private:
    ObjectOf<int> object_;
  };

  class Epoch {
   public:
    Epoch() : object_(0) {}
    int Count(Site site) const {
      return Perform({.op = Op::kLoad, .object = &object_, .site = site.name});
    }
    void Await(Site site, int seen) const {
      std::optional<int> (*const step)(int&, std::int64_t) =
          [](int& count, std::int64_t old) -> std::optional<int> {
        if (count == old) return std::nullopt;
        return 0;
      };
      Perform({.op = Op::kCall,
               .object = &object_,
               .site = site.name,
               .number = object_.Restore(static_cast<Value>(seen)),
               .call = reinterpret_cast<void (*)()>(step)});
    }
    void Advance(Site site) {
      if (WeaknessOf(site.name) == Weakness::kDropped) return;
      Access access{.op = Op::kAdd, .object = &object_, .site = site.name};
      access.number = 1;
      PerformUnseen(access);
    }

   private:
    mutable ObjectOf<int> object_;
  };

  // Counts for ever, and nobody decides by it: there is none here.
  struct Counter {
    void Add(std::uint64_t) {}
    void AddShared(std::uint64_t) {}
    std::uint64_t Get() const { return 0; }
  };

  template <class F>
  static auto Retry(F round) {
    RetryScope rounds;
    for (;;) {
      if (auto result = round()) return *result;
      rounds.NextRound();
    }
  }

  [[noreturn]] static void Misuse(const char* rule) { StopProgram(rule); }
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_MODEL_ENV_H_
