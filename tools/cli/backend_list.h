// SPDX-License-Identifier: Apache-2.0
//
// The system interfaces that this build has. To add one: its header and its
// line in `Backends`, and its target in BUILD.bazel.

#ifndef NETPOLL_TOOLS_CLI_BACKEND_LIST_H_
#define NETPOLL_TOOLS_CLI_BACKEND_LIST_H_

#include <string>
#include <string_view>
#include <vector>

#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/tools/cli/try_backend.h"

namespace netpoll::cli {

template <class... Backend>
struct BackendList {
  static std::vector<std::string> Names() { return {Backend::kName...}; }

  // Calls f.template operator()<B>() for the backend of that name. False if
  // there is none.
  template <class F>
  static bool Visit(std::string_view name, F f) {
    return (
        (name == Backend::kName && (f.template operator()<Backend>(), true)) ||
        ...);
  }
};

// The preferred ones first: the default is the first that runs here.
using Backends = BackendList<EpollBackend<>, IoUringBackend<>>;

// The first that runs on this machine, or an empty name.
inline std::string DefaultBackend() {
  for (const std::string& name : Backends::Names()) {
    bool runs = false;
    Backends::Visit(name, [&]<class B>() { runs = TryBackend<B>().empty(); });
    if (runs) return name;
  }
  return {};
}

}  // namespace netpoll::cli

#endif  // NETPOLL_TOOLS_CLI_BACKEND_LIST_H_
