// SPDX-License-Identifier: Apache-2.0
//
// The wake token: coalesces breaks, so that many of them cost one system call,
// and none is lost.
//
//   kIdle     no token is on its way. Request -> kPending; the requester that
//             moved it posts to the kernel object.
//   kPending  a token is in the kernel object, or its poster is about to post,
//             or a blocking poll is between draining it and Clear. Clear, by
//             the blocking poll after draining, -> kIdle. Retract, by a poster
//             whose post failed, -> kIdle.
//
// A non-blocking poll leaves both the kernel object and the token alone (or,
// where the system consumed it, posts it again). Whoever finds kPending is
// covered by the return of the poll that clears it: what was written before
// Request is visible after Clear. So Request releases and Clear acquires.
//
// Stronger than a configuration asks for, because:
//   token.*: a system call is made beside each of them, and none is worth a
//     thought about what it hands on

#ifndef NETPOLL_CORE_WAKE_TOKEN_H_
#define NETPOLL_CORE_WAKE_TOKEN_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"

namespace netpoll {

template <class Env>
class WakeToken {
 public:
  // True: the caller must post to the kernel object.
  [[nodiscard]] bool Request() {
    return token_.Exchange("token.request", kPending, Order::kSeqCst) == kIdle;
  }

  // By the blocking poll, once it has drained the kernel object and before it
  // returns.
  void Clear() {
    token_.Exchange("token.clear", kIdle, Order::kSeqCst);
    cleared_.Add(1);
  }

  // How often it was cleared: breaks that cost a system call.
  std::uint64_t cleared() const { return cleared_.Get(); }

  // The post failed: the next break must try again.
  void Retract() { token_.Exchange("token.retract", kIdle, Order::kSeqCst); }

  // A whole break: `post()` posts, >= 0 or -errno. 0, or the -errno of a post
  // that failed.
  template <class Post>
  int Break(Post post) {
    if (!Request()) return 0;
    const int result = post();
    if (result >= 0) return 0;
    Retract();
    return result;
  }

  // By a poll that has fetched the wake-up, where whoever fetches it has
  // consumed it: `take()`, >= 0 or -errno, uses it up if the poll blocks, and
  // posts it again if not. The answer is its own.
  template <class Use>
  int Take(bool blocking, Use take) {
    const int result = take();
    if (blocking && result >= 0) Clear();
    return result;
  }

  bool pending() const {
    return token_.Load("token.load", Order::kSeqCst) == kPending;
  }

 private:
  static constexpr std::uint32_t kIdle = 0;
  static constexpr std::uint32_t kPending = 1;

  typename Env::template Atomic<std::uint32_t> token_{kIdle};
  typename Env::Counter cleared_;  // By the one blocking poll.
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_WAKE_TOKEN_H_
