// SPDX-License-Identifier: Apache-2.0
//
// Where `netpoll serve` listens.

#ifndef NETPOLL_TOOLS_CLI_SERVE_LISTEN_H_
#define NETPOLL_TOOLS_CLI_SERVE_LISTEN_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/tools/common/values.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::tools {

// Names are looked up; without a host, at every address of both families. The
// error says who left the socket that is in the way. `shared`: others are to
// have the port too.
absl::StatusOr<Listener> Listen(Runtime& runtime, const Address& wanted,
                                bool shared);

// One for each of the other workers, if the port is shared: the system deals
// out the connections, and each worker keeps those that it takes. A file is one
// listener's.
absl::Status ListenMore(Runtime& runtime, const Address& wanted, bool shared,
                        server::Server& server);

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_SERVE_LISTEN_H_
