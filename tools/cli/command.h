// SPDX-License-Identifier: Apache-2.0
//
// What a subcommand of `netpoll` is. Each lives in a file of its own and is
// listed in commands.cc.

#ifndef NETPOLL_TOOLS_CLI_COMMAND_H_
#define NETPOLL_TOOLS_CLI_COMMAND_H_

#include "netpoll/tools/common/flags.h"

namespace netpoll::tools {

struct Command {
  const char* name;
  const char* summary;  // One line, for the list of commands.
  int (*run)(Arguments arguments);
};

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_COMMAND_H_
