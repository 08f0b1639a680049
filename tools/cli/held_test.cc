// SPDX-License-Identifier: Apache-2.0
//
// A configuration is taken to hold only while nothing that decides about it is
// another than when it held.

#include "netpoll/tools/cli/held.h"

#include <cstddef>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/mutants/matrix.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/source/reach.h"
#include "netpoll/tools/cli/left_out.h"

namespace netpoll::tools {
namespace {

using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

DecidingSources Small() {
  return {.digests = {{"a_world.h", "1"},
                      {"a_world_laws.cc", "2"},
                      {"b_world.h", "3"},
                      {"core.h", "4"},
                      {"under.h", "5"},
                      {"explore.cc", "6"}},
          .includes = {{"a_world.h", {"core.h"}},
                       {"a_world_laws.cc", {"a_world.h"}},
                       {"b_world.h", {}},
                       {"core.h", {"under.h"}},
                       {"under.h", {}},
                       {"explore.cc", {}}},
          .families = {{"A", "a_world.h"}, {"B", "b_world.h"}}};
}

model::Scenario Named(const char* name, const char* family) {
  model::Scenario scenario;
  scenario.name = name;
  scenario.family = family;
  return scenario;
}

class ARecord : public ::testing::Test {
 protected:
  ARecord() {
    HeldRecord record(file_, small_, "gcc");
    model::Verdict holds;
    holds.result.complete = true;
    holds.survey.sites["a.word"] = {7, 2, 1};
    holds.survey.sites["no threads"] = {124, 0, 0};
    holds.survey.word_moves[{"a.word", 1, 2, true}] = 3;
    record.Add(a_, holds);
    record.Add(b_, holds);
    record.Write(true);
  }

  // Of the two, which hold without being explored.
  std::string Hold(const DecidingSources& sources,
                   const char* compiler = "gcc") {
    const HeldRecord record(file_, sources, compiler);
    return std::string(record.Holds(a_) ? "a" : "") +
           (record.Holds(b_) ? "b" : "");
  }

  std::size_t held_ = 0;
  const std::string file_ =
      ::testing::TempDir() +
      ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const DecidingSources small_ = Small();
  const model::Scenario a_ = Named("a-plain", "A");
  const model::Scenario b_ = Named("b-plain", "B");
};

TEST_F(ARecord, KnowsWhatAnEditCannotChange) {
  EXPECT_EQ(Hold(small_), "ab");
  for (const char* const of_a :
       {"a_world.h", "a_world_laws.cc", "core.h", "under.h"}) {
    DecidingSources edited = small_;
    edited.digests[of_a] = "another";
    EXPECT_EQ(Hold(edited), "b") << of_a;
    EXPECT_THAT(HeldRecord(file_, edited, "gcc").Changed(), ElementsAre(of_a));
  }
  DecidingSources edited = small_;
  edited.digests["b_world.h"] = "another";
  EXPECT_EQ(Hold(edited), "a");
}

TEST_F(ARecord, IsWorthNothingWhenWhatExploresIsAnother) {
  EXPECT_EQ(Hold(small_, "clang"), "");
  DecidingSources edited = small_;
  edited.digests["explore.cc"] = "another";
  EXPECT_EQ(Hold(edited), "");
  edited = small_;
  edited.digests["new.cc"] = "7";
  edited.includes["new.cc"] = {};
  EXPECT_EQ(Hold(edited), "");
}

TEST_F(ARecord, AnotherIncludeCounts) {
  DecidingSources edited = small_;
  edited.digests["b_world.h"] = "with core";
  edited.includes["b_world.h"] = {"core.h"};
  EXPECT_EQ(Hold(edited), "a");
  HeldRecord record(file_, edited, "gcc");
  model::Verdict holds;
  holds.result.complete = true;
  record.Add(b_, holds);
  record.Write(false);
  EXPECT_EQ(Hold(edited), "ab");
  edited.digests["under.h"] = "another";
  EXPECT_EQ(Hold(edited), "");
}

TEST_F(ARecord, WhatIsBrokenOrCutOffIsNotKept) {
  DecidingSources edited = small_;
  edited.digests["core.h"] = "another";
  HeldRecord record(file_, edited, "gcc");
  model::Verdict broken;
  broken.violation = "L1: lost";
  broken.result.complete = true;
  record.Add(a_, broken);
  record.Add(a_, model::Verdict());
  record.Write(false);
  EXPECT_EQ(Hold(edited), "b");
  // Taken back, it is what it was; and what changed is since all held.
  EXPECT_EQ(Hold(small_), "ab");
  EXPECT_THAT(HeldRecord(file_, edited, "gcc").Changed(),
              ElementsAre("core.h"));
}

TEST_F(ARecord, KeepsWhatWasMet) {
  const HeldRecord record(file_, small_, "gcc");
  EXPECT_EQ(record.sites("a-plain").at("a.word").taken, 7u);
  EXPECT_EQ(record.sites("a-plain").at("a.word").failed, 1u);
  EXPECT_EQ(record.sites("b-plain").at("no threads").taken, 124u);
  EXPECT_EQ(record.moves("a-plain").at({"a.word", 1, 2, true}), 3u);
}

TEST_F(ARecord, OneThatIsSpoiltIsNone) {
  std::ifstream in(file_);
  std::stringstream text;
  text << in.rdbuf();
  const std::string whole = text.str();
  const std::vector<std::string> spoilt = {
      whole.substr(0, whole.size() / 2), whole.substr(0, whole.size() - 4), "",
      "netpoll-held 9\n" + whole.substr(whole.find('\n') + 1)};
  for (const std::string& each : spoilt) {
    std::ofstream(file_) << each;
    EXPECT_EQ(Hold(small_), "") << each;
  }
  std::ofstream(file_) << whole;
  EXPECT_EQ(Hold(small_), "ab");
}

// Of the real matrix: all held, but for one family's configurations.
TEST_F(ARecord, LeavesOutWhatItKnowsAndSaysSo) {
  const std::vector<model::Scenario>& all = model::Shipped()->scenarios;
  HeldRecord written(file_ + "-of-all", CompiledSources(), Compiler());
  model::Verdict holds;
  holds.result.complete = true;
  std::size_t pure = 0;
  for (const model::Scenario& scenario : all) {
    ++(scenario.family == "Pure" ? pure : held_);
    if (scenario.family != "Pure") written.Add(scenario, holds);
  }
  std::vector<model::Scenario> selected = all;
  // Some were explored, and no edit is known: everything is.
  EXPECT_EQ(TakeUnchanged(written, &selected).left_out.text, "");
  EXPECT_EQ(selected.size(), all.size());
  written.Write(true);
  const HeldRecord record(file_ + "-of-all", CompiledSources(), Compiler());
  const Split split = TakeUnchanged(record, &selected);
  EXPECT_EQ(selected.size(), pure);
  EXPECT_EQ(split.unchanged.size(), held_);
  EXPECT_EQ(split.left_out.configurations.size(), held_);
  EXPECT_THAT(split.left_out.text,
              HasSubstr("left out, " + std::to_string(held_) + " of " +
                        std::to_string(all.size()) + " configurations"));
  EXPECT_THAT(split.left_out.text, HasSubstr("closed descriptor "));
  EXPECT_THAT(split.left_out.text, Not(HasSubstr("pure")));
  // Nothing is known, or nothing is changed: everything is explored.
  for (const bool known : {false, true}) {
    HeldRecord other("", CompiledSources(), Compiler());
    for (const model::Scenario& scenario : all) {
      if (known) other.Add(scenario, holds);
    }
    selected = all;
    EXPECT_EQ(TakeUnchanged(other, &selected).left_out.text, "");
    EXPECT_EQ(selected.size(), all.size());
  }
}

TEST(AMutant, SaysWhatItIsCompiledWithout) {
  model::Variant mutant;
  mutant.name = "C0-none";
  mutant.files = {"core/wake_token.h"};
  for (const model::Scenario& scenario : model::Shipped()->scenarios) {
    if (scenario.family == "Token") mutant.scenarios.push_back(scenario);
  }
  const LeftOut left_out = NotInMutant(mutant);
  EXPECT_THAT(left_out.text,
              ContainsRegex("^C0-none changes core/wake_token.h; left out, "
                            "[0-9]+ configurations that do not include it: "
                            "descriptor .*; and [0-9]+ of "));
  // The pipe's include it; a mutant's unit would have them.
  EXPECT_THAT(left_out.text, ContainsRegex(" of .*: pipe .*epoll "));
  mutant.files.clear();
  EXPECT_EQ(NotInMutant(mutant).text, "");
}

// What the seam is made of is not explored by way of it.
TEST(AMutant, OfTheSeamIsInItsOwnFamilyAlone) {
  model::Variant mutant;
  mutant.name = "C0-none";
  mutant.files = {"core/futex_lock.h"};
  for (const model::Scenario& scenario : model::Shipped()->scenarios) {
    if (scenario.family == "Futex") mutant.scenarios.push_back(scenario);
  }
  EXPECT_FALSE(mutant.scenarios.empty());
  EXPECT_THAT(NotInMutant(mutant).text, Not(HasSubstr("; and ")));
}

// What this program is made of: a family has its world and the core under it,
// and is without what it does not include.
TEST(TheSources, AreThoseOfTheFamilies) {
  const DecidingSources& sources = CompiledSources();
  EXPECT_GT(sources.families.size(), 20u);
  EXPECT_EQ(sources.includes.size(), sources.digests.size());
  std::set<std::string> digests;
  for (const auto& [path, digest] : sources.digests) {
    EXPECT_EQ(digest.size(), 16u) << path;
    digests.insert(digest);
    for (const std::string& included : sources.includes.at(path)) {
      // Of what decides, nothing that can be included is left out.
      EXPECT_TRUE(sources.digests.contains(included) ||
                  included.starts_with("model/report/"))
          << path << " includes " << included;
    }
  }
  EXPECT_EQ(digests.size(), sources.digests.size());
  const auto has = [&](const char* name, const char* file) {
    for (const model::Family& family : sources.families) {
      if (family.name == name) return FilesOf(sources, family).contains(file);
    }
    return false;
  };
  EXPECT_TRUE(has("Descriptor", "core/poll_desc.h"));
  EXPECT_TRUE(has("Descriptor", "model/scenarios/descriptor_world_laws.cc"));
  EXPECT_TRUE(has("Dispatch", "runtime/protocols/run_queue.h"));
  EXPECT_TRUE(has("Token", "core/concurrency.h"));
  EXPECT_FALSE(has("Token", "core/poll_desc.h"));
}

}  // namespace
}  // namespace netpoll::tools
