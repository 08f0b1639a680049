// SPDX-License-Identifier: Apache-2.0
//
// The pool: two threads that open and close descriptors again and again. Each
// slot belongs to one of them at a time, and each of its lives has a key of
// its own.

#ifndef NETPOLL_MODEL_SCENARIOS_POOL_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_POOL_WORLD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netpoll/core/backend_traits.h"
#include "netpoll/core/poller.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/laws/parking_laws.h"
#include "netpoll/model/model_env.h"

namespace netpoll::model {

struct PoolCast {
  int rounds = 1;        // Of each of the two.
  bool endless = false;  // They go on for ever.
};

// What the system knows of a slot: whether it is registered, and under which
// generation it was last.
struct SlotUse {
  bool registered = false;
  std::uint32_t generation = 0;

  friend bool operator==(const SlotUse&, const SlotUse&) = default;
  std::string Text() const {
    return (registered ? "used, gen " : "free, gen ") +
           std::to_string(generation);
  }
};
using SlotUseObject = ObjectOf<SlotUse>;

class PoolBackend {
 public:
  static constexpr BackendTraits kTraits = {};

  explicit PoolBackend(std::vector<SlotUseObject*> slots) : slots_(slots) {}

  static int CheckPollable(Fd) { return 0; }
  int Init() { return 0; }
  int Open(Fd, EventKey key) {
    if (!key.valid_slot()) {
      StopProgram("I17: an incarnation has a key that stands for none");
    }
    const auto step = [](SlotUse& use,
                         std::int64_t generation) -> std::optional<int> {
      if (use.registered) return 1;
      if (use.generation == generation) return 2;
      use = {true, static_cast<std::uint32_t>(generation)};
      return 0;
    };
    switch (Thread::Call<SlotUse>("system.open", *slots_[key.index()], step,
                                  key.generation())) {
      case 1:
        StopProgram("I3: a slot was handed out twice");
      case 2:
        StopProgram("I18: an incarnation has the generation of the one before");
    }
    return 0;
  }
  int Close(Fd, EventKey key) {
    const auto step = [](SlotUse& use,
                         std::int64_t generation) -> std::optional<int> {
      const bool right = use.registered && use.generation == generation;
      use.registered = false;
      return right ? 0 : 1;
    };
    if (Thread::Call<SlotUse>("system.close", *slots_[key.index()], step,
                              key.generation()) != 0) {
      StopProgram("S4: what was deregistered is not what was registered");
    }
    return 0;
  }
  template <class Sink>
  void Poll(Delta, Sink&) {}
  void Break() {}
  bool IsPollDescriptor(Fd) const { return false; }

 private:
  std::vector<SlotUseObject*> slots_;
};

// Nobody sets a deadline here.
template <class Env, class Owner>
class NoTimers {
 public:
  struct Firing {
    Owner* owner;
    std::int64_t when;
  };
  bool Arm(Owner*, std::int64_t) { return false; }
  void Stop(Owner*) {}
  bool PopDue(std::int64_t, Firing*) { return false; }
  std::int64_t Next() const { return 0; }
};

// `kBits`: of a generation.
template <int kBits>
class PoolWorld : public ParkingWorld {
 public:
  using Shipped = Poller<PoolBackend, ModelEnv<kBits>, NoTimers>;

  explicit PoolWorld(const PoolCast& cast)
      : cast_(cast),
        slots_{SlotUseObject(SlotUse{}), SlotUseObject(SlotUse{})},
        poller_(Keep(
            new Shipped(std::vector<SlotUseObject*>{&slots_[0], &slots_[1]}))) {
    slots_[0].name = "slot0";
    slots_[1].name = "slot1";
    // Both slots exist and are free when the story begins.
    const auto first = poller_.Open(3, Pollable::kKnown);
    const auto second = poller_.Open(4, Pollable::kKnown);
    End(first.desc);
    End(second.desc);
    open_ = ObjectAt("open.count");
    open_->name = "open";
    for (int i = 0; i < 2; ++i) {
      AddThread("owner" + std::to_string(i + 1),
                [=, this](Thread& thread) { Owner(thread, 3 + i); });
    }
    Settle();
  }

  const char* AtRest(const View& view) override {
    std::uint64_t registered = 0;
    for (const SlotUseObject& slot : slots_) {
      registered += view.Of(slot).registered ? 1 : 0;
    }
    return open_->Bits(view.Raw(*open_)) == registered
               ? nullptr
               : Of(open_,
                    "S9: at rest the count of open descriptors is wrong");
  }

 private:
  void End(typename Shipped::Desc* desc) {
    (void)poller_.Unblock(desc);
    poller_.Close(desc);
  }

  void Owner(Thread& thread, Fd fd) {
    for (int round = 0; round < cast_.rounds; round += cast_.endless ? 0 : 1) {
      thread.Mark("open", {round});
      thread.May("owner.go");
      const auto opened = poller_.Open(fd, Pollable::kKnown);
      if (opened.desc == nullptr || opened.desc->index() > 1) {
        thread.Fail("S9: the pool lost a slot");
      }
      thread.Mark("opened",
                  {round, static_cast<std::int64_t>(opened.desc->index())});
      End(opened.desc);
    }
  }

  const PoolCast cast_;
  SlotUseObject slots_[2];
  Shipped& poller_;
  Object* open_ = nullptr;
};

inline void AddPoolScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, PoolCast cast) {
    all.push_back({name, about, false, [cast] {
                     return std::unique_ptr<World>(new PoolWorld<2>(cast));
                   }});
  };
  add("pool-one-round", "two threads open and close at once", {});
  add("pool-two-rounds", "a slot goes from one thread to the other and back",
      {.rounds = 2});
  add("closed-pool", "... for ever: generations wrap round", {.endless = true});
  all.back().closed = true;
  all.push_back(
      {"deep-closed-pool", "the same with generations of three bits", true, [] {
         return std::unique_ptr<World>(new PoolWorld<3>({.endless = true}));
       }});
  all.back().closed = true;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_POOL_WORLD_H_
