// SPDX-License-Identifier: Apache-2.0
//
// Prints model/report/certificate.golden or docs/semaphore-states.md.

#include <cstdio>
#include <cstring>

#include "netpoll/model/report/golden.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "deep") == 0) {
    std::fputs(netpoll::model::DeepLines().c_str(), stdout);
    return 0;
  }
  const bool states = argc > 1 && std::strcmp(argv[1], "states") == 0;
  const netpoll::model::Golden golden = netpoll::model::ExploreForGolden(2);
  std::fputs((states ? golden.states_page : golden.certificate).c_str(),
             stdout);
  return golden.broken.empty() ? 0 : 1;
}
