// SPDX-License-Identifier: Apache-2.0
//
// source_digest SOURCE...: prints a digest of some sources, as a C++ string of
// eight hexadecimal digits. It tells one version of what is explored from
// another; comments do not count. FNV-1a: no one is to be kept from making two
// versions alike.

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "netpoll/model/source/comments.h"

int main(int argc, char** argv) {
  std::uint64_t hash = 14695981039346656037u;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) {
      std::cerr << "source_digest: can't read " << argv[i] << "\n";
      return 1;
    }
    for (const char c : netpoll_model::WithoutComments(text.str())) {
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    }
  }
  std::printf("\"%08x\"\n", static_cast<unsigned>(hash ^ hash >> 32));
  return 0;
}
