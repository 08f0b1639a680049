// SPDX-License-Identifier: Apache-2.0
//
// Fuzzing schedules: the canary first, then configurations that are too large
// to exhaust.

#include "netpoll/model/fuzz/session.h"

#include <cstdint>
#include <cstdlib>
#include <string>

#include "gtest/gtest.h"
#include "netpoll/model/report/check.h"

namespace netpoll::model {
namespace {

std::uint64_t Runs() {
  return std::getenv("NETPOLL_DEEP") == nullptr ? 4'000 : 400'000;
}

// Shards of one test have numbers of their own.
std::uint64_t Seed() {
  const char* const shard = std::getenv("TEST_SHARD_INDEX");
  return 1 + (shard == nullptr ? 0 : std::strtoull(shard, nullptr, 10));
}

std::string Told(const std::string& variant, const Target::Outcome& outcome) {
  const auto story =
      TellTwice(variant, *outcome.scenario, outcome.run.schedule);
  return Diagnose(story).sentence + "\n  netpoll replay " +
         ReplayStringOf(story);
}

// One in each shard: a shard without a canary proves nothing.
class Fuzz : public testing::TestWithParam<int> {};

TEST_P(Fuzz, FindsTheCanaryAndThenNothing) {
  ASSERT_NE(Canary(), nullptr);
  const std::uint64_t seed = 100 * Seed() + GetParam();
  Target canary(Fuzzed(*Canary()));
  Session first(canary, seed);
  const auto found = RunUntilBroken(first, 100'000);
  ASSERT_TRUE(found.broken()) << "the canary lives";
  // A lost wake, as the law of descriptors or that of operations has it.
  const std::string law = found.run.violation.substr(0, 3);
  EXPECT_TRUE(law == "L1:" || law == "A4:")
      << found.scenario->name << ": " << Told("canary", found);

  Target shipped(Fuzzed(*FindVariant("shipped")));
  Session second(shipped, seed);
  const auto outcome = RunUntilBroken(second, Runs());
  EXPECT_FALSE(outcome.broken()) << Told("shipped", outcome);
  RecordProperty("states", std::to_string(shipped.states_seen()));
}

INSTANTIATE_TEST_SUITE_P(Shard, Fuzz, testing::Range(0, 2));

TEST(Session, TheSameSeedDoesTheSame) {
  const auto run = [](std::uint64_t seed) {
    Target target(Fuzzed(*Canary()));
    Session session(target, seed);
    return RunUntilBroken(session, 100'000).plain;
  };
  EXPECT_EQ(run(7), run(7));
}

TEST(Session, NewStatesMakeItLookFurther) {
  const auto* const shipped = FindVariant("shipped");
  std::vector<const Scenario*> one = {
      FindScenario(*shipped, "huge-both-reopen")};
  Target target(one);
  Session session(target, 1);
  RunUntilBroken(session, 200);
  const std::uint64_t early = target.states_seen();
  RunUntilBroken(session, 200);
  EXPECT_GT(session.corpus(), 0u);
  EXPECT_GT(target.states_seen(), early);
}

// What was found is told by a string that the explorer replays.
TEST(Session, AFindingReplays) {
  Target target(Fuzzed(*Canary()));
  Session session(target, 3);
  const auto found = RunUntilBroken(session, 100'000);
  ASSERT_TRUE(found.broken());
  const auto story = Tell("canary", *found.scenario, found.run.schedule);
  EXPECT_EQ(story.violation, found.run.violation);
}

// A shrinker that zeroes bytes removes switches, and a plain input makes the
// choices that it was recorded from.
TEST(Target, PlainInputMakesTheSameChoices) {
  Target target(Fuzzed(*FindVariant("shipped")));
  Session session(target, 11);
  for (int i = 0; i < 300; ++i) {
    const auto outcome = session.Step();
    const auto again = target.Run(outcome.plain);
    ASSERT_EQ(again.scenario, outcome.scenario);
    const auto& longer = again.run.schedule;
    const auto& shorter = outcome.run.schedule;
    ASSERT_GE(longer.size(), shorter.size());
    EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), longer.begin()));
  }
}

TEST(Target, AnyBytesAreAnInput) {
  Target target(Fuzzed(*FindVariant("shipped")));
  for (const Bytes& bytes :
       {Bytes{}, Bytes{7}, Bytes{7, 1}, Bytes{0, 255, 3}, Bytes(3000, 255)}) {
    EXPECT_FALSE(target.Run(bytes).broken());
  }
}

}  // namespace
}  // namespace netpoll::model
