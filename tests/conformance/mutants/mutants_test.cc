// SPDX-License-Identifier: Apache-2.0
//
// Every mutant of a backend is killed by the tests that its row names. Each
// program is that backend's own test, compiled with the mutant's headers; it
// must fail, stop, or not come to an end.
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/mutants/row.h"
#include "netpoll/model/source/read_file.h"
#include "netpoll/tests/conformance/io_uring/available.h"

namespace netpoll::model {
namespace {

// A lost wake-up shows as a test that hangs; the longest that any of them takes
// by right is a thirtieth of this. Wine alone takes seconds to start.
constexpr std::chrono::seconds kHangLimit{4};
constexpr std::chrono::seconds kHangLimitOfWine{15};

constexpr std::size_t kAtATime = 8;

// A close that does not wait is seen when a thread polls already, which a busy
// machine may put off: who passed beside others is tried again, alone.
constexpr int kTriesAlone = 10;

// How often who runs is looked at, if none ends.
constexpr timespec kLook{.tv_sec = 0, .tv_nsec = 50'000'000};

struct Mutant {
  Row row;
  std::string backend;
  std::string program;

  bool OfWindows() const { return backend == "iocp"; }

  // As a test is named.
  std::string Name() const {
    std::string name = backend + "_" + row.name;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
  }
};

void PrintTo(const Mutant* mutant, std::ostream* out) {
  *out << mutant->backend << " " << mutant->row.name;
}

std::vector<Mutant> AllMutants() {
  std::vector<Mutant> all;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator("tests/conformance")) {
    const std::filesystem::path path = entry.path();
    if (path.extension() != ".mutant") continue;
    Mutant mutant;
    std::string why;
    EXPECT_TRUE(
        ParseRow(path.stem().string(), ReadFile(path), &mutant.row, &why))
        << why;
    // tests/conformance/BACKEND/mutants/ROW.mutant
    auto part = path.begin();
    std::advance(part, 2);
    mutant.backend = part->string();
    mutant.program =
        "tests/conformance/" + mutant.backend + "/" + mutant.row.name;
    if (mutant.OfWindows()) mutant.program += ".exe";
    all.push_back(std::move(mutant));
  }
  std::sort(all.begin(), all.end(), [](const Mutant& a, const Mutant& b) {
    return a.backend + a.row.name < b.backend + b.row.name;
  });
  return all;
}

enum class End { kPassed, kFailed, kStopped, kHung, kNotRun };

const char* Name(End end) {
  switch (end) {
    case End::kPassed:
      return "passed";
    case End::kFailed:
      return "failed";
    case End::kStopped:
      return "stopped";
    case End::kHung:
      return "hung";
    case End::kNotRun:
      break;
  }
  return "not run";
}

// Where Wine keeps what it needs; it goes with the test.
std::string WinePrefix() { return ::testing::TempDir() + "wine"; }

// The command that runs a program of Windows.
std::vector<std::string> UnderWine(const std::string& program) {
  return {"tools/windows/run_in_wine.sh", WinePrefix(), program};
}

// Does not return.
void Execute(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const std::string& word : command) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  ::execv(words[0], words.data());
  ::_exit(127);
}

// One test of one program, in a process of its own.
struct Trial {
  const Mutant* mutant = nullptr;
  std::string test;
  End end = End::kNotRun;
  pid_t pid = -1;
  std::chrono::steady_clock::time_point limit = {};

  // Is there while a program runs its tests. Wine's status of one that crashed
  // is 0 now and then.
  std::string PrematureExit() const {
    std::string name = mutant->Name() + "." + test + ".premature_exit";
    std::replace(name.begin(), name.end(), '/', '_');
    return ::testing::TempDir() + name;
  }

  // "Waking.ABreakEndsABlockingPoll" names the clause whatever the backend's
  // prefix and the type's number are.
  std::string Filter() const {
    const std::string dot = test.substr(test.find('.'));
    const std::string suite = test.substr(0, test.find('.'));
    return "--gtest_filter=" + test + ":*/" + suite + "/*" + dot + ":" + suite +
           "/*" + dot;
  }
};

sigset_t EndsOfChildren() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGCHLD);
  return signals;
}

void Start(Trial& trial) {
  const bool of_windows = trial.mutant->OfWindows();
  trial.limit = std::chrono::steady_clock::now() +
                (of_windows ? kHangLimitOfWine : kHangLimit);
  std::fflush(stdout);  // Or the child would say it again.
  trial.pid = ::fork();
  // Not so Wine: its first program starts the server of all.
  if (!of_windows) ::setpgid(trial.pid, trial.pid);
  if (trial.pid != 0) return;
  const sigset_t ends = EndsOfChildren();
  ::sigprocmask(SIG_UNBLOCK, &ends, nullptr);
  // The failures are expected, and would look like this test's own.
  if (std::freopen("/dev/null", "w", stdout) == nullptr ||
      std::freopen("/dev/null", "w", stderr) == nullptr) {
    ::_exit(126);
  }
  // Of this test, and of its shard.
  for (const char* const ours :
       {"XML_OUTPUT_FILE", "TEST_SHARD_INDEX", "TEST_TOTAL_SHARDS",
        "TEST_SHARD_STATUS_FILE", "GTEST_SHARD_INDEX", "GTEST_TOTAL_SHARDS",
        "GTEST_SHARD_STATUS_FILE", "GTEST_OUTPUT"}) {
    ::unsetenv(ours);
  }
  ::setenv("TEST_PREMATURE_EXIT_FILE", trial.PrematureExit().c_str(), 1);
  std::vector<std::string> command{trial.mutant->program};
  if (of_windows) command = UnderWine(trial.mutant->program);
  command.push_back(trial.Filter());
  Execute(command);
}

// Whether it has ended, by itself or because its time is over.
bool HasEnded(Trial& trial) {
  int status = 0;
  const pid_t ended = ::waitpid(trial.pid, &status, WNOHANG);
  if (ended == 0) {
    if (std::chrono::steady_clock::now() < trial.limit) return false;
    ::kill(trial.mutant->OfWindows() ? trial.pid : -trial.pid, SIGKILL);
    ::waitpid(trial.pid, &status, 0);
    std::filesystem::remove(trial.PrematureExit());
    trial.end = End::kHung;
    return true;
  }
  const bool premature = std::filesystem::remove(trial.PrematureExit());
  if (ended != trial.pid) {
    trial.end = End::kNotRun;
  } else if (WIFSIGNALED(status)) {
    trial.end = End::kStopped;
  } else if (WEXITSTATUS(status) == 0) {
    trial.end = premature ? End::kStopped : End::kPassed;
  } else if (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127) {
    trial.end = End::kNotRun;
  } else {
    trial.end = End::kFailed;
  }
  return true;
}

// Several at a time: what takes long only waits for its end.
void RunAll(std::vector<Trial>& trials) {
  const sigset_t ends = EndsOfChildren();
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);
  std::vector<Trial*> running;
  std::size_t next = 0;
  while (next != trials.size() || !running.empty()) {
    while (next != trials.size() && running.size() < kAtATime) {
      running.push_back(&trials[next]);
      Start(trials[next++]);
    }
    ::sigtimedwait(&ends, nullptr, &kLook);
    std::erase_if(running, [](Trial* trial) { return HasEnded(*trial); });
  }
}

// Whether this process, with its filter and its shard, runs the case of that
// name.
bool IsToRun(const std::string& name) {
  const auto& tests = *::testing::UnitTest::GetInstance();
  for (int i = 0; i < tests.total_test_suite_count(); ++i) {
    const auto& suite = *tests.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const auto& info = *suite.GetTestInfo(j);
      const std::string full = info.name();
      if (full.substr(full.find('/') + 1) == name) return info.should_run();
    }
  }
  return false;
}

const std::vector<Mutant>& Mutants() {
  static const auto& mutants = *new std::vector<Mutant>(AllMutants());
  return mutants;
}

// What came of the trials, before the first case looks.
class Trials : public ::testing::Environment {
 public:
  void SetUp() override {
    const bool no_ring = netpoll::conformance::WhyNoIoUring() != nullptr;
    for (const Mutant& mutant : Mutants()) {
      if (!IsToRun(mutant.Name())) continue;
      if (no_ring && mutant.backend == "io_uring") continue;
      for (const std::string& test : mutant.row.breaks) {
        trials_.push_back({.mutant = &mutant, .test = test});
      }
    }
    // Those of Windows may take the longest.
    std::stable_partition(
        trials_.begin(), trials_.end(),
        [](const Trial& trial) { return trial.mutant->OfWindows(); });
    const bool wine = !trials_.empty() && trials_.front().mutant->OfWindows();
    // One alone makes the prefix, and starts the server.
    if (wine || IsToRun(kUnchanged)) RunAll(unchanged_);
    RunAll(trials_);
    for (Trial& trial : trials_) {
      for (int i = 0; i < kTriesAlone && trial.end == End::kPassed; ++i) {
        std::vector<Trial> alone{{.mutant = trial.mutant, .test = trial.test}};
        RunAll(alone);
        trial.end = alone[0].end;
      }
    }
  }

  // Ends Wine's server with the last test.
  void TearDown() override {
    if (!std::filesystem::exists(WinePrefix())) return;
    const pid_t child = ::fork();
    if (child == 0) Execute(UnderWine("--stop"));
    ::waitpid(child, nullptr, 0);
  }

  End Of(const Mutant& mutant, const std::string& test) const {
    for (const Trial& trial : trials_) {
      if (trial.mutant == &mutant && trial.test == test) return trial.end;
    }
    return End::kNotRun;
  }

  End OfUnchanged() const { return unchanged_[0].end; }

  static constexpr char kUnchanged[] = "WhatIsNoMutantPassesUnderWine";

 private:
  const Mutant no_mutant_{
      .row = {},
      .backend = "iocp",
      .program = "tests/conformance/iocp/iocp_test_exe.exe"};
  std::vector<Trial> unchanged_{
      {.mutant = &no_mutant_,
       .test = "Waking.ABreakBeforeThePollIsRemembered"}};
  std::vector<Trial> trials_;
};
const auto& trials =
    *static_cast<Trials*>(::testing::AddGlobalTestEnvironment(new Trials));

class BackendMutant : public ::testing::TestWithParam<const Mutant*> {};

TEST_P(BackendMutant, IsKilledByEachTestThatItsRowNames) {
  const Mutant& mutant = *GetParam();
  if (mutant.backend == "io_uring") {
    // Its tests are skipped, then.
    const char* const why = netpoll::conformance::WhyNoIoUring();
    if (why != nullptr) GTEST_SKIP() << why;
  }
  for (const std::string& test : mutant.row.breaks) {
    const End end = trials.Of(mutant, test);
    std::printf("%-12s %-34s %-8s %s\n", mutant.backend.c_str(),
                mutant.row.name.c_str(), Name(end), test.c_str());
    EXPECT_TRUE(end == End::kFailed || end == End::kStopped ||
                end == End::kHung)
        << mutant.row.about << "\n"
        << test << " " << Name(end);
  }
}

std::vector<const Mutant*> Pointers() {
  std::vector<const Mutant*> pointers;
  for (const Mutant& mutant : Mutants()) pointers.push_back(&mutant);
  return pointers;
}

INSTANTIATE_TEST_SUITE_P(Backend, BackendMutant,
                         ::testing::ValuesIn(Pointers()),
                         [](const auto& test) { return test.param->Name(); });

// Otherwise a Wine that does not run would kill every mutant of Windows.
TEST(BackendMutants, WhatIsNoMutantPassesUnderWine) {
  EXPECT_EQ(trials.OfUnchanged(), End::kPassed);
}

TEST(BackendMutants, AtLeastFiveOfEachBackend) {
  std::map<std::string, int> count;
  for (const Mutant& mutant : Mutants()) ++count[mutant.backend];
  EXPECT_EQ(count.size(), 6u);
  for (const auto& [backend, mutants] : count) EXPECT_GE(mutants, 5) << backend;
}

}  // namespace
}  // namespace netpoll::model
