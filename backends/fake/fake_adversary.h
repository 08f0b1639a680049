// SPDX-License-Identifier: Apache-2.0
//
// What the fake system does to the poller of its own accord, how often, and
// under which trigger. Nothing here breaks the contract of backend.h: a
// disturbance that a trigger's kernels can't cause is never caused there.
//
//   FakeKernel<> kernel(seed);
//   kernel.set_adversary(FakeAdversary::Swarm(seed));
//
// One seed, one run. A swarm switches some disturbances off and makes others
// very frequent: all at a moderate rate hide each other.

#ifndef NETPOLL_BACKENDS_FAKE_FAKE_ADVERSARY_H_
#define NETPOLL_BACKENDS_FAKE_FAKE_ADVERSARY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "netpoll/backends/fake/fake_files.h"

namespace netpoll {

// Each with the reason why the contract allows it. "Edges" are both edge
// profiles; where nothing is said, every trigger has it.
enum class FakeDisturbance : std::uint8_t {
  // An event comes some polls later, under the key of its moment: another
  // thread's batch may be that old.
  kLate,
  // Edges only: an event comes twice. Any activity may repeat an edge; a
  // direction that was armed once, or an operation, is reported once.
  kDuplicate,
  // Two events of one descriptor that are on their way become one: per
  // direction where a filter is an event of its own. Not for operations, which
  // each have an end.
  kMerge,
  // A direction is reported that is not ready: what made it so is gone again.
  // Where directions are armed, only such, and it is disarmed. Operations do
  // not end without reason.
  kSpurious,
  // An event of a descriptor that was closed: it was in a batch that another
  // thread took before. An operation is waited for before the close.
  kStale,
  // An event under a key that was never given out: zero cookies, packets that
  // foreign code posted, a slot's number with another generation.
  kForeign,
  // A poll reports some of what is due, the next the rest: batches are finite.
  kPartial,
  // Events come in any order: nothing promises one.
  kReorder,
  // A signal: a wait with a limit returns early, one without goes on.
  kInterrupt,
  // The token is out of the kernel object while a non-blocking poll runs, so
  // that a blocking one that looks then sleeps; it comes back with a word.
  kTransit,
  // Tokens that nobody asked for: a poll may return early with nothing.
  kStorm,
  // Open or Close returns an errno. After the one nothing is registered, after
  // the other nothing is either.
  kOpenFails,
  kCloseFails,
  // The post of a token is interrupted: the backend posts again.
  kPostFails,
  // The clock jumps forward in a wait with a limit: a machine that was asleep.
  kClockJump,
};
inline constexpr std::size_t kFakeDisturbances = 15;

constexpr const char* Name(FakeDisturbance disturbance) {
  constexpr const char* kNames[kFakeDisturbances] = {
      "late",    "duplicate",  "merge",       "spurious",   "stale",
      "foreign", "partial",    "reorder",     "interrupt",  "transit",
      "storm",   "open-fails", "close-fails", "post-fails", "clock-jump"};
  return kNames[static_cast<std::size_t>(disturbance)];
}

// Whether a system with this trigger can do that.
constexpr bool Allowed(FakeTrigger trigger, FakeDisturbance disturbance) {
  switch (disturbance) {
    case FakeDisturbance::kDuplicate:
      return trigger == FakeTrigger::kEdgeMask ||
             trigger == FakeTrigger::kEdgeFilter;
    case FakeDisturbance::kMerge:
    case FakeDisturbance::kSpurious:
    case FakeDisturbance::kStale:
      return trigger != FakeTrigger::kCompletion;
    default:
      return true;
  }
}

// How often each disturbance happens where it can, in percent.
class FakeAdversary {
 public:
  constexpr FakeAdversary() = default;  // Harmless.

  constexpr FakeAdversary With(FakeDisturbance what, unsigned percent) const {
    FakeAdversary changed = *this;
    changed.percent_[static_cast<std::size_t>(what)] =
        static_cast<std::uint8_t>(percent);
    return changed;
  }
  constexpr unsigned percent(FakeDisturbance what) const {
    return percent_[static_cast<std::size_t>(what)];
  }

  // All at the same rate.
  static constexpr FakeAdversary Uniform(unsigned percent) {
    FakeAdversary adversary;
    adversary.percent_.fill(static_cast<std::uint8_t>(percent));
    return adversary;
  }

  // About half are off, the others anything from rare to nearly always.
  static constexpr FakeAdversary Swarm(std::uint64_t seed);

 private:
  std::array<std::uint8_t, kFakeDisturbances> percent_{};
};

// splitmix64.
class FakeRandom {
 public:
  explicit constexpr FakeRandom(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t Next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  constexpr std::uint64_t Below(std::uint64_t limit) { return Next() % limit; }

 private:
  std::uint64_t state_;
};

constexpr FakeAdversary FakeAdversary::Swarm(std::uint64_t seed) {
  constexpr std::uint8_t kRates[] = {0, 0, 0, 0, 0, 1, 5, 20, 50, 90};
  FakeRandom random(seed);
  FakeAdversary adversary;
  for (std::uint8_t& percent : adversary.percent_) {
    percent = kRates[random.Below(std::size(kRates))];
  }
  return adversary;
}

// Decides, by the seed, and counts. Plain data under the kernel's lock.
class FakeDice {
 public:
  explicit FakeDice(std::uint64_t seed) : random_(seed) {}

  void set_trigger(FakeTrigger trigger) { trigger_ = trigger; }
  void set_adversary(FakeAdversary adversary) { adversary_ = adversary; }

  // Whether it is to happen. Ask only where it has an effect, or Count it when
  // it has had one.
  bool Draw(FakeDisturbance what) {
    const unsigned percent = adversary_.percent(what);
    return percent != 0 && Allowed(trigger_, what) &&
           random_.Below(100) < percent;
  }
  void Count(FakeDisturbance what) {
    ++happened_[static_cast<std::size_t>(what)];
  }
  bool Roll(FakeDisturbance what) {
    if (!Draw(what)) return false;
    Count(what);
    return true;
  }

  std::uint64_t Below(std::uint64_t limit) { return random_.Below(limit); }
  int happened(FakeDisturbance what) const {
    return happened_[static_cast<std::size_t>(what)];
  }

 private:
  FakeRandom random_;
  FakeTrigger trigger_ = FakeTrigger::kEdgeMask;
  FakeAdversary adversary_;
  std::array<int, kFakeDisturbances> happened_{};
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_FAKE_FAKE_ADVERSARY_H_
