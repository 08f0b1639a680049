// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/dispatch.h"

#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {
namespace {

void PrintHelp(std::span<const Command> commands) {
  std::printf(
      "netpoll: an integrated network poller, and tools to look at it\n"
      "\n"
      "usage: netpoll COMMAND [ARGUMENTS]\n"
      "       netpoll COMMAND --help\n"
      "       netpoll --help | --version\n"
      "\n"
      "commands:\n");
  for (const Command& command : commands) {
    std::printf("  %-12s %s\n", command.name, command.summary);
  }
  std::printf(
      "\n"
      "exit status:\n"
      "  0  done\n"
      "  1  done, and something was found that should not be\n"
      "  2  bad use, or the command could not be carried out\n"
      "\n"
      "examples:\n"
      "  netpoll demo\n"
      "  netpoll serve http --listen 127.0.0.1:8080\n"
      "  netpoll backends\n"
      "  netpoll scenario --help\n");
}

int Unknown(std::span<const Command> commands, const std::string& word) {
  std::vector<std::string_view> names;
  for (const Command& command : commands) names.push_back(command.name);
  const bool flag = word.starts_with("-");
  if (flag) names = {"--help", "--version"};
  std::fprintf(stderr, "netpoll: unknown %s %s%s; see netpoll --help\n",
               flag ? "flag" : "command", Quoted(word).c_str(),
               DidYouMean(word, names).c_str());
  return kExitBadUse;
}

}  // namespace

int Dispatch(std::span<const Command> commands, Arguments arguments) {
  if (arguments.empty()) {
    std::fprintf(stderr, "netpoll: no command given; see netpoll --help\n");
    return kExitBadUse;
  }
  const std::string& word = arguments[0];
  if (word == "--help" || word == "-h" || word == "help") {
    if (word == "help" && arguments.size() > 1) {
      const std::string swapped[] = {arguments[1], "--help"};
      return Dispatch(commands, swapped);
    }
    PrintHelp(commands);
    return kExitOk;
  }
  if (word == "--version") {
    std::printf("netpoll %s\n", kVersion);
    return kExitOk;
  }
  for (const Command& command : commands) {
    if (word == command.name) return command.run(arguments.subspan(1));
  }
  return Unknown(commands, word);
}

}  // namespace netpoll::tools
