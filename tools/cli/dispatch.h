// SPDX-License-Identifier: Apache-2.0
//
// From the words of a command line to a subcommand.

#ifndef NETPOLL_TOOLS_CLI_DISPATCH_H_
#define NETPOLL_TOOLS_CLI_DISPATCH_H_

#include <span>

#include "netpoll/tools/cli/command.h"

namespace netpoll::tools {

inline constexpr char kVersion[] = "0.1.0";

// Runs the subcommand that `arguments` (without the program's name) ask for,
// or answers --help, --version and mistakes. The exit status.
int Dispatch(std::span<const Command> commands, Arguments arguments);

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_DISPATCH_H_
