// SPDX-License-Identifier: Apache-2.0
//
// The matrix of mutants as its golden file has it.

#ifndef NETPOLL_MODEL_REPORT_KILLS_H_
#define NETPOLL_MODEL_REPORT_KILLS_H_

#include <string>
#include <string_view>
#include <vector>

namespace netpoll::model {

// One line of it: "  read-close   17 steps, L2".
struct Kill {
  std::string configuration;
  int steps = 0;  // 0: not told.
  std::string law;
};

struct KilledMutant {
  std::string name;
  std::vector<Kill> kills;  // None: it survives.
};

std::vector<KilledMutant> ReadKills(std::string_view golden);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_KILLS_H_
