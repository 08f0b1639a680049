// SPDX-License-Identifier: Apache-2.0
//
// Writes the certificate of graphs; with "many", that of more than three
// threads.

#include <cstdio>
#include <cstring>

#include "netpoll/model/weak/certificate.h"

int main(int argc, char** argv) {
  using netpoll::model::Size;
  const bool many = argc > 1 && std::strcmp(argv[1], "many") == 0;
  const Size size = many ? Size::kMoreThreads : Size::kTwoOrThreeThreads;
  const std::string text = netpoll::model::WeakCertificate(
      netpoll::model::ConfigurationsOf(size), size, 1);
  std::fputs(text.c_str(), stdout);
  return 0;
}
