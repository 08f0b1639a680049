// SPDX-License-Identifier: Apache-2.0
//
// Every mutant of a backend is killed by the tests that its row names. Each
// program is that backend's own test, compiled with the mutant's headers; it
// must fail, stop, or not come to an end.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/mutants/row.h"
#include "netpoll/model/source/read_file.h"
#include "netpoll/tests/conformance/io_uring/available.h"

namespace netpoll::model {
namespace {

// A lost wake-up shows as a test that hangs; the longest that any of them takes
// by right is a thirtieth of this. Wine alone takes seconds to start.
constexpr unsigned kHangSeconds = 4;
constexpr unsigned kHangSecondsOfWine = 15;

struct Mutant {
  Row row;
  std::string backend;
  std::string program;

  bool OfWindows() const { return backend == "iocp"; }
};

void PrintTo(const Mutant& mutant, std::ostream* out) {
  *out << mutant.backend << " " << mutant.row.name;
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

// Is there while a program runs its tests. Wine's status of one that crashed is
// 0 now and then.
std::string PrematureExit() { return ::testing::TempDir() + "premature_exit"; }

// Runs one test of the program. "Waking.ABreakEndsABlockingPoll" names the
// clause whatever the backend's prefix and the type's number are.
End RunTest(const Mutant& mutant, const std::string& test) {
  const std::string dot = test.substr(test.find('.'));
  const std::string suite = test.substr(0, test.find('.'));
  const std::string filter = "--gtest_filter=" + test + ":*/" + suite + "/*" +
                             dot + ":" + suite + "/*" + dot;
  std::fflush(stdout);  // Or the child would say it again.
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(mutant.OfWindows() ? kHangSecondsOfWine : kHangSeconds);
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
    ::setenv("TEST_PREMATURE_EXIT_FILE", PrematureExit().c_str(), 1);
    std::vector<std::string> command{mutant.program};
    if (mutant.OfWindows()) command = UnderWine(mutant.program);
    command.push_back(filter);
    Execute(command);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  const bool premature = std::filesystem::remove(PrematureExit());
  if (WIFSIGNALED(status)) {
    return WTERMSIG(status) == SIGALRM ? End::kHung : End::kStopped;
  }
  switch (WEXITSTATUS(status)) {
    case 0:
      return premature ? End::kStopped : End::kPassed;
    case 126:
    case 127:
      return End::kNotRun;
    default:
      return End::kFailed;
  }
}

// Ends Wine's server with the last test.
class Wine : public ::testing::Environment {
 public:
  void TearDown() override {
    if (!std::filesystem::exists(WinePrefix())) return;
    if (::fork() == 0) Execute(UnderWine("--stop"));
    ::wait(nullptr);
  }
};
const ::testing::Environment* const kWine =
    ::testing::AddGlobalTestEnvironment(new Wine);

class BackendMutant : public ::testing::TestWithParam<Mutant> {};

TEST_P(BackendMutant, IsKilledByEachTestThatItsRowNames) {
  const Mutant& mutant = GetParam();
  if (mutant.backend == "io_uring") {
    // Its tests are skipped, then.
    const char* const why = netpoll::conformance::WhyNoIoUring();
    if (why != nullptr) GTEST_SKIP() << why;
  }
  for (const std::string& test : mutant.row.breaks) {
    const End end = RunTest(mutant, test);
    std::printf("%-12s %-34s %-8s %s\n", mutant.backend.c_str(),
                mutant.row.name.c_str(), Name(end), test.c_str());
    EXPECT_TRUE(end == End::kFailed || end == End::kStopped ||
                end == End::kHung)
        << mutant.row.about << "\n"
        << test << " " << Name(end);
  }
}

INSTANTIATE_TEST_SUITE_P(Backend, BackendMutant,
                         ::testing::ValuesIn(AllMutants()),
                         [](const auto& test) {
                           std::string name =
                               test.param.backend + "_" + test.param.row.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// Otherwise a Wine that does not run would kill every mutant of Windows.
TEST(BackendMutants, WhatIsNoMutantPassesUnderWine) {
  const Mutant unchanged{.backend = "iocp",
                         .program = "tests/conformance/iocp/iocp_test_exe.exe"};
  EXPECT_EQ(RunTest(unchanged, "Waking.ABreakBeforeThePollIsRemembered"),
            End::kPassed);
}

TEST(BackendMutants, AtLeastFiveOfEachBackend) {
  std::map<std::string, int> count;
  for (const Mutant& mutant : AllMutants()) ++count[mutant.backend];
  EXPECT_EQ(count.size(), 6u);
  for (const auto& [backend, mutants] : count) EXPECT_GE(mutants, 5) << backend;
}

}  // namespace
}  // namespace netpoll::model
