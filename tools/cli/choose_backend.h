// SPDX-License-Identifier: Apache-2.0
//
// --backend, alike in every command.

#ifndef NETPOLL_TOOLS_CLI_CHOOSE_BACKEND_H_
#define NETPOLL_TOOLS_CLI_CHOOSE_BACKEND_H_

#include <string>

#include "netpoll/backends/host/host_backends.h"
#include "netpoll/tools/cli/flags.h"
#include "netpoll/tools/cli/try_backend.h"

namespace netpoll::cli {

// The first that runs on this machine, or an empty name.
inline std::string DefaultBackend() {
  const std::string preferred = DefaultHostBackend();
  if (preferred != HostBackends::Names().front()) return preferred;
  for (const std::string& name : HostBackends::Names()) {
    bool runs = false;
    HostBackends::Visit(name,
                        [&]<class B>() { runs = TryBackend<B>().empty(); });
    if (runs) return name;
  }
  return {};
}

// Adds the flag; `backend` is set to the default first.
inline void AddBackendFlag(Flags& flags, std::string* backend) {
  *backend = DefaultBackend();
  flags.Choice("backend", "NAME", backend, HostBackends::Names(),
               "the system interface to run on");
}

}  // namespace netpoll::cli

#endif  // NETPOLL_TOOLS_CLI_CHOOSE_BACKEND_H_
