// SPDX-License-Identifier: Apache-2.0
//
// A test that hangs is named, with its threads, before its time is over.

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

using ::testing::HasSubstr;

// Run by the other, in a process of its own.
TEST(LastWord, DISABLED_Hangs) {
  std::thread([] {
    ::prctl(PR_SET_NAME, "asleep");
    for (;;) ::pause();
  }).join();
}

TEST(LastWord, ATestThatHangsIsNamedBeforeItsTimeIsOver) {
  char self[4096];
  const ssize_t size = ::readlink("/proc/self/exe", self, sizeof(self));
  ASSERT_GT(size, 0);
  const std::string command =
      "exec env -u TEST_SHARD_INDEX -u TEST_TOTAL_SHARDS TEST_TIMEOUT=4 " +
      std::string(self, static_cast<std::size_t>(size)) +
      " --gtest_also_run_disabled_tests --gtest_filter=*Hangs 2>&1";
  std::FILE* const output = ::popen(command.c_str(), "r");
  ASSERT_NE(output, nullptr);
  std::string said;
  std::array<char, 4096> part;
  while (const std::size_t got =
             std::fread(part.data(), 1, part.size(), output)) {
    said.append(part.data(), got);
  }
  const int status = ::pclose(output);
  EXPECT_TRUE(WIFSIGNALED(status) ||
              (WIFEXITED(status) && WEXITSTATUS(status) != 0))
      << status;
  EXPECT_THAT(said, HasSubstr("watchdog: LastWord.DISABLED_Hangs has not"));
  EXPECT_THAT(said, HasSubstr(" (asleep): system call and arguments 34 "))
      << "pause(2)";
}

}  // namespace
