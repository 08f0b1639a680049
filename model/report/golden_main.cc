// SPDX-License-Identifier: Apache-2.0
//
// Prints model/report/certificate.golden or docs/semaphore-states.md; with
// `closed`, `deep` or `deep-closed` the file of that name.

#include <cstdio>
#include <cstring>

#include "netpoll/model/report/golden.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "deep") == 0) {
    std::fputs(netpoll::model::DeepLines().c_str(), stdout);
    return 0;
  }
  for (const bool deep : {false, true}) {
    if (argc < 2 ||
        std::strcmp(argv[1], deep ? "deep-closed" : "closed") != 0) {
      continue;
    }
    const auto closed = netpoll::model::ExploreClosed(deep ? 1 : 2, deep);
    std::fputs(closed.table.c_str(), stdout);
    std::fputs(closed.broken.c_str(), stderr);
    return closed.broken.empty() ? 0 : 1;
  }
  const bool states = argc > 1 && std::strcmp(argv[1], "states") == 0;
  const netpoll::model::Golden golden = netpoll::model::ExploreForGolden(2);
  std::fputs((states ? golden.states_page : golden.certificate).c_str(),
             stdout);
  return golden.broken.empty() ? 0 : 1;
}
