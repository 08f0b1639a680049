// SPDX-License-Identifier: Apache-2.0

#include "netpoll/backends/io_uring/registrations.h"

#include <cerrno>
#include <cstdint>

#include "gtest/gtest.h"
#include "netpoll/backends/io_uring/io_uring_events.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {
namespace {

EventKey Key(std::uint32_t index) { return EventKey::ForSlot(index, 1); }

class RegistrationsTest : public testing::Test {
 protected:
  // Descriptor 10 + `index`.
  Registration& Add(std::uint32_t index) {
    Registration* added = nullptr;
    EXPECT_EQ(all_.Add(10 + static_cast<Fd>(index), Key(index), &added), 0);
    return *added;
  }
  // Takes the next, which must be of `index`.
  RingReport Take(std::uint32_t index) {
    RingReport report{};
    Registration* const taken = all_.Take(&report);
    EXPECT_TRUE(taken != nullptr && taken->key == Key(index)) << index;
    return report;
  }
  void ExpectNone() {
    RingReport report{};
    EXPECT_EQ(all_.Take(&report), nullptr);
    EXPECT_EQ(all_.waiting(), 0u);
  }

  Registrations all_;
};

TEST_F(RegistrationsTest, ADescriptorAndASlotAreInUseOnce) {
  Registration& one = Add(1);
  Registration* added = nullptr;
  EXPECT_EQ(all_.Add(11, Key(2), &added), EEXIST) << "the descriptor";
  EXPECT_EQ(all_.Add(12, EventKey::ForSlot(1, 2), &added), EEXIST)
      << "the slot";
  EXPECT_EQ(all_.Find(Key(1)), &one);
  EXPECT_EQ(all_.Find(EventKey::ForSlot(1, 2)), nullptr) << "the whole key";
  EXPECT_EQ(all_.Find(Key(2)), nullptr);
  all_.Remove(one);
  EXPECT_EQ(all_.Find(Key(1)), nullptr);
  Add(1);
}

// Whatever waits for a Poll is told in one report, and in no later one.
TEST_F(RegistrationsTest, ReportsAddUpUntilTheyAreTaken) {
  Registration& one = Add(1);
  all_.Keep(one, {{Mode::kRead, {.error = true, .no_more_edges = true}},
                  /*unsure=*/true});
  all_.Keep(one, {{Mode::kWrite}});
  EXPECT_EQ(all_.waiting(), 1u);
  const RingReport first = Take(1);
  EXPECT_EQ(first.mode, Mode::kReadWrite);
  EXPECT_TRUE(first.flags.error);
  EXPECT_TRUE(first.flags.no_more_edges);
  EXPECT_TRUE(first.unsure);
  ExpectNone();
  all_.Keep(one, {{Mode::kWrite}});
  const RingReport second = Take(1);
  EXPECT_EQ(second.mode, Mode::kWrite);
  EXPECT_EQ(second.flags, EventFlags{});
  EXPECT_FALSE(second.unsure);
}

TEST_F(RegistrationsTest, WhoHasWaitedLongestIsTakenFirst) {
  for (std::uint32_t i = 0; i < 4; ++i) {
    all_.Keep(Add(i), {{Mode::kRead}});
  }
  all_.Keep(*all_.Find(Key(0)), {{Mode::kWrite}});  // Keeps its place.
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(all_.waiting(), 4u - i);
    Take(i);
  }
  ExpectNone();
}

// Of the first, of one in the middle, of the last, of the only one.
TEST_F(RegistrationsTest, WhatIsBeingClosedLeavesTheLine) {
  for (const std::uint32_t leaver : {0u, 1u, 2u}) {
    for (const bool retired : {true, false}) {
      for (std::uint32_t i = 0; i < 3; ++i) {
        all_.Keep(Add(i), {{Mode::kRead}});
      }
      Registration& one = *all_.Find(Key(leaver));
      if (retired) {
        all_.Retire(one);
        EXPECT_EQ(all_.Find(Key(leaver)), &one) << "it keeps its place";
        all_.Keep(one, {{Mode::kRead}});
      }
      EXPECT_EQ(all_.waiting(), retired ? 2u : 3u);
      all_.Remove(one);
      EXPECT_EQ(all_.waiting(), 2u);
      // Who comes last is last.
      all_.Keep(Add(3), {{Mode::kRead}});
      for (std::uint32_t i = 0; i < 4; ++i) {
        if (i == leaver) continue;
        Take(i);
        all_.Remove(*all_.Find(Key(i)));
      }
      ExpectNone();
    }
  }
}

}  // namespace
}  // namespace netpoll
