// SPDX-License-Identifier: Apache-2.0
//
// The calls of an operation that the system carries out by itself
// (io_stages.h, io_flight.h).

#ifndef NETPOLL_RUNTIME_PROTOCOLS_IO_CALLS_H_
#define NETPOLL_RUNTIME_PROTOCOLS_IO_CALLS_H_

#include <cerrno>
#include <cstddef>

#include "netpoll/runtime/protocols/io_stages.h"

namespace netpoll::internal {

template <class Types>
template <class Flight, class HandOver>
typename IoStages<Types>::Flown IoStages<Types>::Fly(Flight& flight,
                                                     HandOver hand_over,
                                                     std::size_t* moved) {
  if (flies_) {
    int result = 0;
    woken_ = false;  // By what is no readiness.
    if (!flight.Take(&result)) return Flown::kUnderWay;
    flies_ = false;
    if (result >= 0) {
      *moved = static_cast<std::size_t>(result);
      return Flown::kMoved;
    }
    if (result == -EAGAIN) return Flown::kGrounded;
    if (result != -ECANCELED && result != -EINTR) {
      Failed(-result);
      return Flown::kFailed;
    }
  }
  // After a recall as well: what had come wins.
  if (recalled_ || !hand_over()) return Flown::kGrounded;
  flies_ = true;
  return Flown::kUnderWay;
}

// The system had its call, and that moved nothing, because its end was asked
// for: maybe by what is gone by now, such as a deadline that was moved. Or it
// must wait for a report, and so ask for reports. Ended: with an error.
template <class Types>
typename IoStages<Types>::Step IoStages<Types>::Unwatched() {
  if (recalled_) {
    recalled_ = false;
    stage_ = Stage::kReset;
    return Cancelled() ? End(WhyCancelled()) : Step::kOn;
  }
  const int error = Types::Host::Watch(*fd_);
  return error == 0 ? Step::kOn : End(Status::FromErrno(error));
}

// Something ends the wait for a completion. It is waited for all the same, from
// now on whatever comes.
template <class Types>
typename IoStages<Types>::Step IoStages<Types>::Recall() {
  stage_ = Stage::kPark;
  if (!recalled_) Types::Host::Recall(*fd_, direction_);
  recalled_ = true;
  return Step::kOn;
}

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_IO_CALLS_H_
