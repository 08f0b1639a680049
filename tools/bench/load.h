// SPDX-License-Identifier: Apache-2.0
//
// The load generator's modes. One thread, raw level-triggered epoll: the same
// client for every server.

#ifndef NETPOLL_TOOLS_BENCH_LOAD_H_
#define NETPOLL_TOOLS_BENCH_LOAD_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "netpoll/tools/bench/process_meter.h"
#include "netpoll/tools/bench/sockets.h"
#include "netpoll/tools/common/json.h"

namespace netpoll::bench {

struct LoadOptions {
  Address target{};
  std::int64_t connections = 64;
  // Echo.
  std::int64_t size = 64;     // Bytes of a message.
  std::int64_t depth = 1;     // Messages under way on one connection.
  std::int64_t rate = 0;      // Messages a second, whatever comes back; 0: the
                              // next when one has come back.
  std::int64_t flooders = 0;  // Connections beside them that write at will.
  double warmup = 0.5;        // Seconds.
  double duration = 5;        // Seconds; holding: 0 is until stdin ends.
  pid_t server = 0;           // Measured if not 0.
  MeterOptions meter;
  // Holding.
  std::string text;     // Sent once on every connection.
  bool touch = false;   // Echo one message on each connection first.
  double interval = 0;  // Seconds between the bytes of text; 0: all at once.
};

// Names and values in the order in which they are printed.
class Report {
 public:
  void Add(const std::string& name, std::uint64_t value);
  void Add(const std::string& name, double value);
  // What was measured of the server.
  void AddServer(const tools::JsonObject& server);
  void Print(bool json) const;

 private:
  tools::JsonObject json_;
  std::string text_;
};

// Opens `count` connections; fewer when the server refuses, which is counted in
// `errors`.
std::vector<int> ConnectAll(const Address& target, std::int64_t count,
                            std::uint64_t* errors);

// Every connection sends a message when its echo has come back; or, with a
// rate, the connections in turn when it is time, and latencies count from then,
// whenever the message could be sent.
// Counts only whole phases: nothing is under way when measuring starts or ends.
Report RunEcho(const LoadOptions& options);

// Opens connections, prints "holding", and holds them; reports when the server
// closed how many.
Report RunHold(const LoadOptions& options);

}  // namespace netpoll::bench

#endif  // NETPOLL_TOOLS_BENCH_LOAD_H_
