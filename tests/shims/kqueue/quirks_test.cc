// SPDX-License-Identifier: Apache-2.0
//
// The shim: what kernels do against their manuals.
#include "netpoll/tests/shims/kqueue/quirks.h"

#include <sys/event.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "gtest/gtest.h"
#include "netpoll/tests/shims/kqueue/harness.h"

namespace netpoll::shim {
namespace {

constexpr unsigned kEdge = EV_ADD | EV_CLEAR;
constexpr std::uintptr_t kUser = 7;

class ShimQuirks : public Shim {
 protected:
  // What a call that sleeps meets when a passing call adds a filter of a
  // readable descriptor with `flags`, and looks: the filter of its event.
  // `passed`: of what the passing call met.
  int FilterThatEndsTheSleep(unsigned flags, std::size_t* passed) {
    std::atomic<bool> ended = false;
    int filter = 0;
    std::thread sleeper([&] {
      struct kevent event {};
      EXPECT_EQ(::kevent(kq_, nullptr, 0, &event, 1, nullptr), 1);
      filter = event.filter;
      ended = true;
    });
    const timespec soon{0, 2'000'000};
    ::nanosleep(&soon, nullptr);  // So that it is likely to sleep.
    const struct kevent change = Change(own(), EVFILT_READ, flags);
    struct kevent events[8];
    const timespec now{};
    *passed =
        static_cast<std::size_t>(::kevent(kq_, &change, 1, events, 8, &now));
    for (int i = 0; i < 100 && !ended; ++i) std::this_thread::yield();
    EXPECT_EQ(Make(kUser, EVFILT_USER, kEdge, NOTE_TRIGGER), 0);
    sleeper.join();
    return filter;
  }
};

TEST_F(ShimQuirks, ALevelThatAPassingCallSawEndsNoSleep) {
  ASSERT_TRUE(SetQuirks(kq_, kOldNetBsd));
  Send();
  bool lost = false;
  for (int i = 0; i < 1000 && !lost; ++i) {
    std::size_t passed = 0;
    const int filter = FilterThatEndsTheSleep(EV_ADD, &passed);
    lost = passed == 1 && filter == EVFILT_USER;
    // It was put back: whoever comes next sees it.
    if (lost) {
      EXPECT_EQ(Take().size(), 1u);
    }
    Make(own(), EVFILT_READ, EV_DELETE);
    Make(kUser, EVFILT_USER, EV_DELETE);
  }
  EXPECT_TRUE(lost);
}

TEST_F(ShimQuirks, AnEdgeIsTakenByOneOfThem) {
  ASSERT_TRUE(SetQuirks(kq_, kOldNetBsd));
  Send();
  for (int i = 0; i < 20; ++i) {
    std::size_t passed = 0;
    const int filter = FilterThatEndsTheSleep(kEdge, &passed);
    EXPECT_EQ(filter == EVFILT_READ, passed == 0);
    Make(own(), EVFILT_READ, EV_DELETE);
    Make(kUser, EVFILT_USER, EV_DELETE);
  }
}

TEST_F(ShimQuirks, TheWriteFilterOfAnEndedPipeIsRefused) {
  for (const Quirks& quirks :
       {kOldNetBsd, Quirks{.write_filter_of_an_ended_pipe = EPIPE}}) {
    ASSERT_TRUE(SetQuirks(kq_, quirks));
    for (const int kept : {0, 1}) {
      int ends[2];
      ASSERT_EQ(::pipe(ends), 0);
      EXPECT_EQ(Make(ends[kept], EVFILT_WRITE, kEdge), 0);
      EXPECT_EQ(Make(ends[kept], EVFILT_WRITE, EV_DELETE), 0);
      ::close(ends[1 - kept]);
      EXPECT_EQ(Make(ends[kept], EVFILT_WRITE, kEdge),
                quirks.write_filter_of_an_ended_pipe);
      EXPECT_EQ(Make(ends[kept], EVFILT_WRITE, EV_DELETE), ENOENT);
      EXPECT_EQ(Make(ends[kept], EVFILT_READ, kEdge), 0);
      const Events events = Take();
      ASSERT_EQ(events.size(), 1u);
      EXPECT_NE(events[0].flags & EV_EOF, 0);
      ::close(ends[kept]);
    }
  }
  ClosePeer();
  EXPECT_EQ(Make(own(), EVFILT_WRITE, kEdge), 0) << "a socket is no pipe";
}

TEST_F(ShimQuirks, WrongEndsAreSilent) {
  ASSERT_TRUE(SetQuirks(kq_, kFreeBsd));
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_EQ(Make(ends[0], EVFILT_WRITE, kEdge), 0);
  EXPECT_EQ(Make(ends[1], EVFILT_READ, kEdge), 0);
  ::close(ends[0]);
  EXPECT_TRUE(Take().empty());
  EXPECT_EQ(Make(ends[1], EVFILT_READ, kEdge), 0);
  EXPECT_EQ(Make(ends[1], EVFILT_WRITE, kEdge), EPIPE);
  EXPECT_TRUE(Take().empty());
  EXPECT_EQ(Make(ends[1], EVFILT_READ, EV_DELETE), 0);
  ::close(ends[1]);
}

TEST_F(ShimQuirks, OnlyAQueueHasThem) { EXPECT_FALSE(SetQuirks(own(), {})); }

}  // namespace
}  // namespace netpoll::shim
