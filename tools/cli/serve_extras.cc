// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/cli/serve_extras.h"

#include <unistd.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpoll/runtime/listener.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/tools/cli/serve_listen.h"
#include "netpoll/tools/common/values.h"
#include "netpoll/tools/server/pages.h"
#include "netpoll/tools/server/quit_dump.h"
#include "netpoll/tools/server/status_server.h"

namespace netpoll::tools {

absl::Status StatusSocket::Open(Runtime& runtime, const Address& address,
                                const server::Page& metrics) {
  const bool usual = address == Address{};
  absl::StatusOr<Listener> listener = Listen(
      runtime,
      usual ? *ParseAddress(server::StatusAddressOf(::getpid())) : address,
      /*shared=*/false);
  if (!listener.ok()) return usual ? absl::OkStatus() : listener.status();
  pages_.push_back(metrics);
  pages_.push_back({"/waits", "text/plain", [&runtime] {
                      return runtime.DumpState(server::kMostWaits,
                                               &server::SymbolAt);
                    }});
  server_.emplace(runtime, *std::move(listener), pages_);
  server_->Start();
  return absl::OkStatus();
}

}  // namespace netpoll::tools
