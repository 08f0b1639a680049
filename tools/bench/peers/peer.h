// SPDX-License-Identifier: Apache-2.0
//
// What the echo servers of peers share: how they are called, and what they say.

#ifndef NETPOLL_TOOLS_BENCH_PEERS_PEER_H_
#define NETPOLL_TOOLS_BENCH_PEERS_PEER_H_

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace peer {

// As netpoll's, of each connection.
inline constexpr int kBuffer = 16384;
inline constexpr int kSeconds = 30;  // Until the deadline of a read.

[[noreturn]] inline void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

// Whether each read has a deadline.
inline bool WantsDeadlines(int count, char** arguments) {
  if (count == 1) return false;
  if (count == 2 && std::strcmp(arguments[1], "--deadlines") == 0) return true;
  std::fprintf(stderr, "%s: takes nothing but --deadlines\n", arguments[0]);
  std::exit(2);
}

// A client that is gone is told of by the write.
inline void SayWhere(int port) {
  std::signal(SIGPIPE, SIG_IGN);
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
}

}  // namespace peer

#endif  // NETPOLL_TOOLS_BENCH_PEERS_PEER_H_
