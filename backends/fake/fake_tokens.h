// SPDX-License-Identifier: Apache-2.0
//
// The wake-up object of the fake system: tokens that end one blocking poll
// each. Plain data: fake_kernel.h holds it under its lock.

#ifndef NETPOLL_BACKENDS_FAKE_FAKE_TOKENS_H_
#define NETPOLL_BACKENDS_FAKE_FAKE_TOKENS_H_

#include <cerrno>
#include <utility>

#include "netpoll/backends/fake/fake_adversary.h"

namespace netpoll {

class FakeTokens {
 public:
  int count() const { return count_; }
  int posts() const { return posts_; }
  bool takeable() const { return count_ != 0 && !in_transit_; }

  void Add(int count) { count_ += count; }
  void FailNext(int error) { error_ = error; }

  // 0, or the errno. The adversary interrupts it, but not for ever.
  int Post(FakeDice& dice) {
    if (error_ != 0) return std::exchange(error_, 0);
    if (!std::exchange(interrupted_, false) &&
        dice.Roll(FakeDisturbance::kPostFails)) {
      interrupted_ = true;
      return EINTR;
    }
    ++count_;
    ++posts_;
    return 0;
  }

  // For a blocking poll: true if it took one, for good.
  bool Take() {
    if (!takeable()) return false;
    --count_;
    return true;
  }

  // For a non-blocking poll: true if it has them for a moment, and puts them
  // back when it returns.
  bool Borrow(FakeDice& dice) {
    if (count_ == 0 || in_transit_) return false;
    in_transit_ = dice.Roll(FakeDisturbance::kTransit);
    return in_transit_;
  }
  void set_in_transit(bool on) { in_transit_ = on; }

  // Before a blocking poll looks.
  void Storm(FakeDice& dice) {
    if (count_ < kMost && dice.Roll(FakeDisturbance::kStorm)) {
      count_ += 1 + static_cast<int>(dice.Below(3));
    }
  }

 private:
  static constexpr int kMost = 8;

  int count_ = 0;
  int posts_ = 0;
  int error_ = 0;
  bool in_transit_ = false;
  bool interrupted_ = false;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_FAKE_FAKE_TOKENS_H_
