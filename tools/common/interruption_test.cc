// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/common/interruption.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <mutex>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpoll::tools {
namespace {

using Clock = std::chrono::steady_clock;

// A process of its own that runs `body`: how it ends, after `signal`, which is
// sent when it says on the pipe that it is ready; and what it said on standard
// error.
struct Ended {
  int status = 0;
  std::string said;
  std::chrono::duration<double> seconds{};
};
Ended EndOf(int signal, const std::function<void(int ready)>& body) {
  int ready[2];
  int errors[2];
  EXPECT_EQ(::pipe(ready), 0);
  EXPECT_EQ(::pipe(errors), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(errors[1], STDERR_FILENO);
    ::close(errors[0]);
    ::close(errors[1]);
    body(ready[1]);
    ::_exit(0);
  }
  ::close(ready[1]);
  ::close(errors[1]);
  char one = 0;
  EXPECT_EQ(::read(ready[0], &one, 1), 1);
  const auto start = Clock::now();
  if (signal != 0) ::kill(child, signal);
  Ended ended;
  char buffer[512];
  for (ssize_t got; (got = ::read(errors[0], buffer, sizeof buffer)) > 0;) {
    ended.said.append(buffer, static_cast<std::size_t>(got));
  }
  EXPECT_EQ(::waitpid(child, &ended.status, 0), child);
  ended.seconds = Clock::now() - start;
  ::close(ready[0]);
  ::close(errors[0]);
  return ended;
}

void Ready(int fd) { ASSERT_EQ(::write(fd, "x", 1), 1); }

TEST(Interruption, EndsWithAStatusAndASentence) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const Ended ended = EndOf(signal, [](int ready) {
      const Interruption interruption([] { return "3 of 9 done"; });
      Ready(ready);
      for (;;) ::pause();
    });
    ASSERT_TRUE(WIFEXITED(ended.status));
    EXPECT_EQ(WEXITSTATUS(ended.status), 128 + signal);
    EXPECT_THAT(ended.said, ::testing::MatchesRegex(
                                "netpoll: interrupted after [0-9.]+ s: 3 of 9 "
                                "done\n"));
  }
}

TEST(Interruption, EndsAlthoughTheSummaryDoesNotCome) {
  const Ended ended = EndOf(SIGINT, [](int ready) {
    std::mutex held;
    held.lock();
    const Interruption interruption([&] {
      held.lock();
      return std::string();
    });
    Ready(ready);
    for (;;) ::pause();
  });
  ASSERT_TRUE(WIFEXITED(ended.status));
  EXPECT_EQ(WEXITSTATUS(ended.status), 130);
  EXPECT_LT(ended.seconds.count(), 3);
}

TEST(Interruption, EndsChildrenThatWereForkedMeanwhile) {
  const Ended ended = EndOf(SIGINT, [](int ready) {
    const Interruption interruption([] { return "done"; });
    // Has standard error open; whoever reads it waits for its end.
    if (::fork() == 0) {
      for (;;) ::pause();
    }
    Ready(ready);
    for (;;) ::pause();
  });
  EXPECT_EQ(WEXITSTATUS(ended.status), 130);
}

TEST(Interruption, LeavesSignalsAsTheyWere) {
  const Ended ended = EndOf(SIGINT, [](int ready) {
    for (int i = 0; i < 3; ++i) {
      const Interruption interruption([] { return "not any more"; });
    }
    Ready(ready);
    for (;;) ::pause();
  });
  ASSERT_TRUE(WIFSIGNALED(ended.status));
  EXPECT_EQ(WTERMSIG(ended.status), SIGINT);
  EXPECT_EQ(ended.said, "");
}

}  // namespace
}  // namespace netpoll::tools
