// SPDX-License-Identifier: Apache-2.0
//
// Writes the certificate of graphs; with "many", that of more than three
// threads, with "systems", that of backends and of the timer heap. Names after
// that: of those configurations only.

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "netpoll/model/weak/certificate.h"

int main(int argc, char** argv) {
  using netpoll::model::Size;
  Size size = Size::kTwoOrThreeThreads;
  if (argc > 1 && std::strcmp(argv[1], "many") == 0) size = Size::kMoreThreads;
  if (argc > 1 && std::strcmp(argv[1], "systems") == 0) {
    size = Size::kOverSystems;
  }
  std::vector<std::string> names(argv + (argc > 2 ? 2 : argc), argv + argc);
  if (names.empty()) names = netpoll::model::ConfigurationsOf(size);
  const std::string text = netpoll::model::WeakCertificate(names, size, 1);
  std::fputs(text.c_str(), stdout);
  return 0;
}
