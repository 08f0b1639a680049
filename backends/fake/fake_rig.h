// SPDX-License-Identifier: Apache-2.0
//
// A fake kernel with its backend, for the tests of the adversary.

#ifndef NETPOLL_BACKENDS_FAKE_FAKE_RIG_H_
#define NETPOLL_BACKENDS_FAKE_FAKE_RIG_H_

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/fake/fake_adversary.h"
#include "netpoll/backends/fake/fake_backend.h"
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/backends/fake/fake_kernel.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {

template <FakeTrigger kTrigger>
class FakeRig {
 public:
  static constexpr EventKey kKey = EventKey::ForSlot(0, 1);

  explicit FakeRig(FakeAdversary adversary = {}, std::uint64_t seed = 1)
      : kernel(seed) {
    kernel.set_adversary(adversary);
    kernel.set_auto_advance(true);
  }

  // A descriptor that is open under `key`; its operation is under way, or both
  // directions are armed, so that readiness is reported.
  Fd Open(EventKey key = kKey) {
    const Fd fd = kernel.MakeFd();
    EXPECT_EQ(backend.Open(fd, key), 0);
    Ask(fd, key);
    return fd;
  }
  void Ask(Fd fd, EventKey key = kKey) {
    if constexpr (kTrigger == FakeTrigger::kLevel) {
      backend.Arm(fd, key, Mode::kRead);
      backend.Arm(fd, key, Mode::kWrite);
    }
    if (kTrigger == FakeTrigger::kCompletion) {
      kernel.Submit(fd, Mode::kReadWrite);
    }
  }

  std::vector<FakeEvent> Poll(Delta delta = Delta::NonBlocking()) {
    struct {
      std::vector<FakeEvent> events;
      void Ready(EventKey key, Mode mode, EventFlags flags) {
        events.push_back({key, mode, flags});
      }
    } sink;
    backend.Poll(delta, sink);
    return sink.events;
  }

  FakeKernel<> kernel;
  FakeBackend<StdEnv, kTrigger> backend{kernel};
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_FAKE_FAKE_RIG_H_
