// SPDX-License-Identifier: Apache-2.0
//
// What an attempt of an operation says of what came of it (io_stages.h).

#ifndef NETPOLL_RUNTIME_PROTOCOLS_IO_ATTEMPTS_H_
#define NETPOLL_RUNTIME_PROTOCOLS_IO_ATTEMPTS_H_

#include <cerrno>
#include <cstddef>

#include "netpoll/core/types.h"
#include "netpoll/runtime/protocols/io_stages.h"

namespace netpoll::internal {

// Looks for the mark after the read: an event that was published before it may
// have announced the end of the stream already, a later one will wake us.
template <class Types>
void IoStages<Types>::Received(std::size_t got, std::size_t room) {
  bytes_ = got;
  if (got == 0) [[unlikely]]
    return ReceivedNothing(room > 0);
  fd_->drained =
      got < room && fd_->short_reads_drain && !fd_->desc->NoMoreEdges();
}

// An end that Stop has made of the peer is no end of what it had to say.
template <class Types>
void IoStages<Types>::ReceivedNothing(bool room) {
  if (room && fd_->scheduler.stopping()) {
    status_ = Status::FromPoll(PollError::kClosing);
  }
  fd_->drained = false;
}

template <class Types>
bool IoStages<Types>::FailOrBlock(int error) {
  if (error == EAGAIN || error == EWOULDBLOCK) return false;
  Failed(error);
  return true;
}

// What Stop did to the peer is no news of the peer.
template <class Types>
void IoStages<Types>::Failed(int error) {
  status_ = fd_->scheduler.stopping() ? Status::FromPoll(PollError::kClosing)
                                      : Status::FromErrno(error);
}

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_IO_ATTEMPTS_H_
