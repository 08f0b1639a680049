// SPDX-License-Identifier: Apache-2.0
//
// The poll backend compiles against the declarations of each system, warnings
// being errors, and reads each system's answers. Built once for each layout;
// the call is a stub.
#include <poll.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/poll/poll_backend.h"
#include "netpoll/backends/poll/poll_events.h"
#include "netpoll/backends/poll/poll_sys.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"

namespace {

// What the next call answers of every descriptor, and returns.
decltype(pollfd::revents) answer = 0;
int returned = 0;

}  // namespace

extern "C" int poll(struct pollfd* fds, nfds_t count, int) {
  for (nfds_t i = 0; i < count; ++i) fds[i].revents = answer;
  return returned;
}

// All of it, not only what is used below.
template class netpoll::Poller<netpoll::PollBackend<>>;

namespace netpoll::conformance {
namespace {

constexpr EventKey kKey = EventKey::ForSlot(5, 9);

struct Report {
  Mode mode;
  EventFlags flags;
};
struct Recorder {
  std::vector<Report> reports;
  void Ready(EventKey key, Mode mode, EventFlags flags) {
    EXPECT_EQ(key, kKey);
    reports.push_back({mode, flags});
  }
};

class PollLayout : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(backend_.Init(), 0);
    ASSERT_EQ(backend_.Open(7, kKey), 0);
  }

  std::vector<Report> PollWith(int bits) {
    answer = static_cast<decltype(answer)>(bits);
    returned = 1;
    backend_.Arm(7, kKey, Mode::kRead);
    backend_.Arm(7, kKey, Mode::kWrite);
    Recorder recorder;
    backend_.Poll(Delta::NonBlocking(), recorder);
    return recorder.reports;
  }

  PollBackend<> backend_;
};

TEST_F(PollLayout, EachBitIsRead) {
  const struct {
    int bits;
    Mode mode;
    EventFlags flags;
  } kCases[] = {
      {POLLIN, Mode::kRead, {}},
      {POLLOUT, Mode::kWrite, {}},
      {POLLIN | POLLOUT, Mode::kReadWrite, {}},
      {POLLERR, Mode::kReadWrite, {.error = true, .no_more_edges = true}},
      {POLLERR | POLLIN, Mode::kReadWrite, {.no_more_edges = true}},
      {POLLHUP, Mode::kReadWrite, {.no_more_edges = true}},
      {POLLNVAL, Mode::kReadWrite, {.error = true, .no_more_edges = true}},
  };
  for (const auto& c : kCases) {
    const auto reports = PollWith(c.bits);
    ASSERT_EQ(reports.size(), 1u) << c.bits;
    EXPECT_EQ(reports[0].mode, c.mode) << c.bits;
    EXPECT_EQ(reports[0].flags, c.flags) << c.bits;
  }
}

// No system here tells a half-close from data.
TEST_F(PollLayout, WhatTheSystemHasNoMarkForIsNotPromised) {
  static_assert(!PollBackend<>::kTraits.marks_short_reads);
  EXPECT_EQ(PollInterest(Mode::kRead), POLLIN);
  EXPECT_EQ(PollInterest(Mode::kReadWrite), POLLIN | POLLOUT);
}

TEST_F(PollLayout, TheUpperHalfOfACountIsOfMessageQueues) {
  if (!kPollCountsQueues) GTEST_SKIP() << "it counts descriptors only";
  pollfd one{7, POLLIN, 0};
  answer = POLLIN;
  for (const int queues : {0, 1, 3}) {
    returned = queues << 16 | 1;
    EXPECT_EQ(PollSys::Poll(&one, 1, 0), 1);
    returned = queues << 16;
    EXPECT_EQ(PollSys::Poll(&one, 1, 0), 0);
  }
  returned = -1;
  errno = EINTR;
  EXPECT_EQ(PollSys::Poll(&one, 1, 0), -EINTR);
  EXPECT_EQ(PollSys::kMostAsked, 0xffffu);
}

TEST_F(PollLayout, ElsewhereACountIsOneNumber) {
  if (kPollCountsQueues) GTEST_SKIP() << "it has two halves";
  pollfd one{7, POLLIN, 0};
  returned = 0x1'0001;
  EXPECT_EQ(PollSys::Poll(&one, 1, 0), 0x1'0001);
  EXPECT_GT(PollSys::kMostAsked, 0xffffu);
}

}  // namespace
}  // namespace netpoll::conformance
