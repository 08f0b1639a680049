// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/torture/campaign.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/tools/common/progress_line.h"
#include "netpoll/tools/torture/conduct.h"
#include "netpoll/tools/torture/faulty_calls.h"
#include "netpoll/tools/torture/options.h"
#include "netpoll/tools/torture/random.h"
#include "netpoll/tools/torture/round.h"
#include "netpoll/tools/torture/tally.h"
#include "netpoll/tools/torture/verdict.h"

namespace netpoll::torture {
namespace {

using Clock = std::chrono::steady_clock;

// In memory that parent and child share.
struct Shared {
  Tally tally;
  std::atomic<std::uint64_t> seed{0};  // Of the round under way; 0: none.
  std::atomic<bool> told{false};       // The child has printed its verdict.
};

RoundName NameOf(const Options& options, std::uint64_t seed) {
  constexpr int kThreads[] = {1, 2, 4};
  Random random(~seed);
  RoundName name{.seed = seed};
  name.backend = options.backends[random.Below(options.backends.size())];
  const int drawn = kThreads[random.Below(std::size(kThreads))];
  name.threads = options.threads != 0 ? options.threads : drawn;
  return name;
}

// Over a shim of the tests the system's part of a call is the program's own:
// what the system never has to survive.
Faults Possible(const std::string& backend) {
  const bool shim = !NativeBackends::Has(backend);
  return shim ? kAllFaults & ~Faults{kCalls | kMemory | kDescriptors}
              : kAllFaults;
}

// About half of what is allowed; each eighth round has nothing, or everything.
Faults FaultsOf(const Options& options, const RoundName& name) {
  const std::uint64_t seed = name.seed;
  const Faults allowed = options.faults & Possible(name.backend);
  Random random(Mix(~seed));
  const Faults half = static_cast<Faults>(random.Next());
  const std::uint64_t way = random.Below(16);
  if (way == 0) return 0;
  if (way == 1) return allowed;
  return allowed & half;
}

// --- The child ---------------------------------------------------------------

// The signal that told it to end, or 0; of the parent as well.
std::atomic<int> interrupted{0};
void Interrupt(int signal) {
  interrupted.store(signal, std::memory_order_relaxed);
}

// Bytes of the heap in use; 0 where that is not known.
std::size_t HeapInUse() {
#if defined(__GLIBC__)
  return ::mallinfo2().uordblks;
#else
  return 0;
#endif
}

// The heap has no more in it after many rounds than after a few.
class EvenHeap {
 public:
  // Empty, or what is wrong.
  std::string AfterRound() {
    const std::size_t bytes = HeapInUse();
    if (++rounds_ <= kFirst) most_ = std::max(most_, bytes);
    if (bytes <= most_ + kSlack) return "";
    return absl::StrCat("the heap grows: ", bytes, " bytes in use after ",
                        rounds_, " rounds, at most ", most_,
                        " after the first ", kFirst);
  }

 private:
  static constexpr int kFirst = 8;
  static constexpr std::size_t kSlack = 1 << 20;
  int rounds_ = 0;
  std::size_t most_ = 0;
};

class Folder {
 public:
  Folder() {
    const char* const base = std::getenv("TMPDIR");
    std::string pattern =
        absl::StrCat(base != nullptr ? base : "/tmp", "/torture.XXXXXX");
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Campaign {
 public:
  Campaign(const Options& options, Shared& shared, const std::string& folder,
           int pauses)
      : options_(options), shared_(shared), folder_(folder), pauses_(pauses) {
    host_.wrong = [this](const std::string& sentence) { Wrong(sentence); };
    host_.pause = [this] { Pause(); };
  }

  int Run();

 private:
  bool Enough(int rounds) const {
    if (interrupted.load(std::memory_order_relaxed) != 0) return true;
    if (options_.rounds > 0 && rounds >= options_.rounds) return true;
    return options_.duration.count() > 0 &&
           Clock::now() - start_ >= options_.duration;
  }
  absl::Status OneRound(std::uint64_t seed);
  void Progress(int rounds);
  void Pause();
  // Does not return.
  void Wrong(const std::string& sentence);

  const Options& options_;
  Shared& shared_;
  const std::string& folder_;
  const int pauses_;
  const Clock::time_point start_ = Clock::now();
  const tools::ProgressLine line_;
  EvenHeap heap_;
  RoundHost host_;
  RoundName name_;
  std::mutex verdict_;
};

int Campaign::Run() {
  if (call_faults != nullptr) call_faults->Plant(options_.planted);
  for (int rounds = 0; !Enough(rounds); ++rounds) {
    const absl::Status status =
        OneRound(options_.seed + static_cast<std::uint64_t>(rounds));
    if (!status.ok()) {
      std::fprintf(stderr, "netpoll torture: %s\n",
                   std::string(status.message()).c_str());
      return 2;
    }
    const std::string uneven = heap_.AfterRound();
    if (!uneven.empty()) Wrong(uneven);
    Progress(rounds + 1);
  }
  line_.Clear();
  const std::chrono::duration<double> taken = Clock::now() - start_;
  shared_.told.store(true, std::memory_order_release);
  PrintGood(options_, shared_.tally, taken.count());
  return 0;
}

absl::Status Campaign::OneRound(std::uint64_t seed) {
  name_ = NameOf(options_, seed);
  shared_.seed.store(seed, std::memory_order_release);
  const RoundSetting setting{.seed = seed,
                             .backend = name_.backend,
                             .threads = name_.threads,
                             .faults = FaultsOf(options_, name_),
                             .patience = options_.patience,
                             .folder = folder_};
  if (options_.verbose) {
    std::fprintf(stderr, "round with seed %llu: %s, %d workers, faults: %s\n",
                 static_cast<unsigned long long>(seed), name_.backend.c_str(),
                 name_.threads, FormatFaults(setting.faults).c_str());
  }
  return RunRound(setting, host_, shared_.tally);
}

void Campaign::Progress(int rounds) {
  if (!line_.on() || options_.verbose) return;
  line_.Show(absl::StrCat(rounds, " rounds, ",
                          shared_.tally.Get(Count::kConnections),
                          " connections"));
}

void Campaign::Pause() {
  const char millis = static_cast<char>(1 + Mix(shared_.seed) % 50);
  while (::write(pauses_, &millis, 1) < 0 && errno == EINTR) {
  }
}

void Campaign::Wrong(const std::string& sentence) {
  // The first who comes; the others wait for the end.
  verdict_.lock();
  if (call_faults != nullptr) call_faults->Disarm();
  line_.Clear();
  PrintWrong(options_, shared_.tally, name_, sentence);
  std::fflush(stdout);
  shared_.told.store(true, std::memory_order_release);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
  ::_exit(1);
}

// --- The parent --------------------------------------------------------------

// Of what a signal ends, in a second: the rest is for what is printed.
constexpr int kLookMillis = 200;
constexpr int kPatienceMillis = 500;

// Stops and continues the child whenever it asks; until it has ended.
void Attend(pid_t child, int requests) {
  char millis = 0;
  for (;;) {
    if (interrupted.load(std::memory_order_relaxed) != 0) {
      // Told to end: so is the child, if it comes to the end of its round.
      ::kill(child, SIGTERM);
      pollfd end{.fd = requests, .events = 0, .revents = 0};
      if (::poll(&end, 1, kPatienceMillis) != 1) ::kill(child, SIGKILL);
      return;
    }
    pollfd request{.fd = requests, .events = POLLIN, .revents = 0};
    if (::poll(&request, 1, kLookMillis) <= 0) continue;
    if (::read(requests, &millis, 1) <= 0) return;
    ::kill(child, SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(millis));
    ::kill(child, SIGCONT);
  }
}

int Verdict(const Options& options, const Shared& shared, double seconds,
            int status) {
  const bool told = shared.told.load(std::memory_order_acquire);
  const int signal = interrupted.load(std::memory_order_relaxed);
  const int ended = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  // What was verified until then was right.
  if (signal != 0 && ended == 0) {
    if (!told) PrintGood(options, shared.tally, seconds);
    return 128 + signal;
  }
  if (WIFEXITED(status) && (told || ended == 2)) return ended;
  const std::string how =
      WIFSIGNALED(status)
          ? absl::StrCat("the process was ended by signal ", WTERMSIG(status))
          : absl::StrCat("the process ended with status ", WEXITSTATUS(status));
  const RoundName name = NameOf(options, shared.seed.load());
  PrintWrong(options, shared.tally, name, how);
  return 1;
}

int Fail(const char* what) {
  std::fprintf(stderr, "netpoll torture: %s: %s\n", what, std::strerror(errno));
  return 2;
}

}  // namespace

int RunCampaign(const Options& options) {
  void* const room = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) return Fail("no memory can be shared");
  Shared& shared = *::new (room) Shared;
  int requests[2];
  if (::pipe2(requests, O_CLOEXEC) != 0) return Fail("no pipe can be made");
  const Folder folder;
  if (folder.path().empty()) return Fail("no folder can be made");
  // Abseil's names of errors are made once, out of the thread sanitizer's
  // sight: before there are threads.
  static_cast<void>(absl::ErrnoToStatus(EINVAL, ""));
  std::fflush(nullptr);
  struct sigaction action {};
  action.sa_handler = Interrupt;  // Without SA_RESTART.
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  const Clock::time_point start = Clock::now();
  const pid_t child = ::fork();
  if (child < 0) return Fail("the process can't be forked");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(requests[0]);
    return Campaign(options, shared, folder.path(), requests[1]).Run();
  }
  ::close(requests[1]);
  Attend(child, requests[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const std::chrono::duration<double> taken = Clock::now() - start;
  return Verdict(options, shared, taken.count(), status);
}

}  // namespace netpoll::torture
