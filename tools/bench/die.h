// SPDX-License-Identifier: Apache-2.0
//
// How a benchmark program ends when something fails: one sentence on standard
// error, and exit status 1.

#ifndef NETPOLL_TOOLS_BENCH_DIE_H_
#define NETPOLL_TOOLS_BENCH_DIE_H_

#include <errno.h>
#include <string.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace netpoll::bench {

[[noreturn]] inline void Die(const std::string& sentence) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name,
               sentence.c_str());
  std::exit(1);
}

// `what`, and the system's words for errno.
[[noreturn]] inline void DieErrno(const std::string& what) {
  Die(what + ": " + ::strerror(errno));
}

}  // namespace netpoll::bench

#endif  // NETPOLL_TOOLS_BENCH_DIE_H_
