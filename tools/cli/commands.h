// SPDX-License-Identifier: Apache-2.0
//
// The table of subcommands. To add one: its function here, its line here or in
// commands.cc, its file in BUILD.bazel.

#ifndef NETPOLL_TOOLS_CLI_COMMANDS_H_
#define NETPOLL_TOOLS_CLI_COMMANDS_H_

#include <span>

#include "netpoll/tools/cli/command.h"

namespace netpoll::tools {

int RunBackends(Arguments arguments);
int RunCheck(Arguments arguments);
int RunDemo(Arguments arguments);
int RunFuzz(Arguments arguments);
int RunReplay(Arguments arguments);
int RunMutants(Arguments arguments);
int RunOrders(Arguments arguments);
int RunScenario(Arguments arguments);
int RunServe(Arguments arguments);
int RunTop(Arguments arguments);
int RunTorture(Arguments arguments);

// Those that explore. They know nothing of the runtime, so a program of these
// alone is built sooner after an edit of core/.
inline constexpr Command kExploring[] = {
    {"check", "explore every interleaving of the poller's state machine",
     RunCheck},
    {"replay", "run one interleaving again, and show it", RunReplay},
    {"fuzz", "run interleavings at random, where they are too many to explore",
     RunFuzz},
    {"mutants", "put every known bug back, and see the checker find it",
     RunMutants},
    {"orders", "make every memory order weaker, and see what notices",
     RunOrders},
};

// Those that verify a server under faults, and say on what they can.
inline constexpr Command kTorturing[] = {
    {"backends", "list the system interfaces, and which run on this machine",
     RunBackends},
    {"torture", "verify an echo server while everything disturbs it",
     RunTorture},
};

// In the order in which --help lists them.
std::span<const Command> Commands();

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_COMMANDS_H_
