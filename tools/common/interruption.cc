// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/common/interruption.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <utility>

#include "netpoll/tools/common/progress_line.h"

namespace netpoll::tools {
namespace {

// What a shell says of a program that a signal has ended.
constexpr int kStatusOfSignals = 128;
// For whoever summarises; the rest of a second is for whoever looks.
constexpr timeval kPatience{.tv_sec = 0, .tv_usec = 700'000};

std::atomic<bool> alive{false};
std::atomic<int> status{kStatusOfSignals};

sigset_t Wanted() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

// In a child of fork, which has none of the threads.
void LeaveToTheSystem() {
  if (!alive.load()) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const sigset_t wanted = Wanted();
  ::pthread_sigmask(SIG_UNBLOCK, &wanted, nullptr);
}

void EndAnyway(int) { ::_exit(status.load()); }

}  // namespace

Interruption::Interruption(std::function<std::string()> done)
    : done_(std::move(done)) {
  [[maybe_unused]] static const int once =
      ::pthread_atfork(nullptr, nullptr, &LeaveToTheSystem);
  const sigset_t wanted = Wanted();
  ::pthread_sigmask(SIG_BLOCK, &wanted, &before_);
  alive.store(true);
  thread_ = std::thread([this] { Wait(); });
}

Interruption::~Interruption() {
  alive.store(false);
  // The thread's alone: no signal of the process.
  ::pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Interruption::Wait() {
  const sigset_t wanted = Wanted();
  int signal = 0;
  while (::sigwait(&wanted, &signal) != 0) {
  }
  if (alive.load()) End(signal);
}

void Interruption::End(int signal) {
  status.store(kStatusOfSignals + signal);
  ::signal(SIGALRM, &EndAnyway);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  const itimerval timer{.it_interval = {}, .it_value = kPatience};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
  const std::string done = done_();
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start_;
  ProgressLine().Clear();
  std::fflush(stdout);
  std::fprintf(stderr, "netpoll: interrupted after %.1f s: %s\n", taken.count(),
               done.c_str());
  ::_exit(status.load());
}

}  // namespace netpoll::tools
