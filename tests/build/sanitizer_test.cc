// SPDX-License-Identifier: Apache-2.0
// The sanitizers themselves: under --config=asan, tsan, ubsan or asan_ubsan a
// fault must stop the process. Without one of them there is nothing to show.
#include <cstdlib>
#include <limits>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace netpoll {
namespace {

// Whether this test was built with it, says .bazelrc.
bool BuiltWith(const std::string& sanitizer) {
  const char* const names = std::getenv("NETPOLL_SANITIZER");
  if (names == nullptr) return false;
  return ("_" + std::string(names) + "_").find("_" + sanitizer + "_") !=
         std::string::npos;
}

void ReadAfterFree() {
  int* const cell = new int(1);
  int* volatile alias = cell;  // Hides the fault from the compiler's warnings.
  delete cell;
  std::exit(*alias == 12345 ? 3 : 4);
}

void LeakAndExit() {
  static int* volatile leak = nullptr;
  leak = new int[16];
  if (leak != nullptr) leak = nullptr;
  std::exit(0);
}

void Race() {
  int shared = 0;
  std::thread other([&shared] {
    for (int i = 0; i < 100000; ++i) shared += i & 1;
  });
  for (int i = 0; i < 100000; ++i) shared += i & 1;
  other.join();
  std::exit(shared == -1 ? 3 : 0);
}

void Overflow() {
  volatile int big = std::numeric_limits<int>::max();
  big = big + 1;
  std::exit(0);
}

TEST(Sanitizer, StopsAtAUseAfterFree) {
  if (!BuiltWith("asan")) GTEST_SKIP();
  EXPECT_DEATH(ReadAfterFree(), "heap-use-after-free");
}

TEST(Sanitizer, ReportsALeak) {
  if (!BuiltWith("asan")) GTEST_SKIP();
  EXPECT_DEATH(LeakAndExit(), "detected memory leaks");
}

TEST(Sanitizer, StopsAtADataRace) {
  if (!BuiltWith("tsan")) GTEST_SKIP();
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(Race(), "data race");
}

TEST(Sanitizer, StopsAtASignedOverflow) {
  if (!BuiltWith("ubsan")) GTEST_SKIP();
  EXPECT_DEATH(Overflow(), "signed integer overflow");
}

}  // namespace
}  // namespace netpoll
