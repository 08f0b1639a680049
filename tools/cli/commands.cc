// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/commands.h"

#include <span>

#include "netpoll/tools/cli/command.h"

namespace netpoll::tools {
namespace {

constexpr Command kCommands[] = {
    {"demo", "watch an echo server at work on this machine for a few seconds",
     RunDemo},
    {"serve", "serve echo or http until a signal stops it", RunServe},
    {"scenario", "run a scenario file on one poller, and print what it saw",
     RunScenario},
    {"backends", "list the system interfaces, and which run on this machine",
     RunBackends},
    {"check", "explore every interleaving of the poller's state machine",
     RunCheck},
    {"replay", "run one interleaving again, and show it", RunReplay},
    {"fuzz", "run interleavings at random, where they are too many to explore",
     RunFuzz},
    {"torture", "verify an echo server while everything disturbs it",
     RunTorture},
    {"mutants", "put every known bug back, and see the checker find it",
     RunMutants},
    {"orders", "make every memory order weaker, and see what notices",
     RunOrders},
};

}  // namespace

std::span<const Command> Commands() { return kCommands; }

}  // namespace netpoll::tools
