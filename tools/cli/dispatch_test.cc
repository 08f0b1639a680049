// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/dispatch.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/tools/cli/call_command.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"

namespace netpoll::tools {
namespace {

using ::testing::HasSubstr;

TEST(Dispatch, HandsTheRestOfTheWordsToTheCommand) {
  const Command commands[] = {
      {"count", "counts its words",
       [](Arguments words) { return static_cast<int>(words.size()); }}};
  EXPECT_EQ(Call(commands, {"count", "a", "--b", "--help"}).status, 3);
}

TEST(Dispatch, UnknownWordsAreOneSentenceWithTheNearestName) {
  const Said command = Call(Commands(), {"scenaro", "x"});
  EXPECT_EQ(command.status, kExitBadUse);
  EXPECT_EQ(command.err,
            "netpoll: unknown command 'scenaro' (did you mean 'scenario'?); "
            "see netpoll --help\n");
  const Said flag = Call(Commands(), {"--versoin"});
  EXPECT_EQ(flag.status, kExitBadUse);
  EXPECT_THAT(flag.err, HasSubstr("(did you mean '--version'?)"));
  EXPECT_EQ(Call(Commands(), {}).status, kExitBadUse);
}

TEST(Dispatch, HelpListsEveryCommand) {
  const Said help = Call(Commands(), {"--help"});
  EXPECT_EQ(help.status, kExitOk);
  for (const Command& command : Commands()) {
    EXPECT_THAT(help.out, HasSubstr(command.name));
    EXPECT_THAT(help.out, HasSubstr(command.summary));
  }
}

TEST(Dispatch, EveryCommandHasHelpOfItsOwn) {
  for (const Command& command : Commands()) {
    const Said help = Call(Commands(), {command.name, "--help"});
    EXPECT_EQ(help.status, kExitOk) << command.name;
    EXPECT_THAT(help.out,
                HasSubstr(std::string("usage: netpoll ") + command.name));
    EXPECT_THAT(help.out, HasSubstr("exit status:"));
    EXPECT_THAT(help.out, HasSubstr("examples:"));
    EXPECT_EQ(Call(Commands(), {"help", command.name}).out, help.out);
  }
}

TEST(Dispatch, VersionIsOneLine) {
  const Said version = Call(Commands(), {"--version"});
  EXPECT_EQ(version.status, kExitOk);
  EXPECT_EQ(version.out, std::string("netpoll ") + kVersion + "\n");
}

TEST(Backends, TheDefaultRunsHere) {
  const Said text = Call(Commands(), {"backends"});
  EXPECT_EQ(text.status, kExitOk);
  EXPECT_THAT(text.out, HasSubstr("runs here (default)"));
  const Said json = Call(Commands(), {"backends", "--json"});
  EXPECT_EQ(json.status, kExitOk);
  EXPECT_THAT(json.out, HasSubstr("\"runs\": true, \"default\": true"));
}

}  // namespace
}  // namespace netpoll::tools
