// SPDX-License-Identifier: Apache-2.0
//
// The `netpoll` command.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/dispatch.h"

int main(int argc, char** argv) {
  namespace tools = netpoll::tools;
  // Whoever reads gets each line as it is made, also through a pipe.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0),
                                           argv + argc);
  const int status = tools::Dispatch(tools::Commands(), arguments);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::fprintf(stderr, "netpoll: cannot write to standard output: %s\n",
                 std::strerror(errno));
    return tools::kExitBadUse;
  }
  return status;
}
