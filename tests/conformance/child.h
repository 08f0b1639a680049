// SPDX-License-Identifier: Apache-2.0
//
// What a child of fork does, and how it ends: for tests of what a process owns.

#ifndef NETPOLL_TESTS_CONFORMANCE_CHILD_H_
#define NETPOLL_TESTS_CONFORMANCE_CHILD_H_

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <string>

#include "gtest/gtest.h"

namespace netpoll::conformance {

struct ChildEnd {
  int status = 0;    // Of waitpid.
  std::string said;  // On standard error.

  bool Exited(int code) const {
    return WIFEXITED(status) && WEXITSTATUS(status) == code;
  }
  bool Aborted() const {
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  }
};

// Calls `act` in a child, which then ends. One that hangs is ended.
inline ChildEnd InChild(const std::function<void()>& act) {
  constexpr unsigned kWatchdogSeconds = 60;
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kWatchdogSeconds);
    ::dup2(ends[1], STDERR_FILENO);
    act();
    ::_exit(0);
  }
  ::close(ends[1]);
  ChildEnd end;
  char buffer[512];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof(buffer))) > 0;) {
    end.said.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  ::waitpid(child, &end.status, 0);
  return end;
}

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_CHILD_H_
