// SPDX-License-Identifier: Apache-2.0
//
// Hosts by name: the system's resolver on a BlockingPool, and connects to
// whichever of a host's addresses answers first (RFC 8305, "Happy Eyeballs").
//
//   auto socket = co_await ConnectByName(runtime, pool, "example.org", 80);

#ifndef NETPOLL_RUNTIME_RESOLVE_H_
#define NETPOLL_RUNTIME_RESOLVE_H_

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/blocking_pool.h"
#include "netpoll/runtime/connect.h"
#include "netpoll/runtime/stream.h"
#include "netpoll/runtime/task.h"

namespace netpoll {

class Runtime;

struct ResolveOptions {
  int family = AF_UNSPEC;  // AF_INET, AF_INET6: of that alone.
  // Gives up while the question waits for a thread. One that is being asked
  // goes on: the system's resolver can't be interrupted.
  std::stop_token token = {};
};

// The addresses of a host, each once, in the order that the system prefers; at
// least one. An address as text is answered without a look-up, as is "" (every
// interface, for whoever listens). kNotFound, there is none; kUnavailable, the
// servers of names do not answer now; kResourceExhausted, no descriptors or no
// memory to ask with; what BlockingPool::Run says.
Task<absl::StatusOr<std::vector<SocketAddress>>> Resolve(
    BlockingPool& pool, std::string host, std::uint16_t port,
    ResolveOptions options = {});

struct ConnectByNameOptions {
  // Of each connect; deadline and cancel of all together, as a scope around it
  // (cancel.h). A look-up that has begun takes the time that the system's
  // resolver takes.
  ConnectOptions connect = {};
  // How long a connect has to itself before the next address is tried as well.
  // One that fails has the next one begin at once.
  std::chrono::milliseconds attempt_delay{250};
  int family = AF_UNSPEC;
};

// To the first of `addresses` that answers. IPv6 and IPv4 take turns, beginning
// with the first one's family; within a family the order is kept. The others
// are ended, and have ended when this does. If all fail the error names each.
Task<absl::StatusOr<Socket>> ConnectToAny(Runtime& runtime,
                                          std::vector<SocketAddress> addresses,
                                          ConnectByNameOptions options = {});

// Resolve, and ConnectToAny.
Task<absl::StatusOr<Socket>> ConnectByName(Runtime& runtime, BlockingPool& pool,
                                           std::string host, std::uint16_t port,
                                           ConnectByNameOptions options = {});

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_RESOLVE_H_
