// SPDX-License-Identifier: Apache-2.0
//
// What a waker writes is the woken task's to read, without a race: a plain
// field that whoever takes the waiter writes before it makes the task runnable.

#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "netpoll/model/engine/explore.h"
#include "netpoll/model/scenarios/descriptor_world.h"

namespace netpoll::model {
namespace {

SearchResult Explore(Cast cast) {
  cast.payload = true;
  Scenario scenario;
  scenario.name = "payload";
  scenario.make = [cast] { return std::make_unique<DescriptorWorld>(cast); };
  Exploration exploration(scenario);
  return exploration.Run();
}

const Cast kCasts[] = {
    {.read_rounds = 2, .read_edges = 2},
    {.read_rounds = 1,
     .read_edges = 1,
     .setters = {{{Mode::kRead, Deadline::Past()},
                  {Mode::kRead, Deadline::None()}}}},
    {.read_rounds = 1,
     .setters = {{{Mode::kRead, Deadline::At(5)}}},
     .times = {5},
     .closers = 1},
    {.read_rounds = 1, .write_rounds = 1, .both_edges = 1, .closers = 1},
};

TEST(Payload, IsReadWithoutARace) {
  for (const Cast& cast : kCasts) {
    const auto result = Explore(cast);
    EXPECT_TRUE(result.complete);
    EXPECT_EQ(result.violation, "");
  }
}

TEST(Payload, WrittenTooLateIsARace) {
  for (Cast cast : kCasts) {
    cast.payload_late = true;
    const auto result = Explore(cast);
    const bool found = result.violation.starts_with("race: ") ||
                       result.violation.starts_with("I1: ");
    EXPECT_TRUE(found) << result.violation;
  }
}

}  // namespace
}  // namespace netpoll::model
