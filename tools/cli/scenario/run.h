// SPDX-License-Identifier: Apache-2.0
//
// A whole scenario: lines in, results out.

#ifndef NETPOLL_TOOLS_CLI_SCENARIO_RUN_H_
#define NETPOLL_TOOLS_CLI_SCENARIO_RUN_H_

#include <cstdio>
#include <functional>
#include <string>

#include "netpoll/tools/cli/scenario/outcome.h"
#include "netpoll/tools/cli/scenario/statement.h"

namespace netpoll::scenario {

using Executor = std::function<Outcome(const Statement&)>;

// Runs the lines of `input`, which messages call `name`, one by one. Results
// go to `out`, each as soon as it is known; the first mistake goes to `err` as
// "NAME:LINE: what is wrong" and ends the run. True if there was none.
bool Run(int input, const std::string& name, const Executor& execute,
         std::FILE* out, std::FILE* err);

}  // namespace netpoll::scenario

#endif  // NETPOLL_TOOLS_CLI_SCENARIO_RUN_H_
