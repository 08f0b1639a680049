// SPDX-License-Identifier: Apache-2.0
//
// The system's side that is no system call.

#include "netpoll/backends/io_uring/io_uring_sys.h"

#include <cstdint>
#include <set>
#include <thread>

#include "gtest/gtest.h"

namespace netpoll {
namespace {

TEST(IoUringSysTest, AThreadIsNoneOfThoseThatHaveEnded) {
  constexpr int kThreads = 8;
  std::set<std::uint64_t> numbers = {IoUringSys::Thread()};
  for (int i = 0; i < kThreads; ++i) {
    std::uint64_t number = 0;
    std::thread([&number] { number = IoUringSys::Thread(); }).join();
    numbers.insert(number);
  }
  EXPECT_EQ(numbers.size(), kThreads + 1u);
  EXPECT_EQ(numbers.count(IoUringSys::Thread()), 1u);
}

}  // namespace
}  // namespace netpoll
