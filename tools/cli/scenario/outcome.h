// SPDX-License-Identifier: Apache-2.0
//
// What one statement of a scenario came to.

#ifndef NETPOLL_TOOLS_CLI_SCENARIO_OUTCOME_H_
#define NETPOLL_TOOLS_CLI_SCENARIO_OUTCOME_H_

#include <string>
#include <utility>

namespace netpoll::scenario {

struct Outcome {
  std::string result;  // To print; empty if the statement prints nothing.
  std::string error;   // Not empty: a rule was broken, the run ends.

  static Outcome Nothing() { return {}; }
  static Outcome Result(std::string text) { return {std::move(text), {}}; }
  static Outcome Wrong(std::string text) { return {{}, std::move(text)}; }
};

}  // namespace netpoll::scenario

#endif  // NETPOLL_TOOLS_CLI_SCENARIO_OUTCOME_H_
