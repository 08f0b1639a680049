// SPDX-License-Identifier: Apache-2.0
//
// Linked into every test: one that does not end says which it is, and where its
// threads are, and stops, before the test runner ends the program without a
// word.

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "gtest/gtest.h"
#include "netpoll/core/testing/limit.h"

#if defined(__linux__)
#include <dirent.h>
#include <sys/syscall.h>

namespace netpoll::tools {
namespace {

// A signal that no test uses, and none blocks. Not an alarm's: tests have those
// for themselves.
constexpr int kSignal = SIGXCPU;

// The test that runs, for the handler.
char running[256] = "no test";

void Say(const char* text, std::size_t size) {
  while (size > 0) {
    const ssize_t said = ::write(STDERR_FILENO, text, size);
    if (said <= 0) return;
    text += said;
    size -= static_cast<std::size_t>(said);
  }
}
void Say(const char* text) { Say(text, std::strlen(text)); }

// The first line of a file of the thread `id`.
void SayFile(const char* id, const char* name) {
  char path[64];
  std::snprintf(path, sizeof(path), "/proc/self/task/%s/%s", id, name);
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  char text[200];
  const ssize_t size = fd < 0 ? 0 : ::read(fd, text, sizeof(text));
  if (fd >= 0) ::close(fd);
  if (size <= 0) return Say("?");
  const char* const end = std::find(text, text + size, '\n');
  Say(text, static_cast<std::size_t>(end - text));
}

// In a signal's handler: nothing here allocates or locks.
void SayThreads() {
  const int folder = ::open("/proc/self/task", O_RDONLY | O_DIRECTORY);
  alignas(dirent64) char entries[4096];
  for (;;) {
    const long size =
        ::syscall(SYS_getdents64, folder, entries, sizeof(entries));
    if (size <= 0) break;
    for (long at = 0; at < size;) {
      const auto* const entry = reinterpret_cast<dirent64*>(entries + at);
      at += entry->d_reclen;
      if (entry->d_name[0] == '.') continue;
      Say("  thread ");
      Say(entry->d_name);
      Say(" (");
      SayFile(entry->d_name, "comm");
      if (std::atoi(entry->d_name) == ::gettid()) {
        Say("): tells this");
      } else {
        Say("): system call and arguments ");
        SayFile(entry->d_name, "syscall");
      }
      Say("\n");
    }
  }
  ::close(folder);
}

void HasNotEnded(int) {
  Say("watchdog: ");
  Say(running);
  Say(" has not ended; the test's time is nearly over\n");
  SayThreads();
  std::abort();
}

class LastWord : public ::testing::EmptyTestEventListener {
 public:
  LastWord() {
    using std::chrono::milliseconds;
    if (RunnersLimit().count() <= 0) return;
    struct sigaction action {};
    action.sa_handler = &HasNotEnded;
    ::sigaction(kSignal, &action, nullptr);
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = kSignal;
    timer_t timer;
    if (::timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return;
    const milliseconds left =
        TimeLeft(std::chrono::hours(24), std::chrono::seconds(3));
    itimerspec when{};
    when.it_value.tv_sec = left.count() / 1000;
    when.it_value.tv_nsec = left.count() % 1000 * 1'000'000;
    ::timer_settime(timer, 0, &when, nullptr);
  }

  void OnTestStart(const ::testing::TestInfo& test) override {
    std::snprintf(running, sizeof(running), "%s.%s", test.test_suite_name(),
                  test.name());
  }
  void OnTestEnd(const ::testing::TestInfo&) override {
    std::snprintf(running, sizeof(running), "what comes after the last test");
  }
};

[[maybe_unused]] const bool added = [] {
  ::testing::UnitTest::GetInstance()->listeners().Append(new LastWord);
  return true;
}();

}  // namespace
}  // namespace netpoll::tools
#endif
