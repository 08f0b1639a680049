// SPDX-License-Identifier: Apache-2.0
//
// The explorer on worlds small enough to check by hand, and on worlds that lie.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/engine/congruence.h"
#include "netpoll/model/engine/full_search.h"
#include "netpoll/model/engine/fuzz.h"
#include "netpoll/model/engine/view.h"

namespace netpoll::model {
namespace {

using Int = ObjectOf<int>;

std::optional<int> Read(int& value, std::int64_t) { return value; }
std::optional<int> Write(int& value, std::int64_t to) {
  value = static_cast<int>(to);
  return 0;
}
std::optional<int> Increment(int& value, std::int64_t) {
  ++value;
  return 0;
}

// Two threads add one each; by a read and a write, or in one step.
class Counter : public World {
 public:
  explicit Counter(bool atomic) : count_(0) {
    count_.name = "count";
    for (const char* name : {"a", "b"}) {
      AddThread(name, [=, this](Thread&) {
        if (atomic) {
          Thread::Call("add", count_, Increment);
        } else {
          const int value = Thread::Call("read", count_, Read);
          Thread::Call("write", count_, Write, value + 1);
        }
      });
    }
    Settle();
  }
  const char* AtRest(const View& view) override {
    return view.Of(count_) == 2 ? nullptr : "an addition was lost";
  }

 private:
  Int count_;
};

Scenario CounterScenario(bool atomic) {
  return {"counter", "", false,
          [=] { return std::unique_ptr<World>(new Counter(atomic)); }};
}

// What the schedule breaks, if it can be taken at all.
std::string Broken(Exploration& exploration,
                   const std::vector<Choice>& schedule) {
  std::string broken;
  exploration.WithTables([&](Tabulator& tables) {
    broken = WithRoom(tables, [&](int width) -> std::string {
      Stepper stepper(tables, width);
      std::vector<Value> state = stepper.Initial();
      std::vector<Value> next(state);
      for (const Choice choice : schedule) {
        if (!stepper.Take(state.data(), choice.thread, choice.branch,
                          next.data())) {
          return "cannot be taken";
        }
        state = next;
      }
      if (stepper.Rests(state.data())) stepper.CheckRest(state.data());
      return stepper.violation();
    });
  });
  return broken;
}

int Switches(const std::vector<Choice>& schedule) {
  int switches = 0;
  for (std::size_t i = 1; i < schedule.size(); ++i) {
    if (schedule[i].thread != schedule[i - 1].thread) ++switches;
  }
  return switches;
}

TEST(Search, FindsALostAdditionByAShortestSchedule) {
  const Scenario scenario = CounterScenario(false);
  Exploration exploration(scenario);
  const SearchResult result = exploration.Run();
  EXPECT_EQ(result.violation, "an addition was lost");
  EXPECT_EQ(result.schedule.size(), 4u);
  const auto schedule = FewestSwitches(exploration.tables(), result);
  EXPECT_EQ(Broken(exploration, schedule), result.violation);
  EXPECT_EQ(Switches(schedule), 2);
}

// One thread breaks a law in its second step; the other comes to many objects.
class BreaksBesideMany : public World {
 public:
  BreaksBesideMany() : count_(0) {
    AddThread("breaks", [this](Thread& thread) {
      for (int i = 0; i < 2; ++i) Thread::Call("add", count_, Increment);
      thread.Fail("it broke");
    });
    AddThread("walks", [this](Thread&) {
      for (Int& object : many_) Thread::Call("walk", object, Increment);
    });
    Settle();
  }

 private:
  Int count_;
  Int many_[16] = {Int(0), Int(0), Int(0), Int(0), Int(0), Int(0),
                   Int(0), Int(0), Int(0), Int(0), Int(0), Int(0),
                   Int(0), Int(0), Int(0), Int(0)};
};

// The search ends where the law breaks, so it has seen few of the objects that
// other threads come to within as many steps.
TEST(Search, TheFewestSwitchesAreFoundAlsoAmongObjectsNotSeenBefore) {
  const Scenario scenario = {
      "beside-many", "", false,
      [] { return std::unique_ptr<World>(new BreaksBesideMany); }};
  Exploration exploration(scenario);
  const SearchResult result = exploration.Run();
  ASSERT_EQ(result.violation, "it broke");
  const auto schedule = FewestSwitches(exploration.tables(), result);
  EXPECT_EQ(Broken(exploration, schedule), result.violation);
  EXPECT_EQ(Switches(schedule), 0);
}

TEST(Search, CountsWhatCanBeCountedByHand) {
  const Scenario scenario = CounterScenario(true);
  Exploration exploration(scenario);
  const SearchResult first = exploration.Run();
  EXPECT_TRUE(first.complete);
  EXPECT_EQ(first.states, 4u);
  EXPECT_EQ(first.transitions, 4u);
  EXPECT_EQ(first.depth, 2);
  const FullResult full = FullSearch(exploration.tables(), {});
  EXPECT_EQ(full.states, 4u);
  EXPECT_EQ(full.transitions, 4u);
}

// A thread that gives up after its third look, and declares that it carries
// nothing from one look to the next.
class Liar : public World {
 public:
  Liar() : flag_(0) {
    AddThread("looker", [this](Thread& thread) {
      for (int looks = 0; looks < 3; ++looks) {
        thread.Mark("look");
        if (Thread::Call("look", flag_, Read) != 0) return;
      }
      Thread::Call("gave up", flag_, Write, 2);
    });
    AddThread("writer",
              [this](Thread&) { Thread::Call("write", flag_, Write, 1); });
    Settle();
  }

 private:
  Int flag_;
};

TEST(Congruence, FindsAFalseDeclaration) {
  const Scenario scenario{"liar", "", false,
                          [] { return std::unique_ptr<World>(new Liar); }};
  Exploration exploration(scenario);
  const SearchResult result = exploration.Run();
  EXPECT_EQ(result.violation, "") << "the search alone does not see it";
  const CongruenceResult congruence = CheckCongruence(exploration, 200, 1);
  EXPECT_GT(congruence.differences, 0u);
}

// Two locks in both orders.
class Locks : public World {
 public:
  Locks() : a_(0), b_(0) {
    a_.lock_number = NewLockNumber();
    b_.lock_number = NewLockNumber();
    const auto both = [](Object& first, Object& second) {
      Perform({.op = Op::kAcquire, .object = &first, .site = "first"});
      Perform({.op = Op::kAcquire, .object = &second, .site = "second"});
      Perform({.op = Op::kRelease, .object = &second, .site = "second"});
      Perform({.op = Op::kRelease, .object = &first, .site = "first"});
    };
    AddThread("ab", [=, this](Thread&) { both(a_, b_); });
    AddThread("ba", [=, this](Thread&) { both(b_, a_); });
    Settle();
  }

 private:
  Int a_;
  Int b_;
};

TEST(Search, FindsADeadlock) {
  const Scenario scenario{"locks", "", false,
                          [] { return std::unique_ptr<World>(new Locks); }};
  Exploration exploration(scenario);
  EXPECT_EQ(exploration.Run().violation.rfind("deadlock: ", 0), 0u);
}

class Unbuilt : public World {
 public:
  Unbuilt() { StopProgram("it may not be built"); }
};

TEST(Search, TellsOfARuleThatWasBrokenWhileTheWorldWasBuilt) {
  const Scenario scenario{"unbuilt", "", false,
                          [] { return std::unique_ptr<World>(new Unbuilt); }};
  Exploration exploration(scenario);
  EXPECT_EQ(exploration.Run().violation, "misuse: it may not be built");
  EXPECT_EQ(World::Current(), nullptr);
}

TEST(Fuzz, BytesFindTheLostAddition) {
  const Scenario scenario = CounterScenario(false);
  ScheduleFuzzer fuzzer(scenario);
  const std::uint8_t alternate[] = {2, 3, 2, 3};
  const FuzzRun run = fuzzer.Run(alternate, sizeof alternate);
  EXPECT_EQ(run.violation, "an addition was lost");
  const std::uint8_t stay[] = {2, 0, 0, 0};
  EXPECT_EQ(fuzzer.Run(stay, sizeof stay).violation, "");
}

}  // namespace
}  // namespace netpoll::model
