// SPDX-License-Identifier: Apache-2.0
//
// One semaphore with its waiter, poller, timer and closer: the program of which
// an independent model checker, GenMC 0.10.1, has counted the executions. It is
// not at hand: this one is written after its description, and where that leaves
// a choice, the one was taken that gives the smaller numbers. As that checker
// does, it takes a round of a spin loop that fails for one that never ends.

#ifndef NETPOLL_MODEL_WEAK_ONE_SEMAPHORE_H_
#define NETPOLL_MODEL_WEAK_ONE_SEMAPHORE_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "netpoll/core/concurrency.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/model_env.h"

namespace netpoll::model {

struct SemaphoreCast {
  int rounds = 1;  // And edges.
  bool poller = false;
  bool timer = false;
  bool closer = false;
};

// All accesses are seq_cst, except for those to the count of waiters.
class OneSemaphore : public World {
 public:
  explicit OneSemaphore(const SemaphoreCast& cast) : cast_(cast) {
    AddThread("waiter", [this](Thread& thread) { Waiter(thread); });
    if (cast.poller) {
      AddThread("poller", [this](Thread& thread) { Poller(thread); });
    }
    if (cast.timer) {
      AddThread("timer", [this](Thread&) { PublishAndUnblock(kExpired); });
    }
    if (cast.closer) {
      AddThread("closer", [this](Thread&) { PublishAndUnblock(kClosing); });
    }
    Settle();
  }

 private:
  using Env = ModelEnv<2>;
  enum : int { kNil, kReady, kWait, kParked };
  enum : int { kClosing = 1, kExpired = 2 };

  // Reads until there is what this round is for. A timeout ends the round, a
  // close the waiter.
  void Waiter(Thread& thread) {
    for (int round = 0; round < cast_.rounds; ++round) {
      thread.Mark("round", {round});
      if (const int error = Error()) {
        if ((error & kClosing) != 0) return;
        continue;
      }
      word_.Store("reset", kNil, Order::kSeqCst);
      while (data_.Load("read", Order::kSeqCst) <= round) {
        if (const int error = WaitUntilReady(thread)) {
          if ((error & kClosing) != 0) return;
          break;
        }
      }
    }
  }

  int WaitUntilReady(Thread& thread) {
    if (const int error = Error()) return error;
    while (!Block(thread)) {
      if (const int error = Error()) return error;
    }
    return 0;
  }

  // True: it is ready.
  bool Block(Thread& thread) {
    if (word_.CompareExchange("ready", kReady, kNil, Order::kSeqCst)) {
      return true;
    }
    if (!word_.CompareExchange("prepare", kNil, kWait, Order::kSeqCst)) Spin();
    if (Error() == 0 &&
        word_.CompareExchange("commit", kWait, kParked, Order::kSeqCst)) {
      waiters_.FetchAdd("raise", 1, Order::kRelaxed);
      thread.Park();
    }
    return word_.Exchange("finish", kNil, Order::kSeqCst) == kReady;
  }

  void Poller(Thread& thread) {
    for (int edge = 0; edge < cast_.rounds; ++edge) {
      thread.Mark("edge", {edge});
      data_.Store("arrives", edge + 1, Order::kSeqCst);
      Wake(Unblock(kReady));
    }
  }

  // In the lock only where both the timer and the closer take it.
  void PublishAndUnblock(int bit) {
    const bool contended = cast_.timer && cast_.closer;
    if (contended) Thread::Await<int>("lock", lock_, Lock);
    status_.FetchAdd("publish", bit, Order::kSeqCst);
    const bool parked = Unblock(kNil);
    if (contended) Thread::Call<int>("unlock", lock_, Unlock);
    Wake(parked);
  }

  // True: somebody was parked there.
  bool Unblock(int to) {
    const int word = word_.Load("look", Order::kSeqCst);
    if (word == kReady || word == to) return false;
    if (!word_.CompareExchange("move", word, to, Order::kSeqCst)) Spin();
    return word == kParked;
  }

  void Wake(bool parked) {
    if (!parked) return;
    Thread::MakeRunnable(0);
    waiters_.FetchAdd("lower", -1, Order::kRelaxed);
  }

  int Error() { return status_.Load("status", Order::kSeqCst); }

  // A round that failed: not gone into.
  void Spin() {
    Thread::Await<int>(
        "spin", never_,
        [](int&, std::int64_t) -> std::optional<int> { return std::nullopt; });
  }
  static std::optional<int> Lock(int& held, std::int64_t) {
    if (held != 0) return std::nullopt;
    held = 1;
    return 0;
  }
  static std::optional<int> Unlock(int& held, std::int64_t) {
    held = 0;
    return 0;
  }

  const SemaphoreCast cast_;
  Env::Atomic<int> word_;
  Env::Atomic<int> status_;
  Env::Atomic<int> data_;
  Env::Atomic<int> waiters_;
  ObjectOf<int> lock_{0};
  ObjectOf<int> never_{0};
};

inline Scenario OneSemaphoreOf(const SemaphoreCast& cast) {
  return {"semaphore", "", false,
          [=] { return std::unique_ptr<World>(new OneSemaphore(cast)); }};
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_WEAK_ONE_SEMAPHORE_H_
