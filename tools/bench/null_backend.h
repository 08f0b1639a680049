// SPDX-License-Identifier: Apache-2.0
//
// A backend without a system: Poll reports the one event that it was given.
// What is timed over it is the core alone.

#ifndef NETPOLL_TOOLS_BENCH_NULL_BACKEND_H_
#define NETPOLL_TOOLS_BENCH_NULL_BACKEND_H_

#include "netpoll/backends/backend.h"
#include "netpoll/core/backend_traits.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll::bench {

class NullBackend {
 public:
  static constexpr BackendTraits kTraits = {};
  static constexpr const char* kName = "null";

  static int CheckPollable(Fd) { return 0; }
  int Init() { return 0; }
  int Open(Fd, EventKey key) {
    key_ = key;
    return 0;
  }
  int Close(Fd, EventKey) { return 0; }
  void Break() {}
  bool IsPollDescriptor(Fd) const { return false; }

  template <class Sink>
  void Poll(Delta, Sink& sink) {
    sink.Ready(key_, mode_, {});
  }

  // What every Poll reports from here on; of the descriptor last opened.
  void Report(Mode mode) { mode_ = mode; }

 private:
  EventKey key_ = EventKey::Internal(0);
  Mode mode_ = Mode::kRead;
};

static_assert(PollerBackend<NullBackend>);

}  // namespace netpoll::bench

#endif  // NETPOLL_TOOLS_BENCH_NULL_BACKEND_H_
