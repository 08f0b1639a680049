// SPDX-License-Identifier: Apache-2.0
//
// Counterexamples of graphs: they come back from their strings, a second
// reading of the memory model agrees, and the sentence names what was missed.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/engine/explore.h"
#include "netpoll/model/engine/run.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/engine/weaken.h"
#include "netpoll/model/graphs/check_graphs.h"
#include "netpoll/model/graphs/graph_pictures.h"
#include "netpoll/model/graphs/graph_truth.h"
#include "netpoll/model/graphs/relations.h"
#include "netpoll/model/graphs/tell_graph.h"
#include "netpoll/model/model_env.h"
#include "netpoll/model/report/check.h"

namespace netpoll::model {
namespace {

const Scenario& Shipped(const std::string& name) {
  return *FindScenario(*FindVariant("shipped"), name);
}

GraphVerdict Explore(const std::string& name, MemoryModel model,
                     const Weakened& weakened = {}) {
  return CheckGraphs("shipped", Weaker(Shipped(name), weakened), model, {});
}

const Weakened kAllAcqRel = {"*", Weakness::kAcqRel};

TEST(Graphs, ShowTheBugThatNoInterleavingShows) {
  EXPECT_EQ(
      Explore("read-close", MemoryModel::kSc, kAllAcqRel).result.violation, "");
  EXPECT_EQ(
      Explore("read-close", MemoryModel::kTso, kAllAcqRel).result.violation,
      "");
  const GraphVerdict found =
      Explore("read-close", MemoryModel::kRc11, kAllAcqRel);
  EXPECT_EQ(found.result.violation,
            "L2: a task is parked on a closing descriptor");
  EXPECT_LT(found.seconds, 1.0);
  EXPECT_EQ(found.doubt, "");
}

TEST(Graphs, SayWhoReadTooEarlyAndWhichOrderForbidsIt) {
  const GraphVerdict found = Explore("read-close", MemoryModel::kRc11,
                                     {"cancel.rg load", Weakness::kAcquire});
  const std::string& sentence = found.story.sentence;
  for (const char* part :
       {"closing descriptor: reader (parked at park): ", "closer read rg = nil",
        "before reader's prepare.word", "reader read status = gen1",
        "before closer's unblock.status", "nobody looks again",
        "forbidden if cancel.rg load were seq_cst"}) {
    EXPECT_NE(sentence.find(part), std::string::npos) << sentence;
  }
  EXPECT_EQ(GraphTruth(found.story).Untrue(), "") << sentence;
}

// Of a sentence in which one word is another.
TEST(Graphs, WhatIsUntrueIsFound) {
  const GraphStory told =
      Explore("read-close", MemoryModel::kRc11, kAllAcqRel).story;
  ASSERT_EQ(GraphTruth(told).Untrue(), "") << told.sentence;
  for (const auto& [word, other] : {std::pair{"closer read", "reader read"},
                                    {"= gen1", "= gen2"},
                                    {"prepare.recheck", "check.status"},
                                    {"core/poll_desc.h", "core/pool.h"},
                                    {"reader (parked", "closer (parked"},
                                    {"L2", "L3"}}) {
    GraphStory wrong = told;
    const auto at = wrong.sentence.find(word);
    ASSERT_NE(at, std::string::npos) << word << " in " << told.sentence;
    wrong.sentence.replace(at, std::string(word).size(), other);
    EXPECT_NE(GraphTruth(wrong).Untrue(), "") << wrong.sentence;
  }
}

TEST(Graphs, SayWhatDoesNotOrderARace) {
  const GraphVerdict found = Explore("lock-word", MemoryModel::kRc11,
                                     {"lock.take cas", Weakness::kRelaxed});
  EXPECT_TRUE(found.result.violation.starts_with("race: "));
  EXPECT_NE(found.story.sentence.find("the read no acquire"), std::string::npos)
      << found.story.sentence;
}

// A waker and a sleeper as the library has them: the word, and the count of
// those who may sleep. Here the wake is what it is given as.
class StoredWake : public World {
 public:
  explicit StoredWake(bool exchanges) {
    AddThread("sleeper", [this](Thread& thread) {
      count_.FetchAdd("futex.enter", 1, Order::kSeqCst);
      const bool sleeps = word_.Load("futex.compare", Order::kSeqCst) == 0;
      thread.SetNote(Done{sleeps});
    });
    AddThread("waker", [=, this](Thread& thread) {
      if (exchanges) {
        word_.Exchange("wake", 1, Order::kSeqCst);
      } else {
        word_.Store("wake", 1, Order::kRelease);
      }
      thread.SetNote(Done{count_.Load("futex.look", Order::kSeqCst) == 0});
    });
    Settle();
  }

  const char* AtRest(const View& view) override {
    return view.note(0).As<Done>().missed && view.note(1).As<Done>().missed
               ? "W2: it sleeps, and was not woken"
               : nullptr;
  }

 private:
  struct Done {
    bool missed = false;
  };
  ModelEnv<2>::Atomic<int> word_{0};
  ModelEnv<2>::Atomic<int> count_{0};
};

// On x86 a store is not ordered before a later load of another word.
TEST(Graphs, OfX86LoseAWakeThatIsAPlainStore) {
  for (const bool exchanges : {false, true}) {
    Scenario scenario;
    scenario.name = "stored-wake";
    scenario.make = [=] { return std::make_unique<StoredWake>(exchanges); };
    const std::string found =
        CheckGraphs("shipped", scenario, MemoryModel::kTso, {})
            .result.violation;
    EXPECT_EQ(found.empty(), exchanges) << found;
  }
  for (const char* name : {"park-word", "lock-word"}) {
    EXPECT_EQ(Explore(name, MemoryModel::kTso).result.violation, "") << name;
  }
}

TEST(Graphs, ComeBackFromTheirStrings) {
  const Weakened kWeak[] = {kAllAcqRel,
                            {"prepare.word cas", Weakness::kRelaxed},
                            {"commit.word cas", Weakness::kRelaxed},
                            {"unblock.status cas", Weakness::kRelease}};
  for (const Weakened& weakened : kWeak) {
    const Scenario weak = Weaker(Shipped("read-edge-close"), weakened);
    const GraphVerdict found =
        CheckGraphs("shipped", weak, MemoryModel::kRc11, {});
    ASSERT_TRUE(found.story.broken()) << weakened.site;
    EXPECT_EQ(found.doubt, "") << weakened.site;
    GraphString string;
    ASSERT_EQ(GraphString::Parse(found.story.ReplayText(), &string), "");
    EXPECT_EQ(string.Text(), found.story.ReplayText());
    const GraphStory again = TellGraphAgain("shipped", weak, string);
    EXPECT_EQ(GraphLanes(again, 100), GraphLanes(found.story, 100));
    // What ships does not allow it.
    const GraphStory shipped =
        TellGraphAgain("shipped", Shipped("read-edge-close"), string);
    EXPECT_FALSE(shipped.broken() && shipped.why_not.empty());
  }
}

TEST(Graphs, ThatWereChangedAreRefused) {
  const GraphVerdict found =
      Explore("read-close", MemoryModel::kRc11, kAllAcqRel);
  std::string text = found.story.ReplayText();
  text[text.find(":rc11:") + 6] = 'x';
  GraphString string;
  EXPECT_NE(GraphString::Parse(text, &string), "");
  EXPECT_NE(GraphString::Parse("ng1:rc11:read-close", &string), "");
}

TEST(Graphs, AreDrawnWithTheirArrows) {
  const GraphStory story =
      Explore("read-close", MemoryModel::kRc11, kAllAcqRel).story;
  const std::string lanes = GraphLanes(story, 100);
  EXPECT_NE(lanes.find("<- start, not "), std::string::npos) << lanes;
  const std::string mermaid = GraphMermaid(story);
  EXPECT_NE(mermaid.find("overlooks"), std::string::npos);
  const std::string page = GraphHtmlPage(story);
  EXPECT_NE(page.find("class=\"over\""), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);
}

// The second reading of the models, on graphs that the search allows: all of
// what ships, until the first violation of what is weaker.
TEST(Graphs, ThatSeqCstOrdersForbidAreNotAllowedBySequentialConsistency) {
  const GraphVerdict found =
      Explore("read-close", MemoryModel::kRc11, kAllAcqRel);
  const Scenario weak = Weaker(Shipped("read-close"), kAllAcqRel);
  Exploration exploration(weak);
  exploration.WithTables([&](Tabulator& tables) {
    WeakGraph graph;
    ASSERT_EQ(Rebuild(tables, found.story.choices, &graph), "");
    for (const MemoryModel model : {MemoryModel::kSc, MemoryModel::kTso}) {
      EXPECT_FALSE(GraphRelations(tables, graph, model).Allows(model));
    }
    const MemoryModel rc11 = MemoryModel::kRc11;
    EXPECT_TRUE(GraphRelations(tables, graph, rc11).Allows(rc11));
  });
}

}  // namespace
}  // namespace netpoll::model
