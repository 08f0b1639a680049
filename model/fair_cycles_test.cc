// SPDX-License-Identifier: Apache-2.0
//
// Runs without end, on worlds small enough to check by hand: which cycles are
// fair, what they break, and that a lasso leads back to where it began.

#include "netpoll/model/engine/fair_cycles.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/engine/explore.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/replay_string.h"

namespace netpoll::model {
namespace {

using Int = ObjectOf<int>;
using Answer = std::optional<int>;

Answer Flip(int& value, std::int64_t) {
  value = 1 - value;
  return 0;
}
Answer FlipTo(int& value, std::int64_t to) {
  if (value == to) return std::nullopt;
  value = static_cast<int>(to);
  return 0;
}
Answer Look(int& value, std::int64_t) { return value; }

// Threads over two words, a lock, and what must not last.
class Toy : public World {
 public:
  Toy() : word_(0), other_(0), lock_(0) {
    word_.name = "word";
    other_.name = "other";
    lock_.name = "lock";
    lock_.lock_number = 0;
  }
  const char* Passing(int law) override {
    return law == 0 ? passing_ : nullptr;
  }
  bool Lasts(const View& view, int) override { return view.Of(other_) == 0; }

  // Stands at 0 until `other` is set; a law of that.
  Toy& WaitsFor(const char* law) {
    passing_ = law;
    return *this;
  }
  template <class Body>
  Toy& With(const char* name, Body body) {
    AddThread(name, [this, body](Thread& thread) { body(*this, thread); });
    return *this;
  }

  Int word_;
  Int other_;
  Int lock_;

 private:
  const char* passing_ = nullptr;
};

template <class Build>
Scenario Closed(Build build) {
  Scenario scenario{"toy", "", false, [build] {
                      auto toy = std::make_unique<Toy>();
                      build(*toy);
                      toy->Settle();
                      return toy;
                    }};
  scenario.closed = true;
  return scenario;
}

void FlipsForEver(Toy& toy, Thread& thread) {
  for (;;) {
    thread.Mark("flip");
    Thread::Call("flip", toy.word_, Flip);
  }
}
void FlipsWhenAsked(Toy& toy, Thread& thread) {
  for (;;) {
    thread.Mark("flip");
    thread.May("flip.go");
    Thread::Call("flip", toy.word_, Flip);
  }
}
void SetsOther(Toy& toy, Thread&) {
  Thread::Call("set", toy.other_, FlipTo, 1);
}

// The law that breaks, of a world whose lasso was told twice and replayed.
std::string Broken(const Scenario& scenario) {
  const Verdict verdict = Check("shipped", scenario);
  EXPECT_TRUE(verdict.result.complete) << verdict.violation;
  if (verdict.violation.empty()) return "";
  const Story& story = verdict.story;
  EXPECT_GE(story.cycle, 0);
  EXPECT_LT(story.cycle, static_cast<int>(story.schedule.size()));
  ReplayString parsed;
  EXPECT_EQ(ReplayString::Parse(ReplayStringOf(story), &parsed), "");
  EXPECT_EQ(parsed.cycle, story.cycle);
  EXPECT_EQ(parsed.schedule, story.schedule);
  const Story again = Tell("shipped", scenario, parsed.schedule, parsed.cycle);
  EXPECT_EQ(again.violation, verdict.violation);
  return verdict.violation.substr(0, verdict.violation.find(':'));
}

TEST(FairCycles, GoingRoundWithoutAStimulusIsALivelock) {
  EXPECT_EQ(Broken(Closed([](Toy& toy) { toy.With("a", FlipsForEver); })),
            "L9");
}

TEST(FairCycles, GoingRoundByStimuliIsNone) {
  EXPECT_EQ(Broken(Closed([](Toy& toy) { toy.With("a", FlipsWhenAsked); })),
            "");
}

TEST(FairCycles, OperationsThatOnlyHinderEachOtherAreALivelock) {
  EXPECT_EQ(Broken(Closed([](Toy& toy) {
              toy.With("a", [](Toy& world, Thread& thread) {
                thread.May("go");
                RetryScope rounds;
                while (Thread::Call("look", world.word_, Look) == 0) {
                  rounds.NextRound();
                }
              });
            })),
            "L10");
}

TEST(FairCycles, AThreadThatCanGoOnDoes) {
  // `other` is set at last, although another goes round meanwhile.
  EXPECT_EQ(Broken(Closed([](Toy& toy) {
              toy.WaitsFor("W: it is never set")
                  .With("a", FlipsWhenAsked)
                  .With("b", SetsOther);
            })),
            "");
  // A stimulus need never come.
  EXPECT_EQ(Broken(Closed([](Toy& toy) {
              toy.WaitsFor("W: it is never set")
                  .With("a", FlipsWhenAsked)
                  .With("b", [](Toy& world, Thread& thread) {
                    thread.May("set.go");
                    SetsOther(world, thread);
                  });
            })),
            "W");
}

TEST(FairCycles, WhoIsBlockedNowAndThenMayWaitForEver) {
  EXPECT_EQ(Broken(Closed([](Toy& toy) {
              toy.WaitsFor("W: it is never set")
                  .With("a", FlipsWhenAsked)
                  .With("b", [](Toy& world, Thread& thread) {
                    Thread::Await("wait", world.word_, FlipTo, 1);
                    SetsOther(world, thread);
                  });
            })),
            "W");
}

TEST(FairCycles, LocksAreFair) {
  const auto locked = [](Toy& toy, auto body) {
    Perform({.op = Op::kAcquire, .object = &toy.lock_, .site = "lock"});
    body();
    Perform({.op = Op::kRelease, .object = &toy.lock_, .site = "lock"});
  };
  EXPECT_EQ(Broken(Closed([locked](Toy& toy) {
              toy.WaitsFor("W: it is never set")
                  .With("a",
                        [locked](Toy& world, Thread& thread) {
                          for (;;) {
                            thread.Mark("flip");
                            thread.May("flip.go");
                            locked(world, [&world] {
                              Thread::Call("flip", world.word_, Flip);
                            });
                          }
                        })
                  .With("b", [locked](Toy& world, Thread& thread) {
                    locked(world, [&] { SetsOther(world, thread); });
                  });
            })),
            "");
}

TEST(FairCycles, CountsComponents) {
  const Scenario scenario = Closed(
      [](Toy& toy) { toy.With("a", FlipsWhenAsked).With("b", SetsOther); });
  Exploration exploration(scenario);
  ASSERT_TRUE(exploration.Run().complete);
  CycleResult result;
  exploration.WithTables(
      [&](Tabulator& tables) { result = FindFairCycles(tables); });
  // The flipper's four states, before and after the other is set.
  EXPECT_EQ(result.states, 8u);
  EXPECT_EQ(result.components, 2u);
  EXPECT_EQ(result.cyclic, 2u);
  EXPECT_EQ(result.in_cycles, 8u);
}

TEST(FairCycles, ALassoIsDrawnWithItsBend) {
  const Verdict verdict =
      Check("shipped", Closed([](Toy& toy) { toy.With("a", FlipsForEver); }));
  const std::string text = verdict.Counterexample(kWidthOfFiles);
  EXPECT_NE(text.find("from here round and round"), std::string::npos) << text;
  EXPECT_NE(text.find("and again"), std::string::npos) << text;
  EXPECT_NE(HtmlPage(verdict.story).find("and again from step 1"),
            std::string::npos);
  EXPECT_NE(Mermaid(verdict.story).find("loop for ever"), std::string::npos);
}

TEST(FairCycles, AScheduleThatDoesNotLeadBackIsRefused) {
  const Scenario scenario =
      Closed([](Toy& toy) { toy.With("a", FlipsForEver); });
  const Story story = Tell("shipped", scenario, {{0, 0}}, 0);
  EXPECT_EQ(story.stuck_at, 1);
  EXPECT_NE(story.stuck_why.find("lead back"), std::string::npos);
}

TEST(FairCycles, ACountThatIsLeftOutOfTheStateIsNotToBeLookedAt) {
  for (const bool looks : {false, true}) {
    const Scenario scenario = Closed([looks](Toy& toy) {
      toy.other_.left_out = true;
      toy.With("a", [looks](Toy& world, Thread& thread) {
        for (;;) {
          thread.Mark("add");
          thread.May("add.go");
          const Unseen before = PerformUnseen({.op = Op::kAdd,
                                               .object = &world.other_,
                                               .site = "add",
                                               .number = 1});
          if (looks && Look(before) == 7) thread.Fail("seven");
        }
      });
    });
    Exploration exploration(scenario);
    const SearchResult result = exploration.Run({.states = 1000});
    EXPECT_EQ(result.complete, !looks);
    EXPECT_EQ(
        result.violation.find("left out of the state") != std::string::npos,
        looks)
        << result.violation;
  }
}

}  // namespace
}  // namespace netpoll::model
