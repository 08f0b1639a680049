// SPDX-License-Identifier: Apache-2.0
//
// What a server does at SIGINT and SIGTERM, and at SIGHUP and SIGUSR1.

#ifndef NETPOLL_TOOLS_SERVER_STOP_SIGNALS_H_
#define NETPOLL_TOOLS_SERVER_STOP_SIGNALS_H_

#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/signals.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/common/time_allowed.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {

// Blocks these signals, and SIGQUIT for QuitDump, in this thread, and so in
// those that it starts later: they wait to be read. For good: those that come
// while the process ends, as it was told to, must not end it otherwise.
void BlockStopSignals();

class StopSignals {
 public:
  // After BlockStopSignals.
  static absl::StatusOr<StopSignals> Open(Runtime& runtime);

  // The first SIGINT or SIGTERM drains `server`; a second, or the end of
  // `grace`, stops the runtime. The others call `report`, and it goes on. Ends
  // after Close.
  Task<void> Watch(Server& server, tools::TimeAllowed grace,
                   std::function<void(int signal)> report);

  // From any thread.
  void Close() { signals_.CloseNow(); }

 private:
  explicit StopSignals(Signals signals) : signals_(std::move(signals)) {}

  Signals signals_;
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_STOP_SIGNALS_H_
