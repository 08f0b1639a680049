// SPDX-License-Identifier: Apache-2.0
//
// What a script is run on. A subject has
//
//   kHasAdversary
//   Subject(const FakeAdversary&, std::uint64_t seed)
//   int Init()                         0, or the errno
//   Outcome Execute(const Statement&)
//   std::string Lost()                 a task that is parked although its call
//                                      would succeed, or empty

#ifndef NETPOLL_TESTS_DIFFERENTIAL_SUBJECTS_H_
#define NETPOLL_TESTS_DIFFERENTIAL_SUBJECTS_H_

#include <poll.h>
#include <signal.h>

#include <cstdint>
#include <string>

#include "netpoll/backends/fake/fake_adversary.h"
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/differential/fake_sockets.h"
#include "netpoll/tools/cli/scenario/outcome.h"
#include "netpoll/tools/cli/scenario/runner.h"
#include "netpoll/tools/cli/scenario/statement.h"
#include "netpoll/tools/cli/scenario/task.h"

namespace netpoll::differential {

// The runner of `netpoll scenario`. `can(fd, direction)`: whether a call would
// succeed. Bare waits are left out: what they may miss is the trigger's affair.
template <class Runner, class Can>
std::string FindLost(const Runner& runner, Can can) {
  std::string lost;
  runner.ForEachParked([&](const std::string& name, const auto& task) {
    if (task.kind() != scenario::TaskKind::kWait &&
        can(task.fd(), task.direction())) {
      lost = name;
    }
  });
  return lost;
}

// A real backend on real sockets.
template <class Backend>
class OnSockets {
 public:
  static constexpr const char* kName = Backend::kName;
  static constexpr bool kHasAdversary = false;

  OnSockets(const FakeAdversary&, std::uint64_t) { ::signal(SIGPIPE, SIG_IGN); }

  int Init() { return runner_.Init(); }
  scenario::Outcome Execute(const scenario::Statement& statement) {
    return runner_.Execute(statement);
  }
  std::string Lost() const {
    return FindLost(runner_, [](int fd, Mode direction) {
      const bool read = direction == Mode::kRead;
      pollfd one{fd, static_cast<short>(read ? POLLIN : POLLOUT), 0};
      return ::poll(&one, 1, 0) > 0;
    });
  }

 private:
  scenario::Runner<Backend> runner_;
};

// The fake under one trigger.
template <FakeTrigger kTrigger, class Backend = MachineBackend<kTrigger>>
class OnFake {
 public:
  static constexpr bool kHasAdversary = true;

  OnFake(const FakeAdversary& adversary, std::uint64_t seed)
      : machine_(kTrigger, seed) {
    machine_.kernel.set_adversary(adversary);
  }

  int Init() { return runner_.Init(); }
  scenario::Outcome Execute(const scenario::Statement& statement) {
    return runner_.Execute(statement);
  }
  std::string Lost() {
    return FindLost(runner_, [this](int fd, Mode direction) {
      const SocketModel& socket = machine_.socket(fd);
      return direction == Mode::kRead ? socket.CanRead() : socket.CanWrite();
    });
  }

 private:
  FakeMachine machine_;
  scenario::Runner<Backend, FakeSockets> runner_;
};

}  // namespace netpoll::differential

#endif  // NETPOLL_TESTS_DIFFERENTIAL_SUBJECTS_H_
