// SPDX-License-Identifier: Apache-2.0
//
// The requests that the io_uring backend makes. Pure.

#ifndef NETPOLL_BACKENDS_IO_URING_REQUESTS_H_
#define NETPOLL_BACKENDS_IO_URING_REQUESTS_H_

#include <linux/io_uring.h>
#include <poll.h>

#include <bit>
#include <cstdint>

#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {

// What is asked of every descriptor.
inline constexpr short kRingEvents = POLLIN | POLLOUT | POLLRDHUP | POLLPRI;

// A poll for the life of the descriptor.
inline io_uring_sqe RingPollRequest(Fd fd, EventKey key) {
  constexpr std::uint32_t kMask = kRingEvents;
  io_uring_sqe request{};
  request.opcode = IORING_OP_POLL_ADD;
  request.fd = fd;
  request.len = IORING_POLL_ADD_MULTI;
  // Two halves, each in the machine's order.
  request.poll32_events = std::endian::native == std::endian::big
                              ? kMask << 16 | kMask >> 16
                              : kMask;
  request.user_data = key.bits();
  return request;
}

// Ends the poll of `key`. Not IORING_OP_POLL_REMOVE, which does nothing while
// an event is on its way. Its own completion is told under `own`.
inline io_uring_sqe RingCancelRequest(std::uint64_t key, EventKey own,
                                      std::uint8_t flags) {
  io_uring_sqe request{};
  request.opcode = IORING_OP_ASYNC_CANCEL;
  request.fd = -1;
  request.addr = key;
  request.flags = flags;
  request.user_data = own.bits();
  return request;
}

// Nothing but a completion.
inline io_uring_sqe RingNothingRequest(EventKey own, std::uint8_t flags) {
  io_uring_sqe request{};
  request.opcode = IORING_OP_NOP;
  request.fd = -1;
  request.flags = flags;
  request.user_data = own.bits();
  return request;
}

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IO_URING_REQUESTS_H_
