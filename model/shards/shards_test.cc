// SPDX-License-Identifier: Apache-2.0
//
// A search in shards counts what the search of one process counts: each state
// and each step once, however many shards there are.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/engine/weaken.h"
#include "netpoll/model/shards/rounds.h"
#include "netpoll/model/source/read_file.h"

namespace netpoll::model {
namespace {

struct Counts {
  std::uint64_t states = 0;
  std::uint64_t transitions = 0;
  std::uint64_t at_rest = 0;
  friend bool operator==(const Counts&, const Counts&) = default;
};
std::ostream& operator<<(std::ostream& out, const Counts& counts) {
  return out << counts.states << " states, " << counts.transitions
             << " transitions, " << counts.at_rest << " at rest";
}

// Of the certificate, which another search has written.
Counts Certified(const std::string& configuration) {
  std::ifstream golden("model/report/closed.golden");
  for (std::string line; std::getline(golden, line);) {
    std::istringstream words(line);
    std::string name;
    Counts counts;
    words >> name >> counts.states >> counts.transitions >> counts.at_rest;
    if (name == configuration) return counts;
  }
  ADD_FAILURE() << configuration << " is not in the certificate";
  return {};
}

const Scenario& Find(const std::string& name) {
  for (const Variant& variant : Variants()) {
    for (const Scenario& scenario : variant.scenarios) {
      if (variant.name == "shipped" && scenario.name == name) return scenario;
    }
  }
  ADD_FAILURE() << "no configuration is named " << name;
  std::abort();
}

std::string NewFolder() {
  static int number = 0;
  return testing::TempDir() + "/shards" + std::to_string(++number);
}

Counts Of(const ShardTotal& total) {
  return {total.counts.states, total.counts.transitions, total.counts.at_rest};
}

std::vector<std::string> Configurations() {
  const char* const text = std::getenv("NETPOLL_CONFIGURATIONS");
  std::istringstream words(text == nullptr ? "closed-lock" : text);
  std::vector<std::string> names;
  for (std::string name; words >> name;) names.push_back(name);
  return names;
}

TEST(Shards, CountWhatOneProcessCounts) {
  for (const std::string& name : Configurations()) {
    for (const int shards : {1, 2, 3}) {
      const ShardPlan plan{&Find(name), shards, NewFolder()};
      const ShardRun run = RunShards(plan, 50'000, nullptr);
      EXPECT_EQ(run.failure, "");
      EXPECT_EQ(run.violation, "");
      EXPECT_EQ(Of(run.total), Certified(name)) << name << ", " << shards;
      EXPECT_EQ(run.total.counts.sent != 0, shards != 1);
      std::filesystem::remove_all(plan.folder);
    }
  }
}

// The tables are not complete when the shards begin: they learn on the way.
TEST(Shards, LearnOfEachOther) {
  const ShardPlan plan{&Find("closed-lock"), 2, NewFolder()};
  std::uint64_t waited = 0;
  const ShardRun run = RunShards(
      plan, 10, [&](int, const ShardTotal& total) { waited += total.waiting; });
  EXPECT_GT(waited, 0u);
  EXPECT_EQ(Of(run.total), Certified("closed-lock"));
}

TEST(Shards, FindALawThatIsBroken) {
  const Scenario broken = Weaker(
      Find("closed-lock"), {"fdlock.park.lock", WeaknessNamed("unlocked")});
  const ShardPlan plan{&broken, 2, NewFolder()};
  const ShardRun run = RunShards(plan, 10, nullptr);
  EXPECT_EQ(run.failure, "");
  EXPECT_EQ(run.violation.substr(0, 5), "race:") << run.violation;
}

// As actions of the build, with files between them.
TEST(Shards, OfABuildCountTheSame) {
  constexpr int kRounds = 16;
  const ShardPlan plan{nullptr, 2, "model/shards/closed-lock"};
  const ShardTotal total = TotalOf(plan, kRounds);
  EXPECT_TRUE(total.finished) << "more rounds are needed";
  EXPECT_EQ(Of(total), Certified("closed-lock"));
}

// --- Files that are wrong ----------------------------------------------------

class ShardFiles : public testing::Test {
 protected:
  void SetUp() override {
    plan_ = {&Find("closed-lock"), 2, NewFolder()};
    std::filesystem::create_directories(plan_.folder);
    MakeTables(plan_, 100);
  }
  // What the round says.
  std::string Complaint(int round = 1) {
    try {
      return RunRound(plan_, round, 0);
    } catch (const ShardFileError& error) {
      return error.what();
    }
  }
  void Write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  ShardPlan plan_;
};

TEST_F(ShardFiles, OneThatIsMissingIsNamed) {
  std::filesystem::remove(plan_.To(0, 0, 0));
  EXPECT_EQ(Complaint(), plan_.To(0, 0, 0) + ": No such file or directory");
}

TEST_F(ShardFiles, OneThatIsCutOffIsNamed) {
  ASSERT_EQ(RunRound(plan_, 1, 0), "");
  ASSERT_EQ(RunRound(plan_, 1, 1), "");
  const std::string path = plan_.Known(1, 0);
  const std::string text = ReadFile(path);
  const StatesHead head = ReadHead(path);
  ASSERT_GT(head.keys, 0u);
  // So that there is something to do.
  std::filesystem::copy_file(plan_.To(0, 0, 0), plan_.To(1, 1, 0),
                             std::filesystem::copy_options::overwrite_existing);
  Write(path, text.substr(0, text.size() - 1));
  const std::string all = std::to_string(head.keys + head.waiting);
  EXPECT_EQ(Complaint(2), path + ": ends after " +
                              std::to_string(head.keys + head.waiting - 1) +
                              " of " + all + " states");
}

TEST_F(ShardFiles, OneOfAnotherKindIsNamed) {
  Write(plan_.To(0, 0, 0), "something else\n");
  EXPECT_EQ(Complaint(), plan_.To(0, 0, 0) + ": is no file of states");
  Write(plan_.Pairs(0, 0), "something else\n");
  EXPECT_EQ(Complaint(), plan_.Pairs(0, 0) + ": is no file of pairs");
}

}  // namespace
}  // namespace netpoll::model
