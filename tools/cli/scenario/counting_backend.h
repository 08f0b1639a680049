// SPDX-License-Identifier: Apache-2.0
//
// A backend that also says how many events its polls have reported: a poll that
// woke nobody may still have reported some, and a scenario goes on only when
// none is left.

#ifndef NETPOLL_TOOLS_CLI_SCENARIO_COUNTING_BACKEND_H_
#define NETPOLL_TOOLS_CLI_SCENARIO_COUNTING_BACKEND_H_

#include <cstdint>

#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll::scenario {

template <class Backend>
class CountingBackend : public Backend {
 public:
  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    Counter<Sink> counter{sink};
    Backend::Poll(delta, counter);
    events_ += counter.events;
  }

  std::uint64_t events() const { return events_; }

 private:
  template <class Sink>
  struct Counter {
    Sink& sink;
    std::uint64_t events = 0;

    void Ready(EventKey key, Mode mode, EventFlags flags) {
      ++events;
      sink.Ready(key, mode, flags);
    }
  };

  std::uint64_t events_ = 0;
};

}  // namespace netpoll::scenario

#endif  // NETPOLL_TOOLS_CLI_SCENARIO_COUNTING_BACKEND_H_
