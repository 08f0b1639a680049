// SPDX-License-Identifier: Apache-2.0
//
// The commands of the program whose system calls fail when it wants it.
#include <span>

#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"

namespace netpoll::tools {

std::span<const Command> Commands() { return kTorturing; }

}  // namespace netpoll::tools
