// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/stop_signals.h"

#include <signal.h>

#include <functional>
#include <initializer_list>
#include <utility>

#include "absl/status/statusor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/signals.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/common/time_allowed.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {

namespace {

constexpr std::initializer_list<int> kHeard = {SIGINT, SIGTERM, SIGHUP,
                                               SIGUSR1};

}  // namespace

// All are signals that can be blocked.
void BlockStopSignals() {
  Signals::Block(kHeard).IgnoreError();
  Signals::Block({SIGQUIT}).IgnoreError();
}

absl::StatusOr<StopSignals> StopSignals::Open(Runtime& runtime) {
  auto signals = Signals::Open(runtime, kHeard);
  if (!signals.ok()) return signals.status();
  return StopSignals(*std::move(signals));
}

Task<void> StopSignals::Watch(Server& server, tools::TimeAllowed grace,
                              std::function<void(int signal)> report) {
  for (bool draining = false;;) {
    const SignalResult got = co_await signals_.Next();
    if (got.io.closing()) co_return;
    if (got.ok() && got.number != SIGINT && got.number != SIGTERM) {
      report(got.number);
      continue;
    }
    if (!got.ok() || draining) break;
    draining = true;
    signals_.SetDeadline(Runtime::After(grace));
    server.Drain();
  }
  server.Cut();
}

}  // namespace netpoll::server
