// SPDX-License-Identifier: Apache-2.0
//
// The tasks that a round starts.

#ifndef NETPOLL_TOOLS_TORTURE_ROLES_H_
#define NETPOLL_TOOLS_TORTURE_ROLES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "netpoll/runtime/address.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/torture/round.h"

namespace netpoll::torture {

// Accepts until the listener is closed; serves each connection.
Task<> AcceptAll(Round& round, Listener& listener, std::uint64_t seed);

// Connects to one of `servers`, or makes a pair or pipes, and converses.
Task<> Client(Round& round, const std::vector<SocketAddress>& servers,
              std::uint64_t seed);

// Connects that are refused, that end at a deadline before a backlog that is
// full, that are given no time.
Task<> Connects(Round& round, const std::vector<SocketAddress>& servers,
                std::uint64_t seed);

// Datagrams to a reflector and back: UDP over IPv4, IPv6, and Unix.
Task<> Datagrams(Round& round, std::uint64_t seed);

// Where servers listen: TCP over IPv4 and IPv6, Unix. `number` is the round's
// own for this address.
std::vector<SocketAddress> ServerAddresses(const Round& round,
                                           std::uint64_t number);

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_ROLES_H_
