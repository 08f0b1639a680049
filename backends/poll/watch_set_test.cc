// SPDX-License-Identifier: Apache-2.0
#include "netpoll/backends/poll/watch_set.h"

#include <poll.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/poll/poll_events.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {
namespace {

EventKey Key(std::uint32_t number) { return EventKey::ForSlot(number, 1); }

// What poll(2) would be asked: events by descriptor.
std::map<Fd, short> Asked(WatchSet& set) {
  std::vector<pollfd> all(set.size());
  set.CopyTo(all.data());
  std::map<Fd, short> asked;
  for (const pollfd& one : all) asked[one.fd] = one.events;
  EXPECT_EQ(asked.size(), all.size()) << "a descriptor is asked about twice";
  return asked;
}

using Asking = std::map<Fd, short>;
constexpr short kRead = PollInterest(Mode::kRead);
constexpr short kWrite = PollInterest(Mode::kWrite);
constexpr short kBoth = PollInterest(Mode::kReadWrite);

// Every answer that poll(2) can give makes something ready, so it disarms
// something: none can come back for ever.
TEST(PollEvents, EveryAnswerDisarmsSomethingThatWasAskedFor) {
  for (const Mode asked : {Mode::kRead, Mode::kWrite, Mode::kReadWrite}) {
    const int may_come = PollInterest(asked) | POLLHUP | POLLERR | POLLNVAL;
    for (int bits = 1; bits <= 0x7fff; ++bits) {
      if ((bits & ~may_come) != 0) continue;
      const EventReport report = DecodePoll(static_cast<short>(bits));
      EXPECT_TRUE(Has(asked, report.mode)) << bits;
    }
  }
}

TEST(PollEvents, AnAnswerOutOfTheBlueLetsBothDirectionsTry) {
  EXPECT_EQ(DecodePoll(POLLPRI).mode, Mode::kReadWrite);
  EXPECT_EQ(DecodePoll(0x4000).mode, Mode::kReadWrite);
}

TEST(WatchSet, WhatIsNotArmedIsNotAskedAbout) {
  WatchSet set;
  EXPECT_EQ(set.Add(5, Key(1)), 0);
  EXPECT_EQ(set.registered(), 1u);
  EXPECT_EQ(set.size(), 0u);
  EXPECT_TRUE(set.Arm(5, Key(1), Mode::kRead));
  EXPECT_EQ(Asked(set), (Asking{{5, kRead}}));
}

TEST(WatchSet, ADescriptorIsRegisteredOnce) {
  WatchSet set;
  EXPECT_EQ(set.Add(5, Key(1)), 0);
  EXPECT_EQ(set.Add(5, Key(2)), EEXIST);
  EXPECT_EQ(set.Add(-1, Key(3)), EBADF);
  EXPECT_EQ(set.registered(), 1u);
  EXPECT_TRUE(set.Arm(5, Key(1), Mode::kRead)) << "the first one stays";
}

TEST(WatchSet, ArmingWhatIsArmedChangesNothing) {
  WatchSet set;
  set.Add(5, Key(1));
  EXPECT_TRUE(set.Arm(5, Key(1), Mode::kRead));
  EXPECT_FALSE(set.Arm(5, Key(1), Mode::kRead));
  EXPECT_TRUE(set.Arm(5, Key(1), Mode::kWrite));
  EXPECT_FALSE(set.Arm(5, Key(1), Mode::kWrite));
  EXPECT_EQ(Asked(set), (Asking{{5, kBoth}}));
}

TEST(WatchSet, TheWholeKeyIsCompared) {
  WatchSet set;
  const EventKey key = EventKey::ForSlot(EventKey::kMaxIndex, 0xffff'ffffu);
  set.Add(5, key);
  for (int bit = 0; bit < 64; ++bit) {
    const auto other =
        EventKey::FromBits(key.bits() ^ (std::uint64_t{1} << bit));
    EXPECT_FALSE(set.Arm(5, other, Mode::kRead));
    EXPECT_EQ(set.Remove(5, other), WatchSet::Removed::kUnknown);
  }
  EXPECT_TRUE(set.Arm(5, key, Mode::kRead));
}

TEST(WatchSet, NothingIsKnownOfOtherDescriptors) {
  WatchSet set;
  set.Add(5, Key(1));
  for (const Fd fd : {-1, 0, 4, 6, 100000}) {
    EXPECT_FALSE(set.Arm(fd, Key(1), Mode::kRead)) << fd;
    EXPECT_FALSE(set.Arm(fd, EventKey::FromBits(0), Mode::kRead)) << fd;
    EXPECT_EQ(set.Remove(fd, Key(1)), WatchSet::Removed::kUnknown) << fd;
  }
}

TEST(WatchSet, ArmingAfterRemovingDoesNothing) {
  WatchSet set;
  set.Add(5, Key(1));
  EXPECT_EQ(set.Remove(5, Key(1)), WatchSet::Removed::kIdle);
  EXPECT_FALSE(set.Arm(5, Key(1), Mode::kRead));
  EXPECT_EQ(set.Add(5, Key(2)), 0);
  EXPECT_FALSE(set.Arm(5, Key(1), Mode::kRead));
  EXPECT_EQ(set.size(), 0u);
}

TEST(WatchSet, AReportDisarmsItsDirectionsOnly) {
  WatchSet set;
  set.Add(5, Key(1));
  set.Arm(5, Key(1), Mode::kRead);
  set.Arm(5, Key(1), Mode::kWrite);
  EXPECT_EQ(set.Report(5, Mode::kRead), Key(1));
  EXPECT_EQ(Asked(set), (Asking{{5, kWrite}}));
  EXPECT_EQ(set.Report(5, Mode::kReadWrite), Key(1));
  EXPECT_TRUE(Asked(set).empty());
  EXPECT_FALSE(set.Report(5, Mode::kRead).has_value());
}

TEST(WatchSet, NothingIsReportedOfWhatWasRemoved) {
  WatchSet set;
  set.Add(5, Key(1));
  set.Arm(5, Key(1), Mode::kRead);
  EXPECT_EQ(set.Remove(5, Key(1)), WatchSet::Removed::kArmed);
  EXPECT_FALSE(set.Report(5, Mode::kRead).has_value());
}

// Whichever goes, the one that moves into its place is still found.
TEST(WatchSet, TheOneThatMovesIntoAGapIsStillFound) {
  constexpr int kMany = 5;
  for (int gone = 0; gone < kMany; ++gone) {
    for (const bool report : {false, true}) {
      WatchSet set;
      Asking expected;
      for (int fd = 0; fd < kMany; ++fd) {
        set.Add(fd, Key(fd));
        set.Arm(fd, Key(fd), Mode::kRead);
        if (fd != gone) expected[fd] = kBoth;
      }
      if (report) {
        EXPECT_EQ(set.Report(gone, Mode::kRead), Key(gone));
      } else {
        EXPECT_EQ(set.Remove(gone, Key(gone)), WatchSet::Removed::kArmed);
      }
      for (const auto& [fd, events] : expected) {
        EXPECT_TRUE(set.Arm(fd, Key(fd), Mode::kWrite));
      }
      EXPECT_EQ(Asked(set), expected);
    }
  }
}

// Against a map, in a fixed order that mixes everything.
TEST(WatchSet, AnySequenceAgreesWithAMap) {
  constexpr Fd kFds = 40;
  WatchSet set;
  Asking expected;
  std::map<Fd, EventKey> keys;
  std::uint32_t random = 12345;
  for (std::uint32_t step = 0; step < 20000; ++step) {
    random = random * 1664525 + 1013904223;
    const Fd fd = static_cast<Fd>((random >> 8) % kFds);
    const Mode direction = (random >> 20) % 2 ? Mode::kRead : Mode::kWrite;
    const auto known = keys.find(fd);
    const EventKey key = known == keys.end() ? Key(step) : known->second;
    switch ((random >> 24) % 4) {
      case 0:
        EXPECT_EQ(set.Add(fd, key), known == keys.end() ? 0 : EEXIST);
        keys.emplace(fd, key);
        break;
      case 1:
        set.Arm(fd, key, direction);
        if (known != keys.end()) {
          expected[fd] |= PollInterest(direction);
        }
        break;
      case 2:
        if (expected.count(fd) == 0) break;
        EXPECT_EQ(set.Report(fd, direction), key);
        expected[fd] &= static_cast<short>(~PollInterest(direction));
        if (expected[fd] == 0) expected.erase(fd);
        break;
      default:
        set.Remove(fd, key);
        expected.erase(fd);
        keys.erase(fd);
    }
    ASSERT_EQ(Asked(set), expected) << step;
    ASSERT_EQ(set.registered(), keys.size()) << step;
  }
}

}  // namespace
}  // namespace netpoll
