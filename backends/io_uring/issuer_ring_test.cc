// SPDX-License-Identifier: Apache-2.0
//
// The ring of one thread, over a kernel that lacks it, refuses requests, or
// has no room: nothing is lost, and nothing is handed over twice.

#include "netpoll/backends/io_uring/issuer_ring.h"

#include <linux/io_uring.h>

#include <cerrno>
#include <chrono>
#include <cstdint>

#include "gtest/gtest.h"
#include "netpoll/backends/io_uring/io_uring_sys.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

struct TestSys : IoUringSys {
  static inline int setup_fails = 0;      // With this errno.
  static inline bool old_kernel = false;  // Which has fewer features.
  static inline bool registers = true;
  static inline int refusals = 0;  // Of the next calls that hand over.
  static inline int entered = 0;

  static int Setup(unsigned entries, io_uring_params* params) {
    if (setup_fails != 0) return -setup_fails;
    const int fd = IoUringSys::Setup(entries, params);
    if (old_kernel) params->features &= ~IORING_FEAT_CQE_SKIP;
    return fd;
  }
  static int Register(int ring, unsigned what, void* arg, unsigned count) {
    return registers ? IoUringSys::Register(ring, what, arg, count) : -EINVAL;
  }
  static int Enter(int ring, unsigned submit, unsigned wait, unsigned flags,
                   const io_uring_getevents_arg* arg) {
    ++entered;
    if (submit != 0 && refusals > 0) {
      --refusals;
      return -EAGAIN;
    }
    return IoUringSys::Enter(ring, submit, wait, flags, arg);
  }
};

class IssuerRingTest : public testing::Test {
 protected:
  IssuerRingTest() {
    TestSys::setup_fails = TestSys::refusals = TestSys::entered = 0;
    TestSys::old_kernel = false;
    TestSys::registers = true;
  }

  // False: the kernel has no such rings.
  bool Made(unsigned requests, unsigned completions) {
    const int error = ring_.Init(requests, completions);
    return error == 0;
  }

  bool AskForNothing(std::uint64_t number) {
    io_uring_sqe* const request = ring_.Next();
    if (request == nullptr) return false;
    request->opcode = IORING_OP_NOP;
    request->user_data = number;
    return true;
  }

  // The sum of the numbers of all completions, and how many there were.
  std::uint64_t Sum(int* count) {
    std::uint64_t sum = 0;
    io_uring_cqe completion;
    for (*count = 0; ring_.Take(&completion); ++*count) {
      sum += completion.user_data;
    }
    return sum;
  }

  IssuerRing<StdEnv, TestSys> ring_;
};

TEST_F(IssuerRingTest, AKernelWithoutItIsToldByAnErrno) {
  TestSys::setup_fails = EINVAL;
  EXPECT_EQ((IssuerRing<StdEnv, TestSys>().Init(8, 8)), EINVAL);
  TestSys::setup_fails = 0;
  TestSys::old_kernel = true;
  const int error = ring_.Init(8, 8);
  EXPECT_TRUE(error == ENOSYS || error == EINVAL) << error;
}

TEST_F(IssuerRingTest, WhatTheKernelCouldNotTakeIsHandedOverOnce) {
  if (!Made(8, 8)) GTEST_SKIP() << "there are no rings of one thread";
  for (std::uint64_t i = 1; i <= 4; ++i) ASSERT_TRUE(AskForNothing(i));
  TestSys::refusals = 3;
  int count = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ring_.Enter(Delta::NonBlocking()), EAGAIN);
    EXPECT_TRUE(ring_.Pending());
    EXPECT_EQ(Sum(&count), 0u);
  }
  EXPECT_EQ(ring_.Enter(Delta::Forever()), 0);
  EXPECT_EQ(Sum(&count), 10u);
  EXPECT_EQ(ring_.Enter(Delta::NonBlocking()), 0);
  Sum(&count);
  EXPECT_EQ(count, 0);
}

TEST_F(IssuerRingTest, WhereThereIsNoRoomOneIsToldAndLaterThereIs) {
  if (!Made(4, 8)) GTEST_SKIP() << "there are no rings of one thread";
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(AskForNothing(1));
  EXPECT_FALSE(AskForNothing(1));
  EXPECT_EQ(ring_.Enter(Delta::NonBlocking()), 0);
  EXPECT_TRUE(AskForNothing(1));
}

TEST_F(IssuerRingTest, CompletionsBeyondTheRoomAreKept) {
  if (!Made(4, 4)) GTEST_SKIP() << "there are no rings of one thread";
  for (int i = 0; i < 40; ++i) {
    while (!AskForNothing(1)) ring_.Enter(Delta::NonBlocking());
  }
  int all = 0;
  for (int i = 0; i < 100 && all < 40; ++i) {
    int count = 0;
    ring_.Enter(Delta::NonBlocking());
    all += static_cast<int>(Sum(&count));
  }
  EXPECT_EQ(all, 40);
}

TEST_F(IssuerRingTest, ALookThatHasNothingToDoIsNoCall) {
  if (!Made(4, 4)) GTEST_SKIP() << "there are no rings of one thread";
  const int before = TestSys::entered;
  EXPECT_EQ(ring_.Enter(Delta::NonBlocking()), 0);
  EXPECT_EQ(TestSys::entered, before);
}

TEST_F(IssuerRingTest, AWaitEndsByItsLimitAndNotBefore) {
  TestSys::registers = false;  // It does without.
  if (!Made(4, 4)) GTEST_SKIP() << "there are no rings of one thread";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(ring_.Enter(Delta::AtMost(2ms)), ETIME);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 2ms);
}

}  // namespace
}  // namespace netpoll
