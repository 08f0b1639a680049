// SPDX-License-Identifier: Apache-2.0
//
// The seam's own lock and parker, as what they are made of: elsewhere the model
// has them as primitives.

#ifndef NETPOLL_MODEL_SCENARIOS_FUTEX_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_FUTEX_WORLD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "netpoll/core/futex_lock.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/engine/world.h"
#include "netpoll/model/scenarios/futex_env.h"

namespace netpoll::model {

struct LockWordCast {
  int holders = 2;
  int rounds = 1;
  bool tries = false;  // A further thread takes the lock only if it is free.
};

// Threads that take the lock in turns, and count in a plain field.
class LockWordWorld : public World {
 public:
  explicit LockWordWorld(const LockWordCast& cast) : cast_(cast) {
    guarded_.object().name = "guarded";
    for (int i = 0; i < cast.holders; ++i) {
      AddThread("holder" + std::to_string(i + 1),
                [this](Thread& thread) { Holder(thread); });
    }
    if (cast.tries) {
      AddThread("trier", [this](Thread&) {
        if (!lock_.TryAcquire("trier.try")) return;
        Count();
      });
    }
    Settle();
  }

  const char* AtRest(const View& view) override {
    for (int thread = 0; thread < view.threads(); ++thread) {
      if (!view.ended(thread)) {
        return Of(thread, "W1: a thread sleeps for a lock that nobody holds");
      }
    }
    const int counted = view.Of(guarded_.object());
    const int least = cast_.holders * cast_.rounds;
    return counted >= least && counted <= least + (cast_.tries ? 1 : 0)
               ? nullptr
               : Of(&guarded_.object(),
                    "W1: what one holder wrote was not there for the next");
  }

 private:
  void Holder(Thread& thread) {
    for (int round = 0; round < cast_.rounds; ++round) {
      thread.Mark("take", {round});
      lock_.Acquire("holder.lock");
      thread.Mark("taken", {round});
      Count();
    }
  }

  void Count() {
    guarded_.Set(guarded_.Get() + 1);
    lock_.Release("holder.lock");
  }

  const LockWordCast cast_;
  FutexLock<FutexEnv> lock_;
  FutexEnv::Var<int> guarded_{0};
};

struct ParkWordCast {
  int wakers = 1;
  int wakes = 1;  // Of each waker.
};

// One thread that parks until it has seen all news, and others that have some.
// What they write it sees by the parker alone: their words are relaxed. The
// first waker alone leaves a plain field too.
class ParkWordWorld : public World {
 public:
  explicit ParkWordWorld(const ParkWordCast& cast) : cast_(cast) {
    plain_.object().name = "plain";
    AddThread("sleeper", [this](Thread& thread) { Sleeper(thread); });
    for (int i = 0; i < cast.wakers; ++i) {
      news_[i].object().name = "news" + std::to_string(i + 1);
      AddThread("waker" + std::to_string(i + 1),
                [=, this](Thread& thread) { Waker(thread, i); });
    }
    Settle();
  }

  const char* AtRest(const View& view) override {
    if (view.ended(0)) return nullptr;
    const auto sleeper = view.note(0).As<SleeperNote>();
    for (int i = 0; i < cast_.wakers; ++i) {
      if (view.note(i + 1).As<WakerNote>().wakes > sleeper.seen[i]) {
        return Of(0, "W2: a thread stays parked that was unparked");
      }
    }
    return nullptr;
  }

 private:
  static constexpr int kMostWakers = 2;
  struct SleeperNote {
    std::uint8_t seen[kMostWakers] = {};  // News of each.
  };
  struct WakerNote {
    std::uint8_t wakes = 0;  // Unparks that have returned.
  };

  void Sleeper(Thread& thread) {
    SleeperNote note;
    for (bool all = false; !all;) {
      thread.Mark("park", {note.seen[0], note.seen[1]});
      parker_.Park("sleeper.park");
      thread.Mark("parked", {note.seen[0], note.seen[1]});
      if (cast_.wakers == 1 && plain_.Get() == 0) {
        thread.Fail("W2: what was written before the wake is not there");
      }
      all = true;
      for (int i = 0; i < cast_.wakers; ++i) {
        note.seen[i] = static_cast<std::uint8_t>(
            news_[i].Load("sleeper.look", Order::kRelaxed));
        all = all && note.seen[i] == cast_.wakes;
      }
      thread.SetNote(note);
    }
  }

  void Waker(Thread& thread, int number) {
    for (int wake = 0; wake < cast_.wakes; ++wake) {
      thread.Mark("wake", {wake});
      thread.May("waker.go");
      if (cast_.wakers == 1 && wake == 0) plain_.Set(1);
      news_[number].Store("waker.news", wake + 1, Order::kRelaxed);
      parker_.Unpark("waker.unpark");
      thread.SetNote(WakerNote{static_cast<std::uint8_t>(wake + 1)});
    }
  }

  const ParkWordCast cast_;
  FutexParker<FutexEnv> parker_;
  FutexEnv::Plain::Atomic<int> news_[kMostWakers];
  FutexEnv::Var<int> plain_{0};
};

inline void AddFutexScenarios(std::vector<Scenario>& all) {
  const auto lock = [&all](const char* name, const char* about,
                           LockWordCast cast) {
    all.push_back({name, about, false, [cast] {
                     return std::unique_ptr<World>(new LockWordWorld(cast));
                   }});
  };
  lock("lock-word", "two threads, the second may sleep", {});
  lock("lock-word-twice", "... each of them twice", {.rounds = 2});
  lock("lock-word-try", "... and a third that takes it only if it is free",
       {.tries = true});
  lock("lock-word-three", "two may sleep at once", {.holders = 3});
  const auto park = [&all](const char* name, const char* about,
                           ParkWordCast cast) {
    all.push_back({name, about, false, [cast] {
                     return std::unique_ptr<World>(new ParkWordWorld(cast));
                   }});
  };
  park("park-word", "one wake", {});
  park("park-word-twice", "two wakes of one thread", {.wakes = 2});
  park("park-word-two", "two threads wake, together or not", {.wakers = 2});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_FUTEX_WORLD_H_
