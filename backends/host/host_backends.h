// SPDX-License-Identifier: Apache-2.0
//
// The backends that this build has for the system it runs on. To add one: its
// header and its place in `NativeBackends`, and its line in
// tools/build_defs/backends.bzl.

#ifndef NETPOLL_BACKENDS_HOST_HOST_BACKENDS_H_
#define NETPOLL_BACKENDS_HOST_HOST_BACKENDS_H_

#include <cstdlib>
#include <string>

#include "netpoll/backends/backend.h"
#include "netpoll/backends/backend_list.h"
#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/backends/poll/poll_backend.h"

// A build may bring more: a header that says what MoreBackends are.
#if defined(NETPOLL_MORE_BACKENDS)
#include NETPOLL_MORE_BACKENDS
#endif

namespace netpoll {

// The preferred one first.
using NativeBackends =
    BackendList<EpollBackend<>, IoUringBackend<>, PollBackend<>>;

#if !defined(NETPOLL_MORE_BACKENDS)
using MoreBackends = BackendList<>;
#endif

using HostBackends = NativeBackends::With<MoreBackends>;

// The name of the one that is used where nobody asks for another: the first
// that this machine has and allows, or, if it has none, the preferred one. One
// that can't be made for want of descriptors or memory is there all the same.
// Tests force every program onto one backend by the variable; it is no public
// interface.
inline std::string DefaultHostBackend() {
  const char* const forced = std::getenv("NETPOLL_BACKEND");
  if (forced != nullptr && *forced != '\0') return forced;
  for (const std::string& name : HostBackends::Names()) {
    int error = 0;
    HostBackends::Visit(name, [&error]<class Backend>() {
      Backend trial;
      error = trial.Init();
    });
    if (!IsUnavailable(error)) return name;
  }
  return HostBackends::Names().front();
}

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_HOST_HOST_BACKENDS_H_
