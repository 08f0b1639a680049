// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/commands.h"

#include <iterator>
#include <span>
#include <vector>

#include "netpoll/tools/cli/command.h"

namespace netpoll::tools {
namespace {

constexpr Command kOthers[] = {
    {"demo", "watch an echo server at work on this machine for a few seconds",
     RunDemo},
    {"serve", "serve echo or http until a signal stops it", RunServe},
    {"top", "show what a server of this machine does", RunTop},
    {"scenario", "run a scenario file on one poller, and print what it saw",
     RunScenario},
};

}  // namespace

std::span<const Command> Commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> commands(std::begin(kOthers), std::end(kOthers));
    commands.insert(commands.end(), std::begin(kTorturing),
                    std::end(kTorturing));
    commands.insert(commands.end(), std::begin(kExploring),
                    std::end(kExploring));
    return commands;
  }();
  return all;
}

}  // namespace netpoll::tools
