// SPDX-License-Identifier: Apache-2.0
//
// What a subcommand of `netpoll` is. Each lives in a file of its own and is
// listed in commands.cc.

#ifndef NETPOLL_TOOLS_CLI_COMMAND_H_
#define NETPOLL_TOOLS_CLI_COMMAND_H_

#include <span>
#include <string>

namespace netpoll::cli {

// Exit statuses, the same for every command.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFinding = 1;
inline constexpr int kExitBadUse = 2;

// The words after the subcommand's name.
using Arguments = std::span<const std::string>;

struct Command {
  const char* name;
  const char* summary;  // One line, for the list of commands.
  int (*run)(Arguments arguments);
};

}  // namespace netpoll::cli

#endif  // NETPOLL_TOOLS_CLI_COMMAND_H_
