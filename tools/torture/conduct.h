// SPDX-License-Identifier: Apache-2.0
//
// One round of a campaign: a runtime, an echo server on every kind of stream,
// clients, and what disturbs them; everything drawn from the round's seed.
//
// What must hold, whatever disturbs:
//   - every byte that arrives is the right one; a stream that nobody broke
//     arrives whole, and then ends
//   - an operation fails only as somebody made it fail
//   - no deadline and no sleep is early, none is lost
//   - every task ends, also after Stop; no descriptor is left, none of the
//     library's would be inherited by a program that the process starts

#ifndef NETPOLL_TOOLS_TORTURE_CONDUCT_H_
#define NETPOLL_TOOLS_TORTURE_CONDUCT_H_

#include "absl/status/status.h"
#include "netpoll/tools/torture/round.h"
#include "netpoll/tools/torture/tally.h"

namespace netpoll::torture {

// Runs a round to its end. Not an error: the backend can't be made just now,
// because a system call was made to fail.
absl::Status RunRound(const RoundSetting& setting, const RoundHost& host,
                      Tally& tally);

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_CONDUCT_H_
