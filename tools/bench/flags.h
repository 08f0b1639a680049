// SPDX-License-Identifier: Apache-2.0
//
// Command lines of the benchmark programs: long options only, one sentence and
// exit status 2 for bad use.

#ifndef NETPOLL_TOOLS_BENCH_FLAGS_H_
#define NETPOLL_TOOLS_BENCH_FLAGS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace netpoll::bench {

// One option. The target holds the default until the option is given. A bool
// takes no value; a number is a count, a double seconds or a rate.
struct Flag {
  const char* name;
  std::variant<bool*, std::int64_t*, double*, std::string*> target;
  const char* help;
};

// Parses `--name value` and `--name=value`. Prints help and exits for --help,
// exits with 2 for anything it doesn't know, and for negative numbers.
void ParseFlags(int argc, char** argv, const char* summary,
                const std::vector<Flag>& flags);

// Prints "PROGRAM: " and the sentence to stderr and exits.
[[noreturn]] void BadUse(const std::string& sentence);  // With 2.
[[noreturn]] void Die(const std::string& sentence);     // With 1.
[[noreturn]] void DieErrno(const std::string& what);    // With 1.

}  // namespace netpoll::bench

#endif  // NETPOLL_TOOLS_BENCH_FLAGS_H_
