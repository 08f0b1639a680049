// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes that the worker's ring carries out. Where it can't (the task
// is another runtime's, or there is no room) they are made as anywhere.

#include <algorithm>
#include <cstddef>

#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/protocols/io_calls.h"
#include "netpoll/runtime/ring_call.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/worker.h"
#include "netpoll/runtime/worker_ring.h"

namespace netpoll::internal {
namespace {

// What one call takes at most: with a fast reader it would not end.
constexpr std::size_t kMostBytes = 256 << 10;

// That of the thread, if it is a worker of the descriptor's runtime. Where
// these calls are somebody else's, they are the system, and it has no rings.
WorkerRing* RingFor(const FdState& fd) {
  Worker* const worker = this_worker;
  const bool its = worker != nullptr && worker->scheduler == &fd.scheduler;
  const bool real = sys.read == Sys{}.read && sys.send == Sys{}.send;
  return its && real ? worker->ring : nullptr;
}

}  // namespace

// False: it does not. `ended`: the attempt's answer.
bool ReadOp::Calls(bool* ended) {
  RingCall& call = fd_->calls->receive;
  const auto receive = [this, &call] {
    WorkerRing* const ring = buffer_.empty() ? nullptr : RingFor(*fd_);
    return ring != nullptr &&
           ring->Receive(call, fd(), buffer_.data(), buffer_.size());
  };
  std::size_t got = 0;
  const Flown flown = Fly(call.flight, receive, &got);
  *ended = flown != Flown::kUnderWay;
  if (flown == Flown::kMoved) Received(got, buffer_.size());
  return flown != Flown::kGrounded;
}

bool WriteOp::Calls(bool* ended) {
  RingCall& call = fd_->calls->send;
  const auto send = [this, &call] {
    WorkerRing* const ring = RingFor(*fd_);
    const std::size_t size = std::min(data_.size() - bytes_, kMostBytes);
    return ring != nullptr &&
           ring->Send(call, fd(), data_.data() + bytes_, size);
  };
  std::size_t put = 0;
  const Flown flown = Fly(call.flight, send, &put);
  *ended = flown != Flown::kUnderWay;
  if (flown == Flown::kMoved) {
    bytes_ += put;
    *ended = bytes_ == data_.size() || Continue();
  }
  return flown != Flown::kGrounded;
}

}  // namespace netpoll::internal
