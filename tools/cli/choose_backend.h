// SPDX-License-Identifier: Apache-2.0
//
// --backend, alike in every command.
//
//   std::string backend;
//   AddBackendFlag(flags, &backend);
//   if (const auto status = flags.Parse(arguments)) return *status;
//   if (const auto status = RefuseBackend(flags, backend)) return *status;

#ifndef NETPOLL_TOOLS_CLI_CHOOSE_BACKEND_H_
#define NETPOLL_TOOLS_CLI_CHOOSE_BACKEND_H_

#include <cerrno>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/core/poller.h"
#include "netpoll/tools/cli/try_backend.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {

// Adds the flag. Backends are tried only if it is not given.
inline void AddBackendFlag(Flags& flags, std::string* backend) {
  flags.Choice("backend", "NAME", backend, HostBackends::Names(),
               "the system interface to run on; by default the environment's "
               "NETPOLL_BACKEND, or else the best that runs here");
  flags.Default("backend", [backend] {
    *backend = DefaultHostBackend();
    return *backend;
  });
}

// Both of these: nothing is wrong, or one sentence was printed, and this is the
// exit status.

// That there is no such backend. The flag can't name one; the variable can.
inline std::optional<int> RefuseUnknownBackend(const Flags& flags,
                                               const std::string& backend) {
  if (HostBackends::Has(backend)) return {};
  return flags.Fail(absl::StrCat("NETPOLL_BACKEND is ", Quoted(backend),
                                 ", not one of ",
                                 absl::StrJoin(HostBackends::Names(), ", ")));
}

// The same, and that this system has no such interface or forbids it, which is
// a finding. What goes wrong otherwise (too many open files) is left to whoever
// makes the poller.
inline std::optional<int> RefuseBackend(const Flags& flags,
                                        const std::string& backend) {
  std::optional<int> status = RefuseUnknownBackend(flags, backend);
  HostBackends::Visit(backend, [&]<class B>() {
    Poller<B> poller;
    const int error = poller.Init();
    if (error != EPERM && error != ENOSYS) return;
    status = flags.Found(absl::StrCat(
        "backend ", backend, " does not run here: ", ExplainInit<B>(error)));
  });
  return status;
}

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_CHOOSE_BACKEND_H_
