// SPDX-License-Identifier: Apache-2.0
//
// The backend whose system is a FakeKernel: scripted and adversarial, for
// tests of everything above. The contract is in backend.h; what it can do to
// you is in fake_kernel.h.

#ifndef NETPOLL_BACKENDS_FAKE_FAKE_BACKEND_H_
#define NETPOLL_BACKENDS_FAKE_FAKE_BACKEND_H_

#include <cerrno>
#include <cstdint>

#include "netpoll/backends/backend.h"
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/backends/fake/fake_kernel.h"
#include "netpoll/core/backend_traits.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wake_token.h"

namespace netpoll {

template <class Env = StdEnv, FakeTrigger kTrigger = FakeTrigger::kEdgeMask>
class FakeBackend {
 public:
  using Kernel = FakeKernel<Env>;

  static constexpr const char* kName = "fake";
  static constexpr BackendTraits kTraits = {
      .needs_arm = kTrigger == FakeTrigger::kLevel, .has_poll_fd = true};

  explicit FakeBackend(Kernel& kernel) : kernel_(kernel) {
    kernel_.Attach(kTrigger);
  }
  FakeBackend(const FakeBackend&) = delete;
  FakeBackend& operator=(const FakeBackend&) = delete;

  // Lenient: it knows no kernel, and Open finds a closed one out.
  static int CheckPollable(Fd fd) { return fd < Kernel::kFirstFd ? EBADF : 0; }

  int Init() { return 0; }

  int Open(Fd fd, EventKey key) { return kernel_.Register(fd, key); }
  int Close(Fd fd, EventKey key) { return kernel_.Deregister(fd, key); }

  void Arm(Fd fd, EventKey key, Mode direction) requires(kTraits.needs_arm) {
    kernel_.Arm(fd, key, direction);
  }

  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    typename Kernel::Batch batch;
    const std::int64_t end = kernel_.EndOf(delta);
    while (!kernel_.Look(delta, end, batch)) kernel_.Sleep();
    if (batch.token) token_.Clear();
    for (const FakeEvent& event : batch.events) {
      sink.Ready(event.key, event.mode, event.flags);
    }
    kernel_.Leave(batch);
  }

  void Break() {
    if (!token_.Request()) return;
    int error = EINTR;
    while (error == EINTR) error = kernel_.Post();
    // A post that fails is not remembered as pending: the next break posts.
    if (error != 0) token_.Retract();
  }

  std::uint64_t breaks_taken() const { return token_.cleared(); }
  bool IsPollDescriptor(Fd fd) const { return fd == Kernel::kWakeFd; }

  // -1 unless a test has lent one: Kernel::set_poll_fd.
  Fd PollFd() const { return kernel_.poll_fd(); }

 private:
  Kernel& kernel_;
  WakeToken<Env> token_;
};

static_assert(PollerBackend<FakeBackend<>>);
static_assert(PollerBackend<FakeBackend<StdEnv, FakeTrigger::kLevel>>);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_FAKE_FAKE_BACKEND_H_
