// SPDX-License-Identifier: Apache-2.0
//
// What a campaign prints.

#ifndef NETPOLL_TOOLS_TORTURE_VERDICT_H_
#define NETPOLL_TOOLS_TORTURE_VERDICT_H_

#include <cstdint>
#include <string>

#include "netpoll/tools/torture/options.h"
#include "netpoll/tools/torture/tally.h"

namespace netpoll::torture {

// Which round it is.
struct RoundName {
  std::uint64_t seed = 0;
  std::string backend;
  int threads = 0;
};

// The command that runs a round again.
std::string ReplayCommand(const Options& options, const RoundName& round);

void PrintGood(const Options& options, const Tally& tally, double seconds);

// `sentence` may have more lines: they follow.
void PrintWrong(const Options& options, const Tally& tally,
                const RoundName& round, const std::string& sentence);

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_VERDICT_H_
