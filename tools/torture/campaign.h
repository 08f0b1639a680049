// SPDX-License-Identifier: Apache-2.0
//
// A campaign: rounds until its time is over or something is wrong.
//
// It runs in a child of this process. The parent has it stopped and continued
// where a round wants that (a shell never sees its own child stop), and says
// what became of it if it ends by a signal.

#ifndef NETPOLL_TOOLS_TORTURE_CAMPAIGN_H_
#define NETPOLL_TOOLS_TORTURE_CAMPAIGN_H_

#include "netpoll/tools/torture/options.h"

namespace netpoll::torture {

// Prints the verdict on standard output. 0: nothing is wrong. 1: something is;
// it was said in a line that ends with how to run the same round again. 2: it
// could not be carried out; one sentence on standard error said why. 130, 143:
// SIGINT or SIGTERM ended it within a second; the verdict is of what was done.
//
// Forks: called before there are threads. In the child it returns as well.
int RunCampaign(const Options& options);

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_CAMPAIGN_H_
