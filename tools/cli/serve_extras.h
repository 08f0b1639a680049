// SPDX-License-Identifier: Apache-2.0
//
// What `netpoll serve` tells of itself while it runs: answers on a socket of
// its own.

#ifndef NETPOLL_TOOLS_CLI_SERVE_EXTRAS_H_
#define NETPOLL_TOOLS_CLI_SERVE_EXTRAS_H_

#include <optional>

#include "absl/status/status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/tools/common/values.h"
#include "netpoll/tools/server/pages.h"
#include "netpoll/tools/server/status_server.h"

namespace netpoll::tools {

// Answers /metrics and /waits.
class StatusSocket {
 public:
  // At `address`, or at the usual one if that can be had. The pages' makers,
  // `metrics` among them, are called while the runtime runs.
  absl::Status Open(Runtime& runtime, const Address& address,
                    const server::Page& metrics);
  void End() {
    if (server_) server_->End();
  }

 private:
  server::Pages pages_;
  std::optional<server::StatusServer> server_;
};

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_SERVE_EXTRAS_H_
