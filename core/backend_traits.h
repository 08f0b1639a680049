// SPDX-License-Identifier: Apache-2.0
//
// What a backend says of itself. The contract (backends/backend.h) says what
// each claim obliges it to, and its concept holds that what is claimed is
// there, and nothing else.

#ifndef NETPOLL_CORE_BACKEND_TRAITS_H_
#define NETPOLL_CORE_BACKEND_TRAITS_H_

#include "netpoll/core/cpp20.h"

namespace netpoll {

struct BackendTraits {
  bool needs_arm = false;            // Arm, before each wait.
  bool has_poll_fd = false;          // PollFd.
  bool asks_before_timeout = false;  // Ask, before a deadline is believed.
  bool marks_short_reads = false;
  bool explains_init = false;   // ExplainInit.
  bool knows_children = false;  // InChild.

  friend constexpr bool operator==(BackendTraits, BackendTraits) = default;
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_BACKEND_TRAITS_H_
