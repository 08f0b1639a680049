// SPDX-License-Identifier: Apache-2.0
//
// Writes the certificate of graphs; with "many", that of more than three
// threads, with "systems", that of backends and of the timer heap.

#include <cstdio>
#include <cstring>

#include "netpoll/model/weak/certificate.h"

int main(int argc, char** argv) {
  using netpoll::model::Size;
  Size size = Size::kTwoOrThreeThreads;
  if (argc > 1 && std::strcmp(argv[1], "many") == 0) size = Size::kMoreThreads;
  if (argc > 1 && std::strcmp(argv[1], "systems") == 0) {
    size = Size::kOverSystems;
  }
  const std::string text = netpoll::model::WeakCertificate(
      netpoll::model::ConfigurationsOf(size), size, 1);
  std::fputs(text.c_str(), stdout);
  return 0;
}
