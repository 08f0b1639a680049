// SPDX-License-Identifier: Apache-2.0
//
// Who waits for what. Every task of a round has an entry, and says in it what
// it is about to await; a watchdog reads them from outside, so that a wake-up
// or a deadline that is lost ends in a sentence and not in a program that
// hangs.

#ifndef NETPOLL_TOOLS_TORTURE_LEDGER_H_
#define NETPOLL_TOOLS_TORTURE_LEDGER_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"

namespace netpoll::torture {

// The deadline of one direction of a descriptor: the one in force, and the
// earliest that was in force since an operation began. Set here and in the
// descriptor under one lock, so that both know the same order of events.
class DeadlineLog {
 public:
  template <class Set>
  void Change(Deadline deadline, Set set) {
    const std::lock_guard<std::mutex> hold(mutex_);
    const std::int64_t when = deadline.none() ? kNever : deadline.value();
    current_.store(when, std::memory_order_relaxed);
    earliest_ = std::min(earliest_, when);
    set(deadline);
  }
  // An operation begins.
  void Begin() {
    const std::lock_guard<std::mutex> hold(mutex_);
    earliest_ = current_.load(std::memory_order_relaxed);
  }
  // The earliest deadline that may have ended it.
  std::int64_t earliest() {
    const std::lock_guard<std::mutex> hold(mutex_);
    return earliest_;
  }
  const std::atomic<std::int64_t>& current() const { return current_; }

 private:
  std::mutex mutex_;
  std::atomic<std::int64_t> current_{kNever};
  std::int64_t earliest_ = kNever;
};

class Ledger {
 public:
  // One task. Lives in its frame.
  class Actor {
   public:
    // `kind` is a literal. What a `bystander` does is no progress of the
    // others.
    Actor(Ledger& ledger, const char* kind, std::uint64_t number,
          bool bystander = false);
    ~Actor();
    Actor(const Actor&) = delete;
    Actor& operator=(const Actor&) = delete;

    // About to await `what`, a literal, until the deadline that `until` has in
    // force, if there is one.
    void Waits(const char* what,
               const std::atomic<std::int64_t>* until = nullptr) {
      until_.store(until, std::memory_order_release);
      waits_for_.store(what, std::memory_order_release);
    }
    // The same until a deadline that does not move.
    void WaitsUntil(const char* what, std::int64_t when) {
      own_.store(when, std::memory_order_relaxed);
      Waits(what, &own_);
    }
    // It goes on.
    void Goes() {
      waits_for_.store(nullptr, std::memory_order_relaxed);
      until_.store(nullptr, std::memory_order_relaxed);
      if (!bystander_) {
        ledger_.progress_.fetch_add(1, std::memory_order_relaxed);
      }
    }

   private:
    friend class Ledger;

    Ledger& ledger_;
    const char* const kind_;
    const std::uint64_t number_;
    const bool bystander_;
    std::atomic<const char*> waits_for_{nullptr};
    std::atomic<const std::atomic<std::int64_t>*> until_{nullptr};
    std::atomic<std::int64_t> own_{kNever};
    // The watchdog's.
    int overdue_ticks_ = 0;
    std::list<Actor*>::iterator place_;
  };

  // What each task waits for, a line for each.
  std::string Describe();

  // Looks once. Empty, or what is wrong: nothing moved, or a deadline was
  // overdue, for `patience` looks in a row. By one thread.
  std::string Look(int patience);

 private:
  static std::string LineOf(const Actor& actor, std::int64_t now);

  std::mutex mutex_;
  std::list<Actor*> actors_;  // Guarded by mutex_.
  std::atomic<std::uint64_t> progress_{0};
  // The watchdog's.
  std::uint64_t seen_ = 0;
  int still_ticks_ = 0;
};

// Looks at a ledger twenty times a second. Patience is counted in looks and
// not by the clock: a process that was stopped for a while has not looked.
class Watchdog {
 public:
  Watchdog(Ledger& ledger, std::chrono::seconds patience,
           std::function<void(const std::string&)> bark);
  ~Watchdog();

 private:
  void Watch(int patience);

  Ledger& ledger_;
  const std::function<void(const std::string&)> bark_;
  std::mutex mutex_;
  std::condition_variable end_;
  bool ended_ = false;  // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_LEDGER_H_
