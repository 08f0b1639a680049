// SPDX-License-Identifier: Apache-2.0
//
// What the seam's lock and parker stand on (core/futex_lock.h), for the
// explorer: a word, and what library and system keep of it. The library counts
// those who may sleep, and wakes nobody when it counts none. The system
// compares and enqueues under a lock of its own, which a wake takes too. A
// sleep may return early, once in a story for each word.

#ifndef NETPOLL_MODEL_SCENARIOS_FUTEX_ENV_H_
#define NETPOLL_MODEL_SCENARIOS_FUTEX_ENV_H_

#include <cstdint>
#include <optional>
#include <string>

#include "netpoll/core/access.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/model/engine/object.h"
#include "netpoll/model/engine/world.h"
#include "netpoll/model/model_env.h"

namespace netpoll::model {

// Who sleeps on a word. Whom a wake concerns is not said: any of them.
struct Sleepers {
  std::uint8_t asleep = 0;
  std::uint8_t woken = 0;  // Of those, the ones that may return.
  bool early = true;       // One of them may return though nobody woke it.

  friend bool operator==(const Sleepers&, const Sleepers&) = default;
  std::string Text() const {
    return std::to_string(asleep) + " asleep, " + std::to_string(woken) +
           " woken";
  }
};

struct FutexEnv : ModelEnv<2> {
  using Plain = ModelEnv<2>;

  template <class T>
  class Atomic : public Plain::Atomic<T> {
   public:
    explicit Atomic(T value) : Plain::Atomic<T>(value) {
      sleepers_.name = "sleepers";
      count_.object().name = "count";
    }

   private:
    friend struct FutexEnv;

    Plain::Atomic<int> count_{0};
    Plain::Lock lock_;
    ObjectOf<Sleepers> sleepers_{Sleepers{}};
  };

  static void SleepOn(Atomic<int>& word, int value) {
    word.count_.FetchAdd("futex.enter", 1, Order::kSeqCst);
    if (Enqueue(word, value)) {
      if (Thread::Choose("futex.early", 2) == 0 ||
          Thread::Call<Sleepers>("futex.return", word.sleepers_, ReturnEarly) ==
              0) {
        Thread::Await<Sleepers>("futex.sleep", word.sleepers_, Return);
      }
    }
    word.count_.FetchAdd("futex.leave", -1, Order::kRelease);
  }

  static void WakeOne(Atomic<int>& word) {
    if (word.count_.Load("futex.look", Order::kSeqCst) == 0) return;
    const LockHolder hold(word.lock_, "futex.wake.lock");
    Thread::Call<Sleepers>("futex.wake", word.sleepers_, Wake);
  }

 private:
  // The comparison is seq_cst as the system's is, by its full barriers.
  static bool Enqueue(Atomic<int>& word, int value) {
    const LockHolder hold(word.lock_, "futex.wait.lock");
    if (word.Load("futex.compare", Order::kSeqCst) != value) return false;
    Thread::Call<Sleepers>("futex.enqueue", word.sleepers_, Add);
    return true;
  }

  static std::optional<int> Add(Sleepers& sleepers, std::int64_t) {
    ++sleepers.asleep;
    return 0;
  }
  static std::optional<int> Wake(Sleepers& sleepers, std::int64_t) {
    if (sleepers.woken < sleepers.asleep) ++sleepers.woken;
    return 0;
  }
  static std::optional<int> Return(Sleepers& sleepers, std::int64_t) {
    if (sleepers.woken == 0) return std::nullopt;
    --sleepers.woken;
    --sleepers.asleep;
    return 0;
  }
  static std::optional<int> ReturnEarly(Sleepers& sleepers, std::int64_t) {
    if (!sleepers.early) return 0;
    sleepers.early = false;
    --sleepers.asleep;
    if (sleepers.woken > sleepers.asleep) sleepers.woken = sleepers.asleep;
    return 1;
  }
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_FUTEX_ENV_H_
