// SPDX-License-Identifier: Apache-2.0
//
// Sockets and process settings for the benchmark programs. They use the system
// directly, so that nothing of what is measured is in the measuring tool. What
// fails ends the program with one sentence.

#ifndef NETPOLL_TOOLS_BENCH_SOCKETS_H_
#define NETPOLL_TOOLS_BENCH_SOCKETS_H_

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "netpoll/tools/common/values.h"

namespace netpoll::bench {

struct Address {
  sockaddr_storage storage;
  socklen_t size;
};

// Nothing if the host is no number, or the path does not fit.
std::optional<Address> Resolve(const tools::Address& address);
// What Resolve takes.
inline constexpr char kAddresses[] = "a numeric HOST:PORT, or unix:PATH";

// A non-blocking listener.
int Listen(const Address& address);

// A connected, non-blocking socket with TCP_NODELAY; -1 with errno set when
// the other side refuses.
int Connect(const Address& address);

// The address that the socket is bound to, as it is written for Resolve.
std::string LocalAddress(int fd);

void SetNoDelay(int fd);

// Restricts this process to one core; below 0: nothing.
void PinToCore(std::int64_t core);

// As many descriptors as the hard limit allows.
void RaiseFileLimit();

// Monotonic.
std::int64_t NowNanos();

}  // namespace netpoll::bench

#endif  // NETPOLL_TOOLS_BENCH_SOCKETS_H_
