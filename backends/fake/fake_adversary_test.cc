// SPDX-License-Identifier: Apache-2.0
//
// Each disturbance happens where its trigger allows it, and nowhere else; it
// does what fake_adversary.h says, and no report is lost to it. One seed is
// one run.

#include "netpoll/backends/fake/fake_adversary.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/backends/fake/fake_rig.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {
namespace {

using What = FakeDisturbance;
using std::chrono::nanoseconds;

template <FakeTrigger kTrigger>
using Rig = FakeRig<kTrigger>;

// --- Every disturbance, every trigger ---------------------------------------

// A life in which everything has its occasion. What was reported, as text.
template <FakeTrigger kTrigger>
std::string Live(Rig<kTrigger>& rig, std::uint64_t seed, int rounds) {
  std::string log;
  FakeRandom random(seed);
  std::map<Fd, EventKey> open;
  std::uint32_t generation = 0;
  const Delta kDeltas[] = {Delta::NonBlocking(),
                           Delta::AtMost(nanoseconds(100))};
  for (int i = 0; i < rounds; ++i) {
    if (open.size() < 4) {
      const Fd fd = rig.kernel.MakeFd();
      const EventKey key =
          EventKey::ForSlot(static_cast<std::uint32_t>(fd) % 8, ++generation);
      const int error = rig.backend.Open(fd, key);
      log += "open " + std::to_string(error) + "\n";
      if (error == 0) open.emplace(fd, key);
      if (error != 0) rig.kernel.CloseFd(fd);
    }
    for (const auto& [fd, key] : open) {
      rig.Ask(fd, key);
      const auto mode = static_cast<Mode>(1 + random.Below(3));
      if (random.Below(2) != 0) rig.kernel.SetReady(fd, mode);
      if (random.Below(4) == 0) rig.kernel.ClearReady(fd, mode);
    }
    if (random.Below(4) == 0) rig.backend.Break();
    for (const FakeEvent& event : rig.Poll(kDeltas[random.Below(2)])) {
      log += std::to_string(event.key.bits()) + " " +
             std::to_string(FakeBits(event.mode)) + "\n";
    }
    log += std::to_string(rig.kernel.now()) + "\n";
    if (!open.empty() && random.Below(8) == 0) {
      const auto [fd, key] = *open.begin();
      log += "close " + std::to_string(rig.backend.Close(fd, key)) + "\n";
      rig.kernel.CloseFd(fd);
      open.erase(fd);
    }
  }
  return log;
}

template <class Trigger>
class FakeAdversaryTest : public testing::Test {};
template <FakeTrigger kTrigger>
struct Under {
  static constexpr FakeTrigger kValue = kTrigger;
};
struct TriggerNames {
  template <class T>
  static std::string GetName(int index) {
    constexpr const char* kNames[] = {"EdgeMask", "EdgeFilter", "Level",
                                      "Completion"};
    return kNames[index];
  }
};
using Triggers =
    testing::Types<Under<FakeTrigger::kEdgeMask>,
                   Under<FakeTrigger::kEdgeFilter>, Under<FakeTrigger::kLevel>,
                   Under<FakeTrigger::kCompletion>>;
TYPED_TEST_SUITE(FakeAdversaryTest, Triggers, TriggerNames);

TYPED_TEST(FakeAdversaryTest, EachDisturbanceHappensExactlyWhereItIsAllowed) {
  Rig<TypeParam::kValue> rig(FakeAdversary::Uniform(30));
  Live(rig, 1, 2000);
  for (std::size_t i = 0; i < kFakeDisturbances; ++i) {
    const What what = static_cast<What>(i);
    EXPECT_EQ(rig.kernel.happened(what) > 0, Allowed(TypeParam::kValue, what))
        << Name(what) << " happened " << rig.kernel.happened(what) << " times";
  }
}

TYPED_TEST(FakeAdversaryTest, EachDisturbanceHappensByItself) {
  for (std::size_t i = 0; i < kFakeDisturbances; ++i) {
    const What what = static_cast<What>(i);
    if (!Allowed(TypeParam::kValue, what)) continue;
    FakeAdversary adversary = FakeAdversary{}.With(what, 30);
    // Two events can only become one when they are on their way.
    if (what == What::kMerge) adversary = adversary.With(What::kLate, 30);
    Rig<TypeParam::kValue> rig(adversary);
    Live(rig, 2, 2000);
    EXPECT_GT(rig.kernel.happened(what), 0) << Name(what);
  }
}

TYPED_TEST(FakeAdversaryTest, OneSeedIsOneRun) {
  const auto run = [](std::uint64_t seed) {
    Rig<TypeParam::kValue> rig(FakeAdversary::Uniform(25), seed);
    return Live(rig, 3, 500);
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TYPED_TEST(FakeAdversaryTest, WithoutWeightsNothingHappens) {
  Rig<TypeParam::kValue> rig;
  Live(rig, 4, 500);
  for (std::size_t i = 0; i < kFakeDisturbances; ++i) {
    EXPECT_EQ(rig.kernel.happened(static_cast<What>(i)), 0);
  }
}

// Whatever the swarm: what became ready is reported before the kernel is quiet.
TYPED_TEST(FakeAdversaryTest, NoReportIsLostToAnySwarm) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Rig<TypeParam::kValue> rig(
        FakeAdversary::Swarm(seed).With(What::kOpenFails, 0), seed);
    std::map<std::uint64_t, Fd> open;
    for (std::uint32_t i = 0; i < 4; ++i) {
      const EventKey key = EventKey::ForSlot(i, 1);
      open[key.bits()] = rig.Open(key);
    }
    for (int round = 0; round < 20; ++round) {
      std::set<std::uint64_t> unreported;
      for (const auto& [bits, fd] : open) {
        rig.Ask(fd, EventKey::FromBits(bits));
        rig.kernel.SetReady(fd, Mode::kRead);
        unreported.insert(bits);
      }
      int polls = 0;
      do {
        for (const FakeEvent& event : rig.Poll(Delta::AtMost(nanoseconds(1)))) {
          if (Has(event.mode, Mode::kRead)) unreported.erase(event.key.bits());
        }
      } while (!rig.kernel.quiet() && ++polls < 1000);
      ASSERT_TRUE(rig.kernel.quiet()) << "it never ends, seed " << seed;
      ASSERT_TRUE(unreported.empty()) << "lost, seed " << seed;
      for (const auto& [bits, fd] : open) {
        rig.kernel.ClearReady(fd, Mode::kRead);
      }
    }
  }
}

TEST(FakeSwarmTest, SomeAreOffAndTheOthersDiffer) {
  int off = 0;
  std::set<unsigned> rates;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const FakeAdversary adversary = FakeAdversary::Swarm(seed);
    int on = 0;
    for (std::size_t i = 0; i < kFakeDisturbances; ++i) {
      const unsigned percent = adversary.percent(static_cast<What>(i));
      rates.insert(percent);
      on += percent != 0 ? 1 : 0;
    }
    off += static_cast<int>(kFakeDisturbances) - on;
  }
  EXPECT_GT(off, 600);
  EXPECT_LT(off, 900);
  EXPECT_EQ(rates, (std::set<unsigned>{0, 1, 5, 20, 50, 90}));
}

}  // namespace
}  // namespace netpoll
