// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/signals.h"

#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/io_op.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket_internal.h"
#include "netpoll/runtime/sys.h"

namespace netpoll {
namespace {

using internal::sys;

std::string NameOf(int number) {
  const char* const name = ::sigabbrev_np(number);
  return name != nullptr ? absl::StrCat("SIG", name)
                         : absl::StrCat("signal ", number);
}

absl::Status MakeSet(std::initializer_list<int> signals, sigset_t* set) {
  sigemptyset(set);
  for (const int number : signals) {
    if (number == SIGKILL || number == SIGSTOP || sigaddset(set, number) != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(NameOf(number), " can't be awaited: ",
                       number == SIGKILL || number == SIGSTOP
                           ? "the system lets nobody block it"
                           : "there is no such signal"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Signals::Block(std::initializer_list<int> signals) {
  sigset_t set;
  const absl::Status made = MakeSet(signals, &set);
  if (made.ok()) sys.thread_sigmask(SIG_BLOCK, &set, nullptr);
  return made;
}

absl::StatusOr<Signals> Signals::Open(Runtime& runtime,
                                      std::initializer_list<int> signals) {
  if (!runtime.status().ok()) return runtime.status();
  sigset_t set;
  if (const absl::Status made = MakeSet(signals, &set); !made.ok()) return made;
  sigset_t blocked;
  sys.thread_sigmask(SIG_SETMASK, nullptr, &blocked);
  for (const int number : signals) {
    if (sigismember(&blocked, number) == 1) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(NameOf(number),
                     " can't be awaited: this thread does not block it; "
                     "call Signals::Block before other threads are started"));
  }
  const int fd = sys.signalfd(&set);
  if (fd < 0) {
    return internal::SystemError("signals can't be awaited", errno);
  }
  auto state = internal::OpenOwn(runtime, fd);
  if (!state.ok()) return state.status();
  (*state)->socket = false;
  return Signals(*state);
}

bool internal::SignalOp::Attempt(IoOp* op) {
  auto* const self = static_cast<SignalOp*>(op);
  signalfd_siginfo info;
  ssize_t got;
  do {
    got = sys.read(self->fd(), &info, sizeof(info));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return self->FailOrBlock(errno);
  self->got_.number = static_cast<int>(info.ssi_signo);
  self->got_.pid = static_cast<pid_t>(info.ssi_pid);
  self->got_.uid = info.ssi_uid;
  self->got_.status = info.ssi_status;
  return true;
}

}  // namespace netpoll
