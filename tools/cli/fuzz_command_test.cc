// SPDX-License-Identifier: Apache-2.0
//
// fuzz as a user meets it.

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/tools/cli/call_command.h"
#include "netpoll/tools/cli/command.h"

namespace netpoll::tools {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

TEST(FuzzCommand, FindsTheCanaryFirst) {
  const Said said =
      Call({"fuzz", "--seconds", "1", "--seed", "5", "--only", "read-edge*"});
  EXPECT_EQ(said.status, kExitOk) << said.out;
  EXPECT_THAT(said.out, HasSubstr("seed 5: canary found after "));
  EXPECT_THAT(said.out, HasSubstr("no property was broken"));
  EXPECT_THAT(said.out, ContainsRegex("\n  read-edge [0-9]+"));
}

// The seed that --json tells.
std::string SeedOf(const Said& said) {
  const std::size_t at = said.out.find("\"seed\": ");
  return said.out.substr(at, said.out.find(',', at) - at);
}

TEST(FuzzCommand, HasAnotherSeedEachTime) {
  const std::vector<std::string> words = {"fuzz",   "--seconds", "1",
                                          "--only", "read-edge", "--json"};
  EXPECT_NE(SeedOf(Call(words)), SeedOf(Call(words)));
}

int FilesIn(const std::string& folder) {
  int files = 0;
  for (const auto& each : std::filesystem::directory_iterator(folder)) {
    files += each.is_regular_file() ? 1 : 0;
  }
  return files;
}

TEST(FuzzCommand, ACorpusGrowsIsMergedAndLosesWhatAddsNothing) {
  const std::string corpus = testing::TempDir() + "/corpus";
  const std::string other = testing::TempDir() + "/other";
  const auto fuzz = [](std::vector<std::string> more) {
    std::vector<std::string> words = {"fuzz", "--seconds", "1", "--only",
                                      "wait-canceled"};
    words.insert(words.end(), more.begin(), more.end());
    return Call(words);
  };
  Said said = fuzz({"--corpus", corpus, "--seed", "1"});
  EXPECT_EQ(said.status, kExitOk) << said.out << said.err;
  const int first = FilesIn(corpus + "/wait-canceled");
  EXPECT_GT(first, 3);
  // All of its states are known by now, to a folder without one of its inputs.
  std::filesystem::create_directories(other);
  std::filesystem::copy(corpus, other,
                        std::filesystem::copy_options::recursive);
  std::ofstream(corpus + "/notes") << "mine";
  std::ofstream(corpus + "/wait-canceled/0123456789abcdef") << "not its hash";
  said = fuzz({"--corpus", corpus, "--merge", other, "--json"});
  EXPECT_EQ(said.status, kExitOk) << said.out << said.err;
  EXPECT_THAT(said.out, HasSubstr("\"ignored\": 2"));
  const int second = FilesIn(corpus + "/wait-canceled") - 1;
  EXPECT_LT(second, first) << "shorter ones come to the same states";
  EXPECT_TRUE(std::filesystem::exists(corpus + "/notes"));
  // A folder that has nothing gets what adds something.
  const std::string fresh = testing::TempDir() + "/fresh";
  said = fuzz({"--corpus", fresh, "--merge", corpus});
  EXPECT_GT(FilesIn(fresh + "/wait-canceled"), 3);
}

TEST(FuzzCommand, AFindingStaysInTheCorpus) {
  const std::string corpus = testing::TempDir() + "/findings";
  const std::vector<std::string> words = {
      "fuzz",   "--mutant",      "canary",   "--seconds", "100000",
      "--only", "wait-canceled", "--corpus", corpus,      "--json"};
  const Said first = Call(words);
  EXPECT_EQ(first.status, kExitFinding);
  const Said again = Call(words);
  EXPECT_EQ(again.status, kExitFinding);
  EXPECT_THAT(again.out, HasSubstr("\"added\": 0"));
}

TEST(FuzzCommand, ACorpusThatIsNoneIsOneSentence) {
  const std::string file = testing::TempDir() + "/a_file";
  std::ofstream(file) << "x";
  const Said said = Call({"fuzz", "--corpus", file, "--seconds", "1"});
  EXPECT_EQ(said.status, kExitBadUse);
  EXPECT_THAT(said.err, HasSubstr("cannot make the folder " + file));
  ExpectRefused({"fuzz", "--merge", file}, "--merge is for --corpus");
  const std::string missing = testing::TempDir() + "/missing";
  ExpectRefused({"fuzz", "--corpus", testing::TempDir(), "--merge", missing},
                "there is no folder '" + missing + "' to merge");
  EXPECT_FALSE(std::filesystem::exists(missing)) << "it was made";
}

TEST(FuzzCommand, TellsWhatItFinds) {
  const Said said = Call({"fuzz", "--mutant", "canary", "--seconds", "100000",
                          "--only", "wait-canceled", "--json"});
  EXPECT_EQ(said.status, kExitFinding);
  EXPECT_THAT(said.out, HasSubstr("\"holds\": false"));
  EXPECT_THAT(said.out, HasSubstr("np1:canary/wait-canceled:"));
}

TEST(FuzzCommand, UnknownNamesAreOneSentence) {
  ExpectRefused({"fuzz", "--only", "huge-lok"},
                "no configuration is named 'huge-lok' (did you mean "
                "'huge-lock'?)");
  ExpectRefused({"fuzz", "--seed", "x"}, "--seed is 'x'");
}

}  // namespace
}  // namespace netpoll::tools
