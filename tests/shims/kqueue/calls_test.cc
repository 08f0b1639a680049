// SPDX-License-Identifier: Apache-2.0
//
// The shim: errors of changes, limits, signals, user events, several threads.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/event.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/tests/shims/kqueue/harness.h"

namespace netpoll::shim {
namespace {

constexpr unsigned kEdge = EV_ADD | EV_CLEAR;
constexpr std::uintptr_t kUser = 7;

TEST_F(Shim, AChangeThatFailsIsAnEventIfThereIsRoom) {
  Send();
  const struct kevent changes[] = {Change(own(), EVFILT_READ, EV_DELETE, 0, 5),
                                   Change(own(), EVFILT_READ, kEdge),
                                   Change(9999, EVFILT_WRITE, kEdge)};
  struct kevent events[8];
  // It does not wait, nor fetch what is pending.
  ASSERT_EQ(::kevent(kq_, changes, 3, events, 8, nullptr), 2);
  EXPECT_EQ(events[0].flags, EV_ERROR);
  EXPECT_EQ(events[0].data, ENOENT);
  EXPECT_EQ(events[0].ident, static_cast<std::uintptr_t>(own()));
  EXPECT_EQ(events[0].udata, changes[0].udata);
  EXPECT_EQ(events[1].data, EBADF);
  EXPECT_EQ(Take().size(), 1u);
}

TEST_F(Shim, WithoutRoomTheFirstFailureEndsTheCall) {
  EXPECT_EQ(
      Make({Change(own(), EVFILT_READ, kEdge), Change(9999, EVFILT_READ, kEdge),
            Change(own(), EVFILT_WRITE, kEdge)}),
      EBADF);
  EXPECT_EQ(Make(own(), EVFILT_READ, EV_DELETE), 0);
  EXPECT_EQ(Make(own(), EVFILT_WRITE, EV_DELETE), ENOENT);
}

TEST_F(Shim, ChangesThatMakeNoSenseAreRefused) {
  EXPECT_EQ(Make(1, EVFILT_TIMER, EV_ADD), EINVAL);
  EXPECT_EQ(Make(own(), EVFILT_READ, EV_ADD | EV_EOF), EINVAL);
  EXPECT_EQ(Make(kUser, EVFILT_USER, EV_ADD, 0x7), EINVAL);
  EXPECT_EQ(Make(kUser, EVFILT_USER, 0, NOTE_TRIGGER), ENOENT);
  EXPECT_EQ(Make(own(), EVFILT_READ, 0), ENOENT);
}

TEST_F(Shim, OnlyAQueueIsAQueue) {
  struct kevent event {};
  const timespec now{};
  for (const int fd : {-1, own(), 9999}) {
    EXPECT_EQ(::kevent(fd, nullptr, 0, &event, 1, &now), -1);
    EXPECT_EQ(errno, EBADF);
  }
  ::close(kq_);
  EXPECT_EQ(::kevent(kq_, nullptr, 0, &event, 1, &now), -1);
  EXPECT_EQ(errno, EBADF);
  kq_ = ::kqueue();
}

TEST_F(Shim, BadCountsAndAddressesAreRefused) {
  struct kevent event {};
  const timespec now{};
  EXPECT_EQ(::kevent(kq_, nullptr, 0, &event, -1, &now), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(::kevent(kq_, nullptr, 1, &event, 1, &now), -1);
  EXPECT_EQ(errno, EFAULT);
}

TEST_F(Shim, LimitsOutOfRangeAreRefused) {
  struct kevent event {};
  const timespec bad[] = {
      {100'000'001, 0}, {-1, 0}, {0, 1'000'000'000}, {0, -1}};
  for (const timespec& limit : bad) {
    EXPECT_EQ(::kevent(kq_, nullptr, 0, &event, 1, &limit), -1);
    EXPECT_EQ(errno, EINVAL);
  }
  const timespec longest{100'000'000, 999'999'999};
  ASSERT_EQ(Make(own(), EVFILT_WRITE, kEdge), 0);
  EXPECT_EQ(::kevent(kq_, nullptr, 0, &event, 1, &longest), 1);
}

TEST_F(Shim, ALimitIsWaitedFor) {
  struct kevent event {};
  const auto start = std::chrono::steady_clock::now();
  const timespec limit{0, 1'500'001};
  EXPECT_EQ(::kevent(kq_, nullptr, 0, &event, 1, &limit), 0);
  EXPECT_GE(std::chrono::steady_clock::now() - start,
            std::chrono::nanoseconds(1'500'001));
}

TEST_F(Shim, WithoutRoomForEventsItDoesNotWait) {
  EXPECT_EQ(::kevent(kq_, nullptr, 0, nullptr, 0, nullptr), 0);
}

TEST_F(Shim, ItIsNotCloseOnExec) {
  EXPECT_EQ(::fcntl(kq_, F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(Shim, AQueueCanBePolled) {
  pollfd watched{.fd = kq_, .events = POLLIN, .revents = 0};
  ASSERT_EQ(Make(kUser, EVFILT_USER, kEdge), 0);
  EXPECT_EQ(::poll(&watched, 1, 0), 0);
  ASSERT_EQ(Make(kUser, EVFILT_USER, 0, NOTE_TRIGGER), 0);
  EXPECT_EQ(::poll(&watched, 1, -1), 1);
  EXPECT_EQ(Take().size(), 1u);
  EXPECT_EQ(::poll(&watched, 1, 0), 0);
}

TEST_F(Shim, AUserEventIsConsumedByWhoeverFetchesIt) {
  ASSERT_EQ(Make(kUser, EVFILT_USER, kEdge, 0, 3), 0);
  EXPECT_TRUE(Take().empty());
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(Make(kUser, EVFILT_USER, 0, NOTE_TRIGGER, 3), 0);
    ASSERT_EQ(Make(kUser, EVFILT_USER, 0, NOTE_TRIGGER, 3), 0);
    const Events events = Take();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].ident, kUser);
    EXPECT_EQ(events[0].filter, EVFILT_USER);
    EXPECT_EQ(reinterpret_cast<std::intptr_t>(events[0].udata), 3);
    EXPECT_TRUE(Take().empty());
  }
}

// Row K5: a trigger that adds again without EV_CLEAR makes the event stay.
TEST_F(Shim, AddingAUserEventAgainReplacesItsFlags) {
  ASSERT_EQ(Make(kUser, EVFILT_USER, kEdge), 0);
  ASSERT_EQ(Make(kUser, EVFILT_USER, EV_ADD, NOTE_TRIGGER), 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Take().size(), 1u);
  ASSERT_EQ(Make(kUser, EVFILT_USER, EV_DELETE), 0);
  EXPECT_TRUE(Take().empty());
}

TEST_F(Shim, UserEventsThatFindNoRoomStay) {
  for (std::uintptr_t i = 0; i < 5; ++i) {
    ASSERT_EQ(Make(i, EVFILT_USER, kEdge, NOTE_TRIGGER), 0);
  }
  EXPECT_EQ(Take(2).size(), 2u);
  EXPECT_EQ(Take(2).size(), 2u);
  EXPECT_EQ(Take(2).size(), 1u);
  EXPECT_TRUE(Take(2).empty());
}

TEST_F(Shim, AUserEventEndsAWaitInAnotherThread) {
  ASSERT_EQ(Make(kUser, EVFILT_USER, kEdge), 0);
  for (int i = 0; i < 200; ++i) {
    std::thread waiter([this] {
      struct kevent event {};
      EXPECT_EQ(::kevent(kq_, nullptr, 0, &event, 1, nullptr), 1);
    });
    EXPECT_EQ(Make(kUser, EVFILT_USER, 0, NOTE_TRIGGER), 0);
    waiter.join();
  }
}

TEST_F(Shim, AnEdgeGoesToOneOfSeveralThreads) {
  constexpr int kThreads = 3;
  constexpr int kEdges = 100;
  ASSERT_EQ(Make({Change(own(), EVFILT_READ, kEdge),
                  Change(kUser, EVFILT_USER, EV_ADD)}),
            0);
  std::atomic<int> seen = 0;
  std::vector<std::thread> waiters;
  for (int i = 0; i < kThreads; ++i) {
    waiters.emplace_back([&] {
      for (;;) {
        struct kevent event {};
        ASSERT_EQ(::kevent(kq_, nullptr, 0, &event, 1, nullptr), 1);
        if (event.filter == EVFILT_USER) return;
        ++seen;
      }
    });
  }
  for (int i = 1; i <= kEdges; ++i) {
    Send();
    while (seen < i) std::this_thread::yield();
  }
  EXPECT_EQ(Make(kUser, EVFILT_USER, 0, NOTE_TRIGGER), 0);
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(seen, kEdges);
}

TEST_F(Shim, ChangesGoOnWhileAnotherThreadWaits) {
  ASSERT_EQ(Make(kUser, EVFILT_USER, EV_ADD), 0);
  std::atomic<int> seen = 0;
  std::thread waiter([&] {
    for (;;) {
      struct kevent event {};
      ASSERT_EQ(::kevent(kq_, nullptr, 0, &event, 1, nullptr), 1);
      if (event.filter == EVFILT_USER) return;
      ++seen;
    }
  });
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(Make({Change(own(), EVFILT_READ, kEdge),
                    Change(own(), EVFILT_WRITE, kEdge)}),
              0);
    EXPECT_EQ(Make({Change(own(), EVFILT_READ, EV_DELETE),
                    Change(own(), EVFILT_WRITE, EV_DELETE)}),
              0);
  }
  ASSERT_EQ(Make(own(), EVFILT_WRITE, kEdge), 0);
  const int before = seen;
  while (seen == before && before == 0) std::this_thread::yield();
  EXPECT_EQ(Make(kUser, EVFILT_USER, 0, NOTE_TRIGGER), 0);
  waiter.join();
}

TEST_F(Shim, ASignalEndsTheWaitAfterTheChangesWereMade) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &action, &before);
  std::atomic<bool> ended = false;
  std::thread waiter([&] {
    const struct kevent change = Change(own(), EVFILT_READ, kEdge);
    struct kevent event {};
    EXPECT_EQ(::kevent(kq_, &change, 1, &event, 1, nullptr), -1);
    EXPECT_EQ(errno, EINTR);
    ended = true;
  });
  // Enough of them that one comes while it waits.
  while (!ended) {
    ::pthread_kill(waiter.native_handle(), SIGUSR1);
    std::this_thread::yield();
  }
  waiter.join();
  ::sigaction(SIGUSR1, &before, nullptr);
  EXPECT_EQ(Make(own(), EVFILT_READ, EV_DELETE), 0);
}

}  // namespace
}  // namespace netpoll::shim
