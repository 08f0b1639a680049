// SPDX-License-Identifier: Apache-2.0
//
// The seam's sleeping on Windows: no wake-up is lost, however it falls between
// the sleeper's last look and its sleep. A lost one shows as a test that does
// not end.
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"

namespace netpoll {
namespace {

constexpr int kRounds = 50'000;

TEST(Seam, TwoThreadsThatWakeEachOtherGoOn) {
  StdEnv::Parker ping, pong;
  int served = 0;
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) {
      ping.Park("test.ping");
      ++served;
      pong.Unpark("test.pong");
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    ping.Unpark("test.ping");
    pong.Park("test.pong");
    EXPECT_EQ(served, i + 1);
  }
  other.join();
}

TEST(Seam, AnUnparkThatNobodySleptThroughIsRemembered) {
  StdEnv::Parker parker;
  parker.Unpark("test.unpark");
  parker.Unpark("test.unpark");
  parker.Park("test.park");
}

TEST(Seam, ALockThatThreadsSleepOnIsHandedOn) {
  constexpr int kThreads = 4;
  StdEnv::Lock lock;
  int count = 0;  // Guarded by the lock.
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kRounds; ++j) {
        const LockHolder hold(lock, "test.lock");
        ++count;
        // So that others come meanwhile.
        if (j % 64 == 0) std::this_thread::yield();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * kRounds);
}

}  // namespace
}  // namespace netpoll
