// SPDX-License-Identifier: Apache-2.0
//
// Runs the built `netpoll` command in a process of its own.

#ifndef NETPOLL_TESTS_SCENARIO_COMMAND_RUNNER_H_
#define NETPOLL_TESTS_SCENARIO_COMMAND_RUNNER_H_

#include <string>
#include <vector>

namespace netpoll {

struct CommandResult {
  int status = -1;  // The exit status, or -1 if it did not exit.
  std::string out;
  std::string err;
};

// Relative to where Bazel runs tests.
CommandResult RunNetpoll(std::vector<std::string> arguments,
                         const std::string& input = "");

std::string ReadFile(const std::string& path);

}  // namespace netpoll

#endif  // NETPOLL_TESTS_SCENARIO_COMMAND_RUNNER_H_
