// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/stop_signals.h"

#include <signal.h>

#include <utility>

#include "absl/status/statusor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/signals.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/common/time_allowed.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {

// Both are signals that can be blocked.
void BlockStopSignals() { Signals::Block({SIGINT, SIGTERM}).IgnoreError(); }

absl::StatusOr<StopSignals> StopSignals::Open(Runtime& runtime) {
  auto signals = Signals::Open(runtime, {SIGINT, SIGTERM});
  if (!signals.ok()) return signals.status();
  return StopSignals(*std::move(signals));
}

Task<void> StopSignals::Watch(Server& server, tools::TimeAllowed grace) {
  SignalResult got = co_await signals_.Next();
  if (got.ok()) {
    signals_.SetDeadline(Runtime::After(grace));
    server.Drain();
    got = co_await signals_.Next();
  }
  if (!got.io.closing()) server.Cut();
}

}  // namespace netpoll::server
