// SPDX-License-Identifier: Apache-2.0
//
// What check need not explore, since what was changed is in none of it, and the
// sentence that says so.

#ifndef NETPOLL_TOOLS_CLI_LEFT_OUT_H_
#define NETPOLL_TOOLS_CLI_LEFT_OUT_H_

#include <string>
#include <vector>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/tools/cli/held.h"

namespace netpoll::tools {

// What was not explored, since no edit changed it.
struct LeftOut {
  std::vector<std::string> configurations;
  std::string text;  // One sentence: how many, why, and which.
};

// Where tools/netpoll keeps what held; empty: nowhere.
std::string RecordOfThisCheckout();

struct Split {
  std::vector<model::Scenario> unchanged;
  LeftOut left_out;
};

// After an edit of the shipped source: takes away what it cannot change. All
// that is left if nothing is changed: then the question is another one.
Split TakeUnchanged(const HeldRecord& held,
                    std::vector<model::Scenario>* selected);

// What a mutant was compiled without.
LeftOut NotInMutant(const model::Variant& mutant);

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_LEFT_OUT_H_
