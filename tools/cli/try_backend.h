// SPDX-License-Identifier: Apache-2.0
//
// Whether a backend works on this machine: not what the system's version
// promises, but one byte through a socket pair.

#ifndef NETPOLL_TOOLS_CLI_TRY_BACKEND_H_
#define NETPOLL_TOOLS_CLI_TRY_BACKEND_H_

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>

#include "netpoll/core/delta.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"

namespace netpoll::tools {

// A socket pair, closed when it goes.
class TrialPair {
 public:
  TrialPair() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                     ends_) != 0) {
      error_ = errno;
    }
  }
  TrialPair(const TrialPair&) = delete;
  TrialPair& operator=(const TrialPair&) = delete;
  ~TrialPair() {
    if (error_ != 0) return;
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  int error() const { return error_; }
  int polled() const { return ends_[0]; }
  bool SendByte() { return ::write(ends_[1], "x", 1) == 1; }

 private:
  int error_ = 0;
  int ends_[2] = {-1, -1};
};

// Parks a waiter for reading, lets a byte come, and polls until it is handed
// out; true if it was.
template <class Backend>
bool WakesReader(Poller<Backend>& poller, typename Poller<Backend>::Desc* desc,
                 TrialPair& pair) {
  constexpr int kPolls = 100;
  constexpr std::chrono::milliseconds kWait{20};
  Waiter waiter;
  if (!poller.Park(desc, Mode::kRead, &waiter).parked()) return false;
  bool woken = false;
  const bool sent = pair.SendByte();
  for (int i = 0; sent && !woken && i < kPolls; ++i) {
    PollResult result = poller.Poll(Delta::AtMost(kWait));
    woken = result.ready.Pop() == &waiter;
    poller.AdjustWaiters(result.waiters_delta);
  }
  PollResult rest = poller.Unblock(desc);
  poller.AdjustWaiters(rest.waiters_delta);
  static_cast<void>(poller.Finish(desc, Mode::kRead));
  return woken;
}

// Why a backend's Init returned `error`: its own words, where it has any.
template <class Backend>
std::string ExplainInit(int error) {
  if constexpr (requires { Backend::ExplainInit(error); }) {
    const char* const why = Backend::ExplainInit(error);
    if (why != nullptr) return why;
  }
  return std::strerror(error);
}

// Empty if the backend works here; otherwise why not.
template <class Backend>
std::string TryBackend() {
  Poller<Backend> poller;
  if (const int error = poller.Init(); error != 0) {
    return ExplainInit<Backend>(error);
  }
  TrialPair pair;
  if (pair.error() != 0) return std::strerror(pair.error());
  const auto opened = poller.Open(pair.polled());
  if (opened.error != 0) return std::strerror(opened.error);
  const bool woken = WakesReader(poller, opened.desc, pair);
  const int closed = poller.Close(opened.desc);
  if (!woken) return "it reported no event within two seconds";
  return closed == 0 ? "" : std::strerror(closed);
}

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_TRY_BACKEND_H_
