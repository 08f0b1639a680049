// SPDX-License-Identifier: Apache-2.0
//
// Messages: what sockets move that keep borders (datagrams, SOCK_SEQPACKET).
// One call moves one message, whole.

#ifndef NETPOLL_RUNTIME_MESSAGE_H_
#define NETPOLL_RUNTIME_MESSAGE_H_

#include "netpoll/core/cpp20.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace netpoll::internal {

// Each answers 0 or an errno, and sets `*bytes` to what was moved. EAGAIN: it
// would block.

// EMSGSIZE: the message was longer than the buffers, which are full; the rest
// is lost.
int ReceiveMessage(int fd, std::span<const iovec> buffers, std::size_t* bytes);

// EMSGSIZE: more than the socket, or one call, takes; nothing was sent.
int SendMessage(int fd, std::span<const iovec> buffers, std::size_t* bytes);

// After a message of no bytes: whether that was the end of the connection
// instead, which looks alike, and nothing but the end will come.
bool AtEnd(int fd);

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_MESSAGE_H_
