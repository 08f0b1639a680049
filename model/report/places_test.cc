// SPDX-License-Identifier: Apache-2.0
//
// What a story says of a line of the source is so, and what has no name of its
// own is called as that line calls it.

#include "netpoll/model/report/places.h"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/source.h"
#include "netpoll/model/report/story.h"

namespace netpoll::model {
namespace {

using ::testing::HasSubstr;

TEST(Places, PlainFieldsAreCalledAsTheSourceCallsThem) {
  std::set<std::string> families;
  int fields = 0;
  for (const Scenario& scenario : FindVariant("shipped")->scenarios) {
    if (!families.insert(scenario.family).second) continue;
    const Story first = Tell("shipped", scenario, {});
    for (std::size_t thread = 0; thread < first.threads.size(); ++thread) {
      // Alone, until it has ended or must wait.
      const Choice choice{static_cast<std::uint8_t>(thread), 0};
      const Story story =
          Tell("shipped", scenario, std::vector<Choice>(200, choice));
      for (const Moment& moment : story.moments) {
        EXPECT_FALSE(moment.object.starts_with(kField))
            << scenario.name << " " << moment.place << " " << moment.object;
        if (moment.site != kField) continue;
        ++fields;
        const std::string name =
            moment.object.substr(0, moment.object.find('#'));
        EXPECT_TRUE(moment.place.find(".h:") != std::string::npos ||
                    moment.place.find(".cc:") != std::string::npos)
            << moment.place;
        EXPECT_FALSE(LineAt(moment.place).empty()) << moment.place;
        EXPECT_FALSE(name.empty()) << moment.place;
      }
    }
  }
  EXPECT_GT(fields, 100);
}

TEST(Places, AFieldHasItsNameFromItsLine) {
  const auto named = [](const char* line, Op op) {
    for (const SourceLine& known : SourceLines()) {
      if (std::string_view(known.line) == line) {
        return FieldAt(known.place, op);
      }
    }
    return std::string("no such line");
  };
  EXPECT_EQ(named("first_free_.Set(slot->index());", Op::kSet), "first_free");
  EXPECT_EQ(named("slot->set_next_free(first_free_.Get());", Op::kGet),
            "first_free");
  EXPECT_EQ(
      named("(last == nullptr ? first_ : last->behind).Set(item);", Op::kSet),
      "first or behind");
  EXPECT_EQ(FieldAt("core/nowhere.h:1", Op::kGet), "");
}

// Two fields in one line have no name: there they are written in two.
TEST(Places, EachLineOfWhatShipsNamesOneField) {
  int lines = 0;
  for (const SourceLine& known : SourceLines()) {
    const std::string_view place(known.place);
    if (!place.starts_with("core/") && !place.starts_with("runtime/")) continue;
    const std::string_view line(known.line);
    for (const auto& [op, call] :
         {std::pair{Op::kGet, "Get("}, {Op::kSet, "Set("}}) {
      const bool field = line.find(std::string(".") + call) != line.npos ||
                         line.find(std::string("->") + call) != line.npos;
      if (!field) continue;
      ++lines;
      EXPECT_NE(FieldAt(place, op), "") << place << ": " << line;
    }
  }
  EXPECT_GT(lines, 100);
}

TEST(Places, AnAccessIsWhereItIsAndNotWhereItsSiteIsWrittenFirst) {
  const Scenario* const scenario =
      FindScenario(*FindVariant("shipped"), "read-close");
  const Story story = Tell("shipped", *scenario, std::vector<Choice>(4));
  std::set<std::string> places;
  for (const Moment& moment : story.moments) {
    if (moment.site != "check.status") continue;
    EXPECT_THAT(std::string(LineAt(moment.place)), HasSubstr("check.status"));
    places.insert(moment.place);
  }
  EXPECT_EQ(places.size(), 2u);
}

}  // namespace
}  // namespace netpoll::model
