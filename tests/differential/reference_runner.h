// SPDX-License-Identifier: Apache-2.0
//
// Runs the statements of a scenario on the reference model alone: no poller, no
// system, no time but its own. What it prints is what is right.
//
// Only for scripts that keep the rules of the language: a statement that breaks
// one is an error in the script's writer, and says so.

#ifndef NETPOLL_TESTS_DIFFERENTIAL_REFERENCE_RUNNER_H_
#define NETPOLL_TESTS_DIFFERENTIAL_REFERENCE_RUNNER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "netpoll/core/types.h"
#include "netpoll/model/reference/reference_descriptor.h"
#include "netpoll/tests/differential/socket_model.h"
#include "netpoll/tools/cli/scenario/outcome.h"
#include "netpoll/tools/cli/scenario/statement.h"
#include "netpoll/tools/cli/scenario/task.h"

namespace netpoll::differential {

class ReferenceRunner {
 public:
  scenario::Outcome Execute(const scenario::Statement& statement);

  // --- What a script's writer asks ------------------------------------------

  struct Task {
    scenario::TaskKind kind = scenario::TaskKind::kWait;
    Mode direction = Mode::kRead;
    std::int64_t bytes = 0;
    std::int64_t moved = 0;
    std::string result;  // Empty: parked.
  };
  struct Descriptor {
    SocketModel socket;
    model::reference::ReferenceDescriptor poll;
    // The names of the tasks that are parked, or empty.
    std::string reader;
    std::string writer;

    std::string& parked(Mode direction) {
      return direction == Mode::kRead ? reader : writer;
    }
  };

  // Null unless open.
  Descriptor* Find(const std::string& name);
  const Task* FindTask(const std::string& name) const;
  std::vector<std::string> Parked() const;

 private:
  scenario::Outcome Open(const std::string& name);
  scenario::Outcome OnDescriptor(const scenario::Statement& s, Descriptor& d);
  scenario::Outcome Start(const scenario::Statement& s, Descriptor& d,
                          scenario::TaskKind kind, Mode direction);
  void SetDeadline(const scenario::Statement& s, Descriptor& d);
  void Sleep(std::int64_t millis);

  // A task of `direction` goes on until it parks or ends.
  void RunTask(Descriptor& d, Mode direction);
  bool TryTask(Descriptor& d, Task& task);
  void End(Descriptor& d, Task& task, std::string result);
  void Resume(Descriptor& d, model::reference::Woken woken);
  // Reports the edges of all descriptors.
  void Settle();

  std::map<std::string, Descriptor> descriptors_;
  std::map<std::string, Task> tasks_;
  std::int64_t now_ = 1'000'000'000;
};

}  // namespace netpoll::differential

#endif  // NETPOLL_TESTS_DIFFERENTIAL_REFERENCE_RUNNER_H_
