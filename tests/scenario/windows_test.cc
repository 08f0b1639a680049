// SPDX-License-Identifier: Apache-2.0
//
// netpoll.exe, under Wine, prints for the portable scenarios what the other
// backends print. Those that it can't are listed, each with the reason.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/source/read_file.h"
#include "netpoll/tests/scenario/run_process.h"

namespace netpoll {
namespace {

constexpr char kFolder[] = "tests/scenario/portable";

// A peer that closes with unread bytes resets a TCP connection, and the error
// is told once or again, by the one's or the other's choice. On the pairs of
// AF_UNIX that the files were made with, a writer gets EPIPE.
const std::map<std::string, std::string> kDifferent = {
    {"peer_close_wakes_a_writer", "ECONNRESET, not EPIPE"},
    {"peer_close_wakes_both", "ECONNRESET, not EPIPE"},
    {"reset_connection_with_data_queued", "the reset is told otherwise"},
    {"fill_meets_a_closed_peer", "ECONNRESET, not EPIPE"},
    {"writer_that_wrote_a_part_loses_its_peer", "ECONNRESET, not EPIPE"},
    {"end_of_stream_is_told_again_and_again",
     "the first write after the peer's close still goes out"},
    {"writer_that_wrote_a_part_times_out",
     "a few bytes read make room in larger buffers"},
};

bool HasWait(const std::string& text) {
  return text.find("\nwait ") != std::string::npos;
}

struct Scenarios {
  std::vector<std::string> same;       // Paths without ".scenario".
  std::vector<std::string> with_wait;  // There is none on completions.
};

Scenarios Find() {
  Scenarios found;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".scenario") continue;
    const std::string name = entry.path().stem();
    const std::string path = entry.path().parent_path() / name;
    if (HasWait(model::ReadFile(entry.path()))) {
      found.with_wait.push_back(path);
    } else if (kDifferent.count(name) == 0) {
      found.same.push_back(path);
    }
  }
  std::sort(found.same.begin(), found.same.end());
  return found;
}

std::vector<std::string> InWine(std::vector<std::string> command) {
  const std::string prefix = std::string(std::getenv("TEST_TMPDIR")) + "/wine";
  command.insert(command.begin(), {"tools/windows/run_in_wine.sh", prefix});
  return command;
}

CommandResult RunExe(std::vector<std::string> arguments,
                     const std::string& input = "") {
  arguments.insert(arguments.begin(), "tools/windows/netpoll.exe");
  return RunProcess(InWine(std::move(arguments)), input);
}

class Wine : public ::testing::Environment {
 public:
  void TearDown() override { RunProcess(InWine({"--stop"})); }
};
[[maybe_unused]] ::testing::Environment* const wine =
    ::testing::AddGlobalTestEnvironment(new Wine);

class WindowsScenario : public ::testing::TestWithParam<std::string> {};

TEST_P(WindowsScenario, PrintsWhatIsExpected) {
  const CommandResult result = RunExe({"scenario", GetParam() + ".scenario"});
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, model::ReadFile(GetParam() + ".expected"));
}

INSTANTIATE_TEST_SUITE_P(
    Iocp, WindowsScenario, ::testing::ValuesIn(Find().same),
    [](const auto& test) {
      return std::filesystem::path(test.param).filename().string();
    });

TEST(WindowsScenarios, AreFoundAndTheListOfDifferencesIsTrue) {
  EXPECT_GE(Find().same.size(), 40u);
  for (const auto& [name, reason] : kDifferent) {
    EXPECT_TRUE(std::filesystem::exists(std::string(kFolder) + "/" + name +
                                        ".scenario"))
        << name;
  }
}

TEST(WindowsScenarios, AreRefusedAtABareWait) {
  const std::vector<std::string> files = Find().with_wait;
  EXPECT_FALSE(files.empty());
  for (const std::string& file : files) {
    const CommandResult result = RunExe({"scenario", file + ".scenario"});
    EXPECT_EQ(result.status, 2);
    EXPECT_NE(result.err.find(".scenario:"), std::string::npos) << result.err;
    EXPECT_NE(
        result.err.find(": wait needs a backend that reports readiness, not "
                        "completions\n"),
        std::string::npos)
        << result.err;
    // What came before is as it should be.
    EXPECT_TRUE(model::ReadFile(file + ".expected").starts_with(result.out));
  }
}

TEST(WindowsScenarios, ComeFromStandardInputToo) {
  const CommandResult result = RunExe({"scenario", "-"},
                                      "open a\r\nreader a t 5\npeer-write a 3\n"
                                      "task t\nwriter a t 4\ntask t\nfly a\n");
  EXPECT_EQ(result.out, "open a: 0\npeer-write a 3: 3\ntask t: 3\ntask t: 4\n");
  EXPECT_EQ(result.err.find("-:7: unknown statement 'fly'"), 0u) << result.err;
  EXPECT_EQ(result.status, 2);
}

TEST(WindowsCommand, RefusesBadUseInOneLine) {
  const std::vector<std::vector<std::string>> kUses = {
      {"swim"},
      {"scenario"},
      {"scenario", "no such file"},
      {"serve"},
      {"serve", "echo"},
      {"serve", "echo", "--listen"},
      {"serve", "echo", "--listen", "nowhere"},
      {"serve", "echo", "--listen", "unix:path"},
      {"serve", "echo", "--listen", "127.0.0.1:0", "--read-timeout", "soon"},
      {"serve", "echo", "--loud", "1"},
  };
  for (const auto& use : kUses) {
    const CommandResult result = RunExe(use);
    EXPECT_EQ(result.status, 2) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err.find("netpoll"), 0u) << result.err;
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
  }
  EXPECT_EQ(RunExe({"--help"}).status, 0);
}

}  // namespace
}  // namespace netpoll
