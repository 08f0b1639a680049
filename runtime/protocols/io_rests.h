// SPDX-License-Identifier: Apache-2.0
//
// The rests of an operation between two tries (io_stages.h).

#ifndef NETPOLL_RUNTIME_PROTOCOLS_IO_RESTS_H_
#define NETPOLL_RUNTIME_PROTOCOLS_IO_RESTS_H_

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "netpoll/runtime/protocols/io_stages.h"

namespace netpoll::internal {

// The call would block although a wait had ended, or no event will tell. Goes
// on to the wait, with a rest if this happens again and again. Ended: there is
// no memory to do so.
template <class Types>
typename IoStages<Types>::Step IoStages<Types>::Fruitless() {
  auto& poller = fd_->poller;
  // Where edges are reported, each report of an error is news of its own.
  if (!no_event_ && !poller.reports_levels() && fd_->desc->ErrorReported()) {
    return Step::kOn;
  }
  const std::int64_t now = Types::Host::Now();
  const auto millis = static_cast<std::uint32_t>(now / 1'000'000);
  if (!rested_ && millis - looked_ >= kWaitedMillis) fruitless_ = 0;
  rested_ = false;
  woken_ = false;
  looked_ = millis;
  if (fruitless_ < UINT8_MAX) ++fruitless_;
  const int rests = static_cast<int>(fruitless_) - (no_event_ ? 0 : kPatience);
  if (rests <= 0 || Rest(now, rests)) return Step::kOn;
  return End(Status::FromErrno(ENOMEM));
}

// Begins the rest of that number.
template <class Types>
bool IoStages<Types>::Rest(std::int64_t now, int rests) {
  auto* const timer = fd_->Retry(direction_);
  if (timer == nullptr) return false;
  const std::int64_t pace = kShortestRest << std::min(rests - 1, 7);
  timer->until = now + std::min(pace, kLongestRest);
  fd_->Ref();
  resting_ = fd_->scheduler.StartTimer(timer, timer->until);
  if (!resting_) fd_->Unref();
  return resting_;
}

// Somebody is awake: events don't count until the time has come. (Stop has
// every timer come early, when it has closed everything.)
template <class Types>
bool IoStages<Types>::RestIsOver() {
  const std::int64_t until = fd_->Retry(direction_)->until;
  if (Types::Host::Now() < until) return false;
  StopResting();
  rested_ = true;
  return true;
}

template <class Types>
void IoStages<Types>::StopResting() {
  resting_ = false;
  if (fd_->scheduler.StopTimer(fd_->Retry(direction_))) fd_->Unref();
}

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_IO_RESTS_H_
