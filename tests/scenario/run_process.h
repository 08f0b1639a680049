// SPDX-License-Identifier: Apache-2.0
//
// Runs a program in a process of its own, from input to output.

#ifndef NETPOLL_TESTS_SCENARIO_RUN_PROCESS_H_
#define NETPOLL_TESTS_SCENARIO_RUN_PROCESS_H_

#include <string>
#include <vector>

namespace netpoll {

struct CommandResult {
  int status = -1;  // The exit status, or -1 if it did not exit.
  std::string out;
  std::string err;
};

// `command` is the program, relative to where Bazel runs tests, and its
// arguments.
CommandResult RunProcess(std::vector<std::string> command,
                         const std::string& input = "");

}  // namespace netpoll

#endif  // NETPOLL_TESTS_SCENARIO_RUN_PROCESS_H_
