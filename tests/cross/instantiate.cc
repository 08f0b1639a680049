// SPDX-License-Identifier: Apache-2.0
// Every template of the core's public interface, instantiated whole, so that
// another target's compiler sees every line and every static_assert.
#include "netpoll/core/backend_traits.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/descriptor_lock.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wake_token.h"

namespace netpoll {

// The least that a Poller asks for.
struct NullBackend {
  static constexpr BackendTraits kTraits = {.needs_arm = true,
                                            .has_poll_fd = true};
  static constexpr const char* kName = "null";

  static int CheckPollable(Fd) { return 0; }
  int Init() { return 0; }
  int Open(Fd, EventKey) { return 0; }
  int Close(Fd, EventKey) { return 0; }
  void Arm(Fd, EventKey, Mode) {}
  template <class Sink>
  void Poll(Delta, Sink& sink) {
    sink.Ready(EventKey::ForSlot(0, 1), Mode::kReadWrite, EventFlags{});
  }
  void Break() {}
  bool IsPollDescriptor(Fd) const { return false; }
  Fd PollFd() const { return -1; }
};

template class Poller<NullBackend>;
template class PollDesc<StdEnv>;
template class SleepProtocol<StdEnv>;
template class DescriptorLock<StdEnv>;
template class WakeToken<StdEnv>;

}  // namespace netpoll
