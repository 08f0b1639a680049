// SPDX-License-Identifier: Apache-2.0
//
// A runtime with a ring, for tests.

#ifndef NETPOLL_RUNTIME_RING_TEST_SUPPORT_H_
#define NETPOLL_RUNTIME_RING_TEST_SUPPORT_H_

#include <string>

#include "gtest/gtest.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {

// Of workers that have a ring each; skipped where the kernel has none.
class RingTest : public testing::Test {
 protected:
  // On the only worker.
  template <class Body>
  void RunInRing(Body body) {
    RunInRings(1, body);
  }
  // On the first of so many.
  template <class Body>
  void RunInRings(int threads, Body body) {
    const DescriptorGuard guard;
    Runtime runtime({.threads = threads,
                     .backend = "io_uring",
                     .completions = true,
                     .sharded = threads > 1});
    if (!runtime.status().ok() || !runtime.backend_note().empty()) {
      GTEST_SKIP() << runtime.status() << runtime.backend_note();
    }
    SpawnOptions where;
    if (threads > 1) where.worker = 0;
    runtime.Spawn(body(runtime), where);
    const absl::Status status = RunWatched(runtime);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(runtime.stats().parked, 0) << "the waiter count drifted";
  }
};

// It never waited for readiness.
inline bool OnlyByRing(const Descriptor& descriptor) {
  return internal::StateOf(descriptor)->unwatched();
}

inline Task<IoResult> ReadInto(Socket& socket, std::string& buffer) {
  co_return co_await socket.Read(buffer);
}

inline Task<IoResult> ReadUntil(CancelSource& until, Socket& socket,
                                std::string& buffer) {
  co_return co_await WithCancel(until, socket.Read(buffer));
}

// Lets the other tasks come to where they wait, and the ring take their calls.
inline Task<> Settle(Runtime& runtime, int parked) {
  while (runtime.stats().parked < parked) co_await runtime.Yield();
  for (int i = 0; i < 200; ++i) co_await runtime.Yield();
}

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_RING_TEST_SUPPORT_H_
