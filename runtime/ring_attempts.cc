// SPDX-License-Identifier: Apache-2.0
//
// What the worker's ring carries out: reads, writes, and waits for who connects
// or is connected to. Where it can't (the task is another runtime's, or there
// is no room) they are made as anywhere.

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_host.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/listener.h"
#include "netpoll/runtime/protocols/io_calls.h"
#include "netpoll/runtime/ring_call.h"
#include "netpoll/runtime/worker_ring.h"

namespace netpoll::internal {
namespace {

// What one call takes at most: with a fast reader it would not end.
constexpr std::size_t kMostBytes = 256 << 10;

}  // namespace

bool ReadOp::AttemptByRing() {
  RingCall& call = fd_->calls->receive;
  const auto receive = [this, &call] {
    WorkerRing* const ring = buffer_.empty() ? nullptr : RingFor(*fd_);
    return ring != nullptr &&
           ring->Receive(call, fd(), buffer_.data(), buffer_.size());
  };
  std::size_t got = 0;
  const Flown flown = Fly(call.flight, receive, &got);
  if (flown == Flown::kUnderWay) return false;
  if (flown == Flown::kMoved && got > 0) [[likely]] {
    Received(got, buffer_.size());
    return true;
  }
  return AtEnd(flown == Flown::kGrounded);
}

// It moved nothing.
bool ReadOp::AtEnd(bool grounded) {
  const bool ended = !grounded || PlainlyElsewhere();
  if (!grounded && status_.ok()) Received(0, buffer_.size());
  // An end of the stream that comes with a close is no news.
  if (ended && bytes_ == 0 && status_.ok() && fd_->lock.closed()) {
    status_ = IoStatus::FromPoll(PollError::kClosing);
  }
  return ended;
}

bool WriteOp::AttemptByRing() {
  RingCall& call = fd_->calls->send;
  const auto send = [this, &call] {
    WorkerRing* const ring = RingFor(*fd_);
    const std::size_t size = std::min(data_.size() - bytes_, kMostBytes);
    return ring != nullptr &&
           ring->Send(call, fd(), data_.data() + bytes_, size);
  };
  std::size_t put = 0;
  switch (Fly(call.flight, send, &put)) {
    case Flown::kUnderWay:
      return false;
    case Flown::kMoved:
      bytes_ += put;
      return bytes_ == data_.size() || Continue();
    case Flown::kFailed:
      return true;
    case Flown::kGrounded:
      break;
  }
  return PlainlyElsewhere();
}

// Those that have come are taken at once, however many: the ring waits for the
// next one.
bool AcceptOp::AttemptByRing() {
  RingCall& call = fd_->calls->receive;
  bool tried = false;
  bool ended = false;
  const auto accept = [&] {
    tried = true;
    ended = Plainly();
    WorkerRing* const ring = ended ? nullptr : RingFor(*fd_);
    if (ring == nullptr) return false;
    *peer_.mutable_size() = SocketAddress::kCapacity;
    return ring->Accept(call, fd(), peer_.data(), peer_.mutable_size());
  };
  for (;;) {
    std::size_t accepted = 0;
    switch (Fly(call.flight, accept, &accepted)) {
      case Flown::kUnderWay:
        return false;
      case Flown::kMoved:
        accepted_ = static_cast<int>(accepted);
        return true;
      case Flown::kFailed:
        if (status_.error_number() != ECONNABORTED) return true;
        status_ = IoStatus();
        continue;
      case Flown::kGrounded:
        return tried ? ended : Plainly();
    }
  }
}

}  // namespace netpoll::internal
