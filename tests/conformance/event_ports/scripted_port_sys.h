// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the event ports backend with a script: each call can be
// told to return an error instead, or after it was made, and all are counted.

#ifndef NETPOLL_TESTS_CONFORMANCE_EVENT_PORTS_SCRIPTED_PORT_SYS_H_
#define NETPOLL_TESTS_CONFORMANCE_EVENT_PORTS_SCRIPTED_PORT_SYS_H_

#include <port.h>
#include <time.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "netpoll/backends/event_ports/event_port_sys.h"
#include "netpoll/tests/conformance/scripted/scripted_calls.h"

namespace netpoll::conformance {

enum class PortCall {
  kCreate,
  kCloseOnExec,
  kAssociate,
  kDissociate,
  kGetN,
  // The call is made without waiting, and then what the script says is
  // returned beside what it fetched.
  kGetNThenFail,
  kAlert,
};

// For tests of one thread.
struct PortScript : ScriptedCalls<PortCall> {
  // Returned instead of calling: success, though nothing was done.
  static constexpr int kNothing = 1;

  std::vector<int> associated;                  // The events of each.
  std::vector<std::optional<timespec>> limits;  // None: for ever.
  std::function<void()> before_alert;
  std::function<void()> before_getn;  // Each is called once.
};

struct ScriptedPortSys {
  using Sys = EventPortSys;

  static PortScript& script() {
    static PortScript instance;
    return instance;
  }

  static int Create() { return script().Do(PortCall::kCreate, Sys::Create); }
  static int SetCloseOnExec(int port) {
    return script().Do(PortCall::kCloseOnExec, Sys::SetCloseOnExec, port);
  }
  static int Associate(int port, int fd, int events, std::uint64_t cookie) {
    script().associated.push_back(events);
    return script().Do(PortCall::kAssociate, Sys::Associate, port, fd, events,
                       cookie);
  }
  static int Dissociate(int port, int fd) {
    return script().Do(PortCall::kDissociate, Sys::Dissociate, port, fd);
  }
  static int GetN(int port, port_event_t* events, unsigned size,
                  unsigned* count, timespec* limit) {
    script().limits.push_back(limit == nullptr ? std::optional<timespec>{}
                                               : *limit);
    if (script().before_getn) std::exchange(script().before_getn, nullptr)();
    if (const auto said = script().Next(PortCall::kGetN)) {
      return *said == PortScript::kNothing ? 0 : *said;
    }
    if (const auto said = script().Next(PortCall::kGetNThenFail)) {
      timespec now{};
      Sys::GetN(port, events, size, count, &now);
      return *said;
    }
    return Sys::GetN(port, events, size, count, limit);
  }
  static int Alert(int port, int flags, int events, std::uint64_t cookie) {
    if (const auto said = script().Next(PortCall::kAlert)) return *said;
    if (script().before_alert) std::exchange(script().before_alert, nullptr)();
    return Sys::Alert(port, flags, events, cookie);
  }
  static void Close(int fd) { Sys::Close(fd); }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_EVENT_PORTS_SCRIPTED_PORT_SYS_H_
