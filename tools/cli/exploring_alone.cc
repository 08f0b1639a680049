// SPDX-License-Identifier: Apache-2.0
//
// The commands of a program that explores, and does nothing else.
#include <span>

#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"

namespace netpoll::tools {

std::span<const Command> Commands() { return kExploring; }

}  // namespace netpoll::tools
