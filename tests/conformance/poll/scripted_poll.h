// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the poll backend on scripted system calls share.

#ifndef NETPOLL_TESTS_CONFORMANCE_POLL_SCRIPTED_POLL_H_
#define NETPOLL_TESTS_CONFORMANCE_POLL_SCRIPTED_POLL_H_

#include <chrono>
#include <vector>

#include "netpoll/backends/poll/poll_backend.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/poll/scripted_sys.h"
#include "netpoll/tests/conformance/scripted/scripted_test.h"

namespace netpoll::conformance {

class ScriptedPoll : public ScriptedTest<ScriptedPollSys> {
 protected:
  using Backend = PollBackend<StdEnv, ScriptedPollSys>;

  static constexpr Delta kNow = Delta::NonBlocking();
  static constexpr Delta kShort = Delta::AtMost(std::chrono::microseconds(1));
  static constexpr Delta kHour = Delta::AtMost(std::chrono::hours(1));
  static constexpr EventKey kKey = EventKey::ForSlot(1, 1);

  static int Calls() {
    int calls = 0;
    for (const auto& [call, count] : script().count) calls += count;
    return calls;
  }

  // The backend's pipe: for reading, for writing.
  static std::vector<int> PipeOf(const Backend& backend) {
    std::vector<int> ends;
    for (const int fd : OpenDescriptors()) {
      if (backend.IsPollDescriptor(fd)) ends.push_back(fd);
    }
    return ends;
  }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_POLL_SCRIPTED_POLL_H_
