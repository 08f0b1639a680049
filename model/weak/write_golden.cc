// SPDX-License-Identifier: Apache-2.0
//
// Writes the certificate of graphs ("few", or nothing); with "many", that of
// more than three threads, with "systems", that of backends and of the timer
// heap. Names after that: of those configurations only.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "netpoll/model/weak/certificate.h"

int main(int argc, char** argv) {
  using netpoll::model::Size;
  Size size = Size::kTwoOrThreeThreads;
  if (argc > 1 && std::strcmp(argv[1], "many") == 0) {
    size = Size::kMoreThreads;
  } else if (argc > 1 && std::strcmp(argv[1], "systems") == 0) {
    size = Size::kOverSystems;
  } else if (argc > 1 && std::strcmp(argv[1], "few") != 0) {
    std::fprintf(stderr,
                 "usage: write_golden [few|many|systems [CONFIGURATION...]], "
                 "not \"%s\"\n",
                 argv[1]);
    return 2;
  }
  std::vector<std::string> names(argv + (argc > 2 ? 2 : argc), argv + argc);
  const std::vector<std::string> all = netpoll::model::ConfigurationsOf(size);
  for (const std::string& name : names) {
    if (std::find(all.begin(), all.end(), name) != all.end()) continue;
    std::fprintf(stderr, "write_golden: there is no \"%s\" among %s\n",
                 name.c_str(), argv[1]);
    return 2;
  }
  if (names.empty()) names = all;
  const std::string text = netpoll::model::WeakCertificate(names, size, 1);
  std::fputs(text.c_str(), stdout);
  return 0;
}
