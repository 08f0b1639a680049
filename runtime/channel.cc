// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/channel.h"

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/queue_wait.h"

namespace netpoll::internal {

bool ChannelOp::TryNow() {
  WaiterList wake;
  outcome_ = Try(wake);
  WakeWaiters(wake);
  return outcome_ != ChannelOutcome::kWaits;
}

bool ChannelOp::Join() {
  WaiterList wake;
  outcome_ = JoinQueue(wake);
  WakeWaiters(wake);
  return outcome_ == ChannelOutcome::kWaits;
}

bool ChannelOp::Leave() {
  outcome_ = LeaveQueue();
  return outcome_ != ChannelOutcome::kWaits;
}

IoStatus ChannelOp::Done() {
  if (const IoStatus ended = Ended(); !ended.ok()) return ended;
  // Granted while it was parked.
  if (outcome_ == ChannelOutcome::kWaits) outcome_ = entry_.outcome.Get();
  switch (outcome_) {
    case ChannelOutcome::kDone:
      return {};
    case ChannelOutcome::kClosed:
      return IoStatus::FromPoll(PollError::kClosing);
    case ChannelOutcome::kWaits:
    case ChannelOutcome::kDecided:
      break;
  }
  return IoStatus::Cancelled();  // Another of a Select was chosen.
}

ChannelOutcome ChannelOp::JoinFor(Choice<StdEnv>& choice, std::uint32_t which,
                                  Wakeup<StdEnv>& wakeup) {
  entry_.choice = &choice;
  entry_.which = which;
  entry_.wakeup = &wakeup;
  Join();
  return outcome_;
}

void ChannelOp::LeaveFor(bool chosen) {
  const ChannelOutcome left = LeaveQueue();
  outcome_ = chosen ? left : ChannelOutcome::kDecided;
}

}  // namespace netpoll::internal
