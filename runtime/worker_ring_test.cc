// SPDX-License-Identifier: Apache-2.0
//
// A worker's ring of which more completes at once than it has room for: nothing
// is lost, whoever looks for all finds all, and each look finds some.

#include "netpoll/runtime/worker_ring.h"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/host_poller.h"
#include "netpoll/runtime/ring_call.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll::internal {
namespace {

class WorkerRingTest : public testing::Test {
 protected:
  static constexpr int kMany = 300;
  static constexpr unsigned kRequests = 4;
  static constexpr unsigned kCompletions = 8;

  void SetUp() override {
    if (const std::string why = WorkerRing::WhyNot(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    ASSERT_EQ(poller_.Init(), 0);
    ASSERT_EQ(ring_.Init(kRequests, kCompletions), 0);
    for (int i = 0; i < kMany; ++i) {
      auto ends = Socket::Pair(runtime_);
      ASSERT_TRUE(ends.ok()) << ends.status();
      ends_.push_back(*std::move(ends));
      FdState* const fd = StateOf(ends_.back().first);
      calls_.push_back(
          std::make_unique<RingCalls>(*fd, *fd->desc, [](FdState&) {}));
    }
  }

  void BeginAll() {
    for (int i = 0; i < kMany; ++i) {
      ASSERT_TRUE(ring_.Receive(calls_[i]->receive, ends_[i].first.fd(),
                                &bytes_[i], 1));
    }
  }
  void SayAll() {
    for (const auto& pair : ends_) {
      ASSERT_EQ(::send(pair.second.fd(), "x", 1, 0), 1);
    }
  }
  // How many have ended since it was asked last; each as expected.
  int Ended(int expected) {
    int count = 0;
    for (const auto& call : calls_) {
      int result = 0;
      if (!call->receive.flight.Take(&result)) continue;
      EXPECT_EQ(result, expected);
      ++count;
    }
    return count;
  }

  Runtime runtime_{{.threads = 1, .backend = "epoll"}};
  HostPoller poller_{"epoll"};
  std::vector<Socket::Ends> ends_;
  std::vector<std::unique_ptr<RingCalls>> calls_;
  char bytes_[kMany] = {};
  WorkerRing ring_{0, poller_};
};

TEST_F(WorkerRingTest, WhoeverWaitsGetsSomeEachTimeUntilAllHaveEnded) {
  BeginAll();
  static_cast<void>(ring_.Poll(Delta::NonBlocking()));
  EXPECT_EQ(Ended(1), 0);
  SayAll();
  int left = kMany;
  int polls = 0;
  for (; left > 0; ++polls) {
    static_cast<void>(ring_.Poll(Delta::Forever()));
    const int ended = Ended(1);
    ASSERT_GT(ended, 0);
    ASSERT_LE(ended, static_cast<int>(kCompletions)) << "it has room for more";
    left -= ended;
  }
  EXPECT_GE(polls, kMany / static_cast<int>(kCompletions));
}

TEST_F(WorkerRingTest, WhoeverLooksForAllFindsAll) {
  for (int i = 0; i < 2; ++i) {
    BeginAll();
    static_cast<void>(ring_.Poll(Delta::NonBlocking()));
    SayAll();
    static_cast<void>(ring_.PollAll());
    EXPECT_EQ(Ended(1), kMany);
  }
}

TEST_F(WorkerRingTest, WhatEndsAsItBeginsIsKeptUntilSomebodyLooks) {
  SayAll();
  BeginAll();
  static_cast<void>(ring_.PollAll());
  EXPECT_EQ(Ended(1), kMany);
}

TEST_F(WorkerRingTest, AllAreEndedThatNobodyEnds) {
  BeginAll();
  static_cast<void>(ring_.EndAll());
  EXPECT_EQ(Ended(-ECANCELED), kMany);
}

}  // namespace
}  // namespace netpoll::internal
