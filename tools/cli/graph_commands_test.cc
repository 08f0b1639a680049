// SPDX-License-Identifier: Apache-2.0
//
// check --memory-model, orders, and replay of a graph, as a user meets them.

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/tools/cli/call_command.h"
#include "netpoll/tools/cli/command.h"

namespace netpoll::tools {
namespace {

using ::testing::HasSubstr;

TEST(CheckCommand, ExploresUnderAMemoryModel) {
  for (const char* model : {"sc", "tso", "rc11"}) {
    const Said said =
        Call({"check", "--memory-model", model, "--only", "read-close"});
    EXPECT_EQ(said.status, kExitOk) << said.out;
    EXPECT_THAT(said.out, HasSubstr("read-close"));
    EXPECT_THAT(said.out, HasSubstr(std::string("every property holds in every "
                                                "execution under ") +
                                    model));
  }
}

TEST(CheckCommand, SaysWhatWasCutOff) {
  const Said said = Call({"check", "--memory-model", "rc11", "--only",
                          "read-edges", "--graphs", "10"});
  EXPECT_EQ(said.status, kExitOk);
  EXPECT_THAT(said.out, HasSubstr("cut off"));
  EXPECT_THAT(said.out, HasSubstr("but for 1 configurations"));
}

TEST(CheckCommand, PrintsGraphsAsJson) {
  const Said said = Call(
      {"check", "--memory-model", "rc11", "--only", "read-close", "--json"});
  EXPECT_EQ(said.status, kExitOk);
  EXPECT_THAT(said.out, HasSubstr("\"memory_model\": \"rc11\""));
  EXPECT_THAT(said.out, HasSubstr("\"blocked\": 1"));
}

TEST(CheckCommand, AnUnknownMemoryModelIsOneSentence) {
  const Said said = Call({"check", "--memory-model", "arm"});
  EXPECT_EQ(said.status, kExitBadUse);
  EXPECT_EQ(said.err.find('\n'), said.err.size() - 1) << said.err;
}

TEST(OrdersCommand, SaysWhatNoticesAndItsStringReplays) {
  const Said said = Call({"orders", "--site", "prepare.recheck"});
  EXPECT_EQ(said.status, kExitOk);
  EXPECT_THAT(said.out, HasSubstr("nobody looks again"));
  const auto at = said.out.find("ng1:");
  ASSERT_NE(at, std::string::npos) << said.out;
  const std::string string = said.out.substr(at, said.out.find('\n', at) - at);
  const Said replayed = Call({"replay", string});
  EXPECT_EQ(replayed.status, kExitFinding) << replayed.err;
  EXPECT_THAT(replayed.out, HasSubstr("L2: "));
  EXPECT_THAT(replayed.out, HasSubstr("<- start, not "));
}

TEST(OrdersCommand, AnUnknownSiteIsOneSentence) {
  const Said said = Call({"orders", "--site", "prepare.rechek"});
  EXPECT_EQ(said.status, kExitBadUse);
  EXPECT_THAT(said.err, HasSubstr("prepare.recheck"));
}

TEST(ReplayCommand, OfACutGraphIsOneSentence) {
  const Said said = Call({"replay", "ng1:rc11:read-close"});
  EXPECT_EQ(said.status, kExitBadUse);
  EXPECT_THAT(said.err, HasSubstr("was it cut?"));
}

}  // namespace
}  // namespace netpoll::tools
