// SPDX-License-Identifier: Apache-2.0
#include "netpoll/backends/posix/open_set.h"

#include <cerrno>
#include <cstdint>

#include "gtest/gtest.h"
#include "netpoll/core/event_key.h"

namespace netpoll {
namespace {

constexpr EventKey Key(std::uint32_t generation) {
  return EventKey::ForSlot(0, generation);
}
constexpr EventKey kNone = EventKey::FromBits(0);

TEST(OpenSet, ANumberIsInItOnce) {
  OpenSet set;
  EXPECT_EQ(set.Insert(3, Key(1)), 0);
  EXPECT_EQ(set.Insert(3, Key(2)), EEXIST);
  EXPECT_EQ(set.Find(3), Key(1));
  set.Erase(3, Key(1));
  EXPECT_EQ(set.Find(3), kNone);
  EXPECT_EQ(set.Insert(3, Key(2)), 0);
}

TEST(OpenSet, OnlyTheOwnKeyErases) {
  OpenSet set;
  EXPECT_EQ(set.Insert(0, Key(2)), 0);
  set.Erase(0, Key(1));
  EXPECT_EQ(set.Find(0), Key(2));
}

TEST(OpenSet, NumbersThatWereNeverInItAreNotFound) {
  OpenSet set;
  for (const int fd : {-1, 0, 63, 64, 1 << 30}) {
    EXPECT_EQ(set.Find(fd), kNone);
    set.Erase(fd, Key(1));
    set.Erase(fd, kNone);
  }
  EXPECT_EQ(set.Insert(-1, Key(1)), EBADF);
}

TEST(OpenSet, GrowingKeepsWhatIsInIt) {
  OpenSet set;
  for (int fd = 0; fd < 1000; ++fd) {
    ASSERT_EQ(set.Insert(fd, Key(static_cast<std::uint32_t>(fd) + 1)), 0);
  }
  EXPECT_EQ(set.Insert(100'000, Key(7)), 0);
  for (int fd = 0; fd < 1000; ++fd) {
    EXPECT_EQ(set.Find(fd), Key(static_cast<std::uint32_t>(fd) + 1));
  }
  EXPECT_EQ(set.Find(99'999), kNone);
}

}  // namespace
}  // namespace netpoll
