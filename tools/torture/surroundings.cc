// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/torture/surroundings.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/torture/clock.h"
#include "netpoll/tools/torture/ledger.h"
#include "netpoll/tools/torture/options.h"
#include "netpoll/tools/torture/random.h"
#include "netpoll/tools/torture/round.h"
#include "netpoll/tools/torture/tally.h"

extern char** environ;

namespace netpoll::torture {
namespace {

constexpr int kSignal = SIGUSR1;

// The numbers that are names in a folder of /proc; its own descriptor is not
// among them.
std::vector<int> NumbersIn(const char* folder) {
  std::vector<int> numbers;
  DIR* const open = ::opendir(folder);
  if (open == nullptr) return numbers;
  while (const dirent* const entry = ::readdir(open)) {
    char* end = nullptr;
    const long number = std::strtol(entry->d_name, &end, 10);
    if (end == entry->d_name || *end != '\0') continue;
    if (number != ::dirfd(open)) numbers.push_back(static_cast<int>(number));
  }
  ::closedir(open);
  return numbers;
}

// A task that comes from a foreign thread, looks around and goes.
Task<> Visit(Round& round, std::uint64_t seed) {
  Ledger::Actor actor(round.ledger(), "visitor", seed, true);
  Random random(seed);
  for (std::uint64_t i = random.Below(4); i > 0; --i) {
    actor.Waits("its turn");
    co_await round.runtime().Yield();
    actor.Goes();
  }
}

void Handler(int) {}

std::int64_t DrawStop(const Round& round, Random& random) {
  constexpr std::uint64_t kWithinMicros = 60'000;
  if (!round.Has(kStops) || !random.OneIn(2)) return kNever;
  return TrueNow() +
         std::chrono::nanoseconds(random.Micros(kWithinMicros)).count();
}

}  // namespace

std::set<int> OpenDescriptors() {
  const std::vector<int> numbers = NumbersIn("/proc/self/fd");
  return {numbers.begin(), numbers.end()};
}

Surroundings::Surroundings(Round& round, std::set<int> before,
                           std::uint64_t seed)
    : round_(round),
      before_(std::move(before)),
      random_(seed),
      stops_at_(DrawStop(round, random_)),
      visits_(random_.OneIn(2)),
      thread_([this] { Blow(); }) {}

Surroundings::~Surroundings() {
  {
    const std::lock_guard<std::mutex> hold(mutex_);
    ended_ = true;
  }
  end_.notify_one();
  thread_.join();
}

void Surroundings::LastTaskEnds() {
  const std::lock_guard<std::mutex> hold(mutex_);
  visits_ = false;
}

void Surroundings::Blow() {
  struct sigaction action {};
  action.sa_handler = Handler;  // Without SA_RESTART: calls are interrupted.
  ::sigaction(kSignal, &action, nullptr);
  std::unique_lock<std::mutex> hold(mutex_);
  while (
      !end_.wait_for(hold, random_.Micros(2'000), [this] { return ended_; })) {
    hold.unlock();
    Act();
    hold.lock();
  }
}

void Surroundings::Act() {
  if (TrueNow() >= stops_at_ && !stopped_) {
    stopped_ = true;
    round_.Add(Count::kStops);
    round_.runtime().Stop();
  }
  if (round_.Has(kSignals)) Signal();
  if (round_.Has(kChildren) && random_.OneIn(24)) Fork(random_.OneIn(2));
  if (round_.Has(kDescriptors) && random_.OneIn(8)) LimitDescriptors();
  if (round_.Has(kPauses) && round_.host().pause && random_.OneIn(64)) {
    round_.Add(Count::kPauses);
    round_.host().pause();
  }
  if (random_.OneIn(4)) SpawnVisitor();
  if (random_.OneIn(32)) CheckInheritance();
}

void Surroundings::Signal() {
  const pid_t self = static_cast<pid_t>(::syscall(SYS_gettid));
  for (const int thread : NumbersIn("/proc/self/task")) {
    if (thread == self) continue;
    if (::syscall(SYS_tgkill, ::getpid(), thread, kSignal) == 0) {
      round_.Add(Count::kSignals);
    }
  }
}

void Surroundings::Fork(bool exec) {
  pid_t child = -1;
  if (exec) {
    const std::string name = "true";
    char* const arguments[] = {const_cast<char*>(name.c_str()), nullptr};
    if (::posix_spawnp(&child, "true", nullptr, nullptr, arguments, environ) !=
        0) {
      return;
    }
  } else {
    child = ::fork();
    if (child == 0) ::_exit(0);
    if (child < 0) return;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  round_.Add(Count::kChildren);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    round_.Wrong(
        absl::StrCat("a child that only ends, ended with status ", status));
  }
}

// New descriptors are refused for a while.
void Surroundings::LimitDescriptors() {
  rlimit usual{};
  if (::getrlimit(RLIMIT_NOFILE, &usual) != 0) return;
  const std::set<int> open = OpenDescriptors();
  if (open.empty()) return;
  rlimit lower = usual;
  lower.rlim_cur = static_cast<rlim_t>(*open.rbegin()) + 1 + random_.Below(3);
  if (lower.rlim_cur >= usual.rlim_cur) return;
  ::setrlimit(RLIMIT_NOFILE, &lower);
  std::this_thread::sleep_for(random_.Micros(4'000));
  ::setrlimit(RLIMIT_NOFILE, &usual);
}

void Surroundings::SpawnVisitor() {
  const std::lock_guard<std::mutex> hold(mutex_);
  if (visits_) round_.runtime().Spawn(Visit(round_, random_.Next()));
}

// What the library opens is closed in programs that the process starts.
void Surroundings::CheckInheritance() {
  for (const int fd : OpenDescriptors()) {
    if (before_.contains(fd)) continue;
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) {
      round_.Wrong(absl::StrCat("a child would inherit descriptor ", fd));
    }
  }
}

}  // namespace netpoll::torture
