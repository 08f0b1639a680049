// SPDX-License-Identifier: Apache-2.0
//
// The kernel refuses requests: every other one, for a while, or for seconds.
// Nothing is lost, nobody spins, and the lock is free whenever somebody waits.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <numeric>
#include <set>

#include "gtest/gtest.h"
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/io_uring/available.h"
#include "netpoll/tests/conformance/io_uring/scripted_ring.h"
#include "netpoll/tests/conformance/scripted/scripted_test.h"

namespace netpoll::conformance {
namespace {

using Backend = IoUringBackend<StdEnv, ScriptedRing>;

// How often it hands a request over before it gives up or pauses.
constexpr std::size_t kAtOnce = 16;
// More than it does in all.
constexpr std::size_t kForGood = 20'000;
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr unsigned kWatchdogSeconds = 60;

constexpr EventKey kKey = EventKey::ForSlot(1, 1);
constexpr EventKey kOther = EventKey::ForSlot(2, 1);
constexpr Delta kNow = Delta::NonBlocking();

class IoUringRefusal : public ScriptedTest<ScriptedRing> {
 protected:
  void SetUp() override {
    if (const char* const why = WhyNoIoUring()) GTEST_SKIP() << why;
    ::alarm(kWatchdogSeconds);  // What must not block may do so.
    ScriptedTest::SetUp();
    ASSERT_EQ(backend_.Init(), 0);
  }
  void TearDown() override { ::alarm(0); }

  static std::deque<int>& submits() { return script().returns[Call::kSubmit]; }

  static std::int64_t Paused() {
    const auto& pauses = script().pauses;
    return std::accumulate(pauses.begin(), pauses.end(), std::int64_t{0});
  }

  bool PollFdIsReadable() {
    pollfd asked{.fd = backend_.PollFd(), .events = POLLIN, .revents = 0};
    return ::poll(&asked, 1, 0) == 1;
  }

  // What others do while somebody pauses or waits. It would block if the lock
  // were held.
  void UseBackend() {
    Ends ends = Ends::Sockets();
    EXPECT_EQ(backend_.Open(ends.own(), kOther), 0);
    EXPECT_FALSE(Poll(backend_, kNow).empty());
    EXPECT_EQ(backend_.Close(ends.own(), kOther), 0);
  }

  Backend backend_;
};

// Two completions that are owed, one of which is fetched again while the other
// is refused, kept each other alive for ever.
TEST_F(IoUringRefusal, EveryOtherRequestIsRefusedAndItGoesOn) {
  constexpr std::uint32_t kMany = 20;
  for (const int error : {EAGAIN, EBUSY, ENOMEM, EINTR}) {
    script() = Script{};
    for (std::size_t i = 0; i < kForGood; ++i) {
      submits().push_back(i % 2 == 0 ? -error : Script::kCall);
    }
    std::deque<Ends> all;
    for (std::uint32_t i = 0; i < kMany; ++i) {
      all.push_back(Ends::Sockets());
      ASSERT_EQ(backend_.Open(all[i].own(), EventKey::ForSlot(i, 1)), 0);
      backend_.Break();
    }
    std::set<std::uint64_t> seen;
    for (const Report& one : Poll(backend_, kNow)) seen.insert(one.key.bits());
    EXPECT_EQ(seen.size(), kMany);
    // The break is there still.
    EXPECT_TRUE(Poll(backend_, Delta::Forever()).empty());
    for (std::uint32_t i = 0; i < kMany; ++i) {
      all[i].Send();
      if (i % 2 == 0) backend_.Break();
      EXPECT_EQ(backend_.Close(all[i].own(), EventKey::ForSlot(i, 1)), 0);
    }
    EXPECT_GT(submits().size(), kForGood - 30 * kMany)
        << "requests handed over";
    EXPECT_EQ(Paused(), 0);
    script() = Script{};
    EXPECT_TRUE(Poll(backend_, Delta::Forever()).empty());  // The last break.
  }
}

TEST_F(IoUringRefusal, ABreakPausesAndIsPostedInTheEnd) {
  submits().assign(4 * kAtOnce, -EAGAIN);
  script().meanwhile = [this] {
    const std::deque<int> left = submits();
    submits().clear();
    UseBackend();
    submits() = left;
  };
  backend_.Break();
  // Somebody posted it meanwhile.
  EXPECT_EQ(script().pauses.size(), 1u);
  EXPECT_TRUE(PollFdIsReadable());
  EXPECT_TRUE(Poll(backend_, Delta::Forever()).empty());
  // Nobody did.
  script() = Script{};
  submits().assign(4 * kAtOnce, -EAGAIN);
  backend_.Break();
  EXPECT_EQ(script().pauses,
            (std::vector<std::int64_t>{kMillisecond, 2 * kMillisecond,
                                       4 * kMillisecond, 8 * kMillisecond}));
  EXPECT_TRUE(PollFdIsReadable());
  EXPECT_TRUE(Poll(backend_, Delta::Forever()).empty());
}

TEST_F(IoUringRefusal, ABreakThatAPollTookMeanwhileIsNotPosted) {
  submits().assign(kForGood, -EAGAIN);
  script().meanwhile = [this] {
    EXPECT_TRUE(Poll(backend_, Delta::Forever()).empty());
  };
  backend_.Break();
  EXPECT_EQ(script().pauses.size(), 1u);
  script() = Script{};
  EXPECT_FALSE(PollFdIsReadable());
}

TEST_F(IoUringRefusal, AnOpenThatFailsTellsWhatItFetched) {
  Ends kept = Ends::Sockets();
  Ends ends = Ends::Sockets();
  ASSERT_EQ(backend_.Open(kept.own(), kKey), 0);
  EXPECT_EQ(Poll(backend_, kNow).size(), 1u);
  for (const int error : {EAGAIN, EBUSY, ENOMEM}) {
    for (const bool with_break : {false, true}) {
      char byte;
      kept.Send();
      if (with_break) backend_.Break();
      submits().assign(kAtOnce, -error);
      EXPECT_EQ(backend_.Open(ends.own(), kOther), error);
      EXPECT_TRUE(submits().empty());
      EXPECT_TRUE(PollFdIsReadable());
      const auto reports = Poll(backend_, Delta::Forever());
      ASSERT_EQ(reports.size(), 1u);
      EXPECT_EQ(reports[0].key, kKey);
      EXPECT_EQ(::read(kept.own(), &byte, 1), 1);
    }
  }
  // So does one that fails by what comes of the poll, and by the table.
  kept.Send();
  EXPECT_EQ(backend_.Open(kept.own(), kOther), EEXIST);
  EXPECT_TRUE(PollFdIsReadable());
  ends.CloseOwn();
  EXPECT_EQ(backend_.Open(1000, kOther), EBADF);
  EXPECT_TRUE(PollFdIsReadable());
  EXPECT_EQ(Poll(backend_, Delta::Forever()).size(), 1u);
}

TEST_F(IoUringRefusal, ACloseThatIsRefusedForAWhileGoesOn) {
  for (const std::size_t pauses : {1u, 5u, 50u}) {
    script() = Script{};
    Ends ends = Ends::Sockets();
    ASSERT_EQ(backend_.Open(ends.own(), kKey), 0);
    submits().assign(pauses * kAtOnce, -EAGAIN);
    if (pauses == 1) script().meanwhile = [this] { UseBackend(); };
    EXPECT_EQ(backend_.Close(ends.own(), kKey), 0);
    EXPECT_EQ(script().pauses.size(), pauses);
    for (const std::int64_t pause : script().pauses) {
      EXPECT_GE(pause, kMillisecond);
      EXPECT_LE(pause, 10 * kMillisecond);
    }
    ends.CloseOwn();
    char byte;
    EXPECT_EQ(::read(ends.peer(), &byte, 1), 0);
  }
}

// Nor is its poll armed anew, which the Close would wait for.
TEST_F(IoUringRefusal, WhatIsBeingClosedIsNotReported) {
  Ends ends = Ends::Sockets();
  ends.Send();
  ASSERT_EQ(backend_.Open(ends.own(), kKey), 0);
  submits().assign(2 * kAtOnce, -EAGAIN);
  script().meanwhile = [&] {
    ends.Send();
    EXPECT_TRUE(Poll(backend_, kNow).empty());
  };
  EXPECT_EQ(backend_.Close(ends.own(), kKey), 0);
  EXPECT_EQ(script().pauses.size(), 2u);
  EXPECT_TRUE(Poll(backend_, kNow).empty());
}

// The descriptor is forgotten, whatever the kernel does; and what the kernel
// still holds it gives back as soon as it can.
TEST_F(IoUringRefusal, ACloseThatIsRefusedForSecondsSaysSoAndIsMadeUpFor) {
  for (const int error : {EAGAIN, EBUSY, ENOMEM}) {
    script() = Script{};
    Ends ends = Ends::Sockets();
    ASSERT_EQ(backend_.Open(ends.own(), kKey), 0);
    submits().assign(kForGood, -error);
    EXPECT_EQ(backend_.Close(ends.own(), kKey), error);
    EXPECT_GT(submits().size(), 0u);
    EXPECT_GE(Paused(), 1'000 * kMillisecond);
    EXPECT_LE(Paused(), 10'000 * kMillisecond);
    EXPECT_EQ(backend_.Close(ends.own(), kKey), ENOENT);
    ends.CloseOwn();
    char byte;
    EXPECT_EQ(::read(ends.peer(), &byte, 1), -1) << "the kernel holds it";
    // A poll that can't either does not wait for it.
    script().pauses.clear();
    EXPECT_TRUE(Poll(backend_, kNow).empty());
    EXPECT_EQ(Paused(), 0);
    EXPECT_EQ(::read(ends.peer(), &byte, 1), -1);
    submits().clear();
    EXPECT_TRUE(Poll(backend_, kNow).empty());
    EXPECT_EQ(::read(ends.peer(), &byte, 1), 0);
    // Once is enough.
    script() = Script{};
    EXPECT_TRUE(Poll(backend_, kNow).empty());
    EXPECT_EQ(Count(Call::kSubmit), 0);
  }
}

TEST_F(IoUringRefusal, ManyClosesAreMadeUpFor) {
  constexpr std::uint32_t kMany = 10;
  std::deque<Ends> all;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    all.push_back(Ends::Sockets());
    ASSERT_EQ(backend_.Open(all[i].own(), EventKey::ForSlot(i, 1)), 0);
  }
  EXPECT_EQ(Poll(backend_, kNow).size(), kMany);
  for (std::uint32_t i = 0; i < kMany; ++i) {
    submits().assign(kForGood, -EAGAIN);
    EXPECT_EQ(backend_.Close(all[i].own(), EventKey::ForSlot(i, 1)), EAGAIN);
    all[i].CloseOwn();
  }
  submits().clear();
  Poll(backend_, kNow);
  for (Ends& ends : all) {
    char byte;
    EXPECT_EQ(::read(ends.peer(), &byte, 1), 0);
  }
}

// A report that comes again until its poll is armed does not make the caller's
// loop spin.
TEST_F(IoUringRefusal, ABlockingPollPausesWhereNothingCanBeArmedOrAwaited) {
  script().returns[Call::kWait] = {-EAGAIN, -EBUSY, -ENOMEM};
  for (int i = 1; i <= 3; ++i) {
    EXPECT_TRUE(Poll(backend_, Delta::Forever()).empty());
    EXPECT_EQ(Paused(), i * kMillisecond);
  }
  script() = Script{};
  script().returns[Call::kWait] = {-EAGAIN};
  EXPECT_TRUE(
      Poll(backend_, Delta::AtMost(std::chrono::microseconds(5))).empty());
  EXPECT_EQ(Paused(), 5'000) << "no longer than it may wait";
}

}  // namespace
}  // namespace netpoll::conformance
