// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/stop_signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpoll/backends/posix/above_stdio.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/common/time_allowed.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {
namespace {

sigset_t Signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void BlockStopSignals() {
  const sigset_t set = Signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

absl::StatusOr<StopSignals> StopSignals::Open(Runtime& runtime) {
  const sigset_t set = Signals();
  const int fd = AboveStdio(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (fd < 0) return absl::ErrnoToStatus(errno, "signals can't be read");
  absl::StatusOr<Descriptor> opened = Descriptor::Adopt(runtime, fd);
  if (!opened.ok()) {
    ::close(fd);
    return opened.status();
  }
  return StopSignals(*std::move(opened));
}

Task<void> StopSignals::Watch(Server& server, tools::TimeAllowed grace) {
  signalfd_siginfo signal;
  const std::span<char> buffer(reinterpret_cast<char*>(&signal),
                               sizeof(signal));
  IoResult got = co_await descriptor_.Read(buffer);
  if (got.ok()) {
    descriptor_.SetReadDeadline(Runtime::After(grace));
    server.Drain();
    got = co_await descriptor_.Read(buffer);
  }
  if (!got.status.closing()) server.Cut();
}

}  // namespace netpoll::server
