// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/select.h"

#include <cstdint>

#include "netpoll/runtime/channel.h"
#include "netpoll/runtime/io_status.h"

namespace netpoll::internal {

bool SelectBase::TryNow() {
  // Whose turn it is.
  static thread_local unsigned turn = 0;
  const int first = static_cast<int>(turn++ % static_cast<unsigned>(count_));
  for (int i = 0; i < count_; ++i) {
    const int at = (first + i) % count_;
    if (ops_[at]->TryNow()) {
      done_ = at;
      return true;
    }
  }
  return false;
}

bool SelectBase::Join() {
  return core_.Join(count_, [this](int i) {
    return ops_[i]->JoinFor(core_.choice(), static_cast<std::uint32_t>(i) + 1,
                            *own_wakeup());
  });
}

bool SelectBase::Leave() { return core_.Leave(); }

int SelectBase::Chosen(IoStatus* status) {
  *status = Ended();
  if (done_ >= 0) return done_;
  return core_.LeaveAll(
      [this](int i, bool chosen) { ops_[i]->LeaveFor(chosen); });
}

}  // namespace netpoll::internal
