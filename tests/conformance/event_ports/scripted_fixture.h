// SPDX-License-Identifier: Apache-2.0
//
// What the tests with scripted system calls share.

#ifndef NETPOLL_TESTS_CONFORMANCE_EVENT_PORTS_SCRIPTED_FIXTURE_H_
#define NETPOLL_TESTS_CONFORMANCE_EVENT_PORTS_SCRIPTED_FIXTURE_H_

#include <cstdint>

#include "gtest/gtest.h"
#include "netpoll/backends/event_ports/event_ports_backend.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/event_ports/scripted_port_sys.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/scripted/scripted_test.h"

namespace netpoll::conformance {

class ScriptedFixture : public ScriptedTest<ScriptedPortSys> {
 protected:
  using Backend = EventPortsBackend<StdEnv, ScriptedPortSys>;
  using Call = PortCall;

  static EventKey Key(std::uint32_t n) { return EventKey::ForSlot(n, 7); }

  // Readable and armed.
  static void OpenReadable(Backend& backend, Ends& ends) {
    ends.Send();
    ASSERT_EQ(backend.Open(ends.own(), Key(1)), 0);
    backend.Arm(ends.own(), Key(1), Mode::kRead);
  }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_EVENT_PORTS_SCRIPTED_FIXTURE_H_
