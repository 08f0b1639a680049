// SPDX-License-Identifier: Apache-2.0
//
// An array that grows, with memory and without.

#include "netpoll/core/growable.h"

#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"

// Where a sanitizer has the allocator, it too answers instead of stopping.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}
extern "C" const char* __tsan_default_options() {
  return "allocator_may_return_null=1";
}

namespace netpoll {
namespace {

TEST(GrowableTest, NewElementsAreZeroAndOldOnesStay) {
  Growable<int> array;
  ASSERT_TRUE(array.Reserve(1));
  const std::size_t first = array.capacity();
  for (std::size_t i = 0; i < first; ++i) array[i] = 7;
  ASSERT_TRUE(array.Reserve(first + 1));
  for (std::size_t i = 0; i < array.capacity(); ++i) {
    ASSERT_EQ(array[i], i < first ? 7 : 0) << i;
  }
}

TEST(GrowableTest, WithoutMemoryNothingChanges) {
  Growable<std::int64_t> array;
  ASSERT_TRUE(array.Reserve(1));
  array[0] = 7;
  const std::int64_t* const data = array.data();
  const std::size_t capacity = array.capacity();
  // More than a number of bytes can say, and more than there is.
  for (const std::size_t wanted :
       {SIZE_MAX, SIZE_MAX / sizeof(std::int64_t) / 4}) {
    EXPECT_FALSE(array.Reserve(wanted)) << wanted;
    EXPECT_EQ(array.data(), data);
    EXPECT_EQ(array.capacity(), capacity);
    EXPECT_EQ(array[0], 7);
  }
  EXPECT_TRUE(array.Reserve(capacity + 1)) << "there is some again";
}

}  // namespace
}  // namespace netpoll
