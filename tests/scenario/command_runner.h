// SPDX-License-Identifier: Apache-2.0
//
// Runs the built `netpoll` command in a process of its own.

#ifndef NETPOLL_TESTS_SCENARIO_COMMAND_RUNNER_H_
#define NETPOLL_TESTS_SCENARIO_COMMAND_RUNNER_H_

#include <string>
#include <utility>
#include <vector>

#include "netpoll/tests/scenario/run_process.h"

namespace netpoll {

inline CommandResult RunNetpoll(std::vector<std::string> arguments,
                                const std::string& input = "") {
  arguments.insert(arguments.begin(), "tools/cli/netpoll");
  return RunProcess(std::move(arguments), input);
}

}  // namespace netpoll

#endif  // NETPOLL_TESTS_SCENARIO_COMMAND_RUNNER_H_
