// SPDX-License-Identifier: Apache-2.0
//
// However the code under test ends the program, or does not go on, that is a
// law with a schedule that leads there, and the explorer goes on.

#include "netpoll/model/engine/crash.h"

#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/world.h"
#include "netpoll/model/report/check.h"

namespace netpoll::model {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

volatile bool always = true;

int Deeper(volatile int* above) {
  volatile int here[1024];
  here[0] = *above + 1;
  return always ? Deeper(here) + here[0] : here[0];
}

// A thread ends the program, but only after it has seen what the other told.
class EndsWorld : public World {
 public:
  explicit EndsWorld(std::function<void()> end) : told_(0) {
    told_.name = "told";
    AddThread("ends", [this, end](Thread&) {
      if (Thread::Call("ends.look", told_, Get) != 0) end();
    });
    AddThread("tells", [this](Thread& thread) {
      thread.May("tells.go");
      Thread::Call("tells.tell", told_, Set);
    });
    Settle();
  }

 private:
  static std::optional<int> Get(int& value, std::int64_t) { return value; }
  static std::optional<int> Set(int& value, std::int64_t) {
    value = 1;
    return 0;
  }
  ObjectOf<int> told_;
};

struct Way {
  const char* name;
  std::function<void()> end;
  const char* law;
};

class Crash : public ::testing::TestWithParam<Way> {};

TEST_P(Crash, IsALawWithASchedule) {
  CatchCrashes();
  const Scenario scenario{
      .name = "ends", .about = "a program that ends", .make = [] {
        return std::unique_ptr<World>(new EndsWorld(GetParam().end));
      }};
  const Verdict verdict = Check("shipped", scenario);
  EXPECT_FALSE(verdict.ok());
  EXPECT_THAT(verdict.violation, StartsWith("crash: "));
  EXPECT_THAT(verdict.violation, HasSubstr(GetParam().law));
  EXPECT_EQ(verdict.story.schedule.size(), 3u);
  const std::string sentence = Diagnose(verdict.story).sentence;
  EXPECT_THAT(sentence, HasSubstr("ends came to step 3 (ends.look"));
  EXPECT_THAT(sentence, HasSubstr("crashed before its next access"));
}

INSTANTIATE_TEST_SUITE_P(
    However, Crash,
    ::testing::Values(Way{"abort", [] { std::abort(); }, "stopped itself"},
                      Way{"memory",
                          [] { *reinterpret_cast<volatile int*>(8) = 1; },
                          "as a task that is none"},
                      Way{"depth",
                          [] {
                            volatile int begin = 0;
                            (void)Deeper(&begin);
                          },
                          "as a task that is none"},
                      Way{"exception", [] { throw std::logic_error("it"); },
                          "an exception left the code"},
                      Way{"no_memory",
                          [] {
                            std::vector<char> all;
                            all.reserve(always ? all.max_size() : 0);
                          },
                          "no memory left"},
                      Way{"for_ever",
                          [] {
                            while (always) {
                            }
                          },
                          "goes round for ever between two accesses"}),
    [](const ::testing::TestParamInfo<Way>& way) { return way.param.name; });

// Nobody is left who could be told of a schedule, but for the builder.
TEST(Crash, WhileTheWorldIsBuiltIsOneToo) {
  CatchCrashes();
  const Scenario scenario{
      .name = "unbuilt", .about = "", .make = []() -> std::unique_ptr<World> {
        std::abort();
      }};
  const Verdict verdict = Check("shipped", scenario);
  EXPECT_THAT(verdict.violation, HasSubstr("stopped itself"));
  EXPECT_THAT(Diagnose(verdict.story).sentence, HasSubstr("builder"));
}

// The C library may hold its lock there, which nobody would give back.
TEST(Crash, TimeWithinALibraryIsNoLoop) {
  CatchCrashes();
  std::vector<char> room(64 << 20);
  const auto busy = [&] {
    const std::clock_t end = std::clock() + 4 * CLOCKS_PER_SEC / 5;
    for (char fill = 0; std::clock() < end; ++fill) {
      std::memset(room.data(), fill, room.size());
    }
  };
  EXPECT_EQ(CrashOf(busy), nullptr);
}

}  // namespace
}  // namespace netpoll::model
