// SPDX-License-Identifier: Apache-2.0
//
// The shim does what port.h says.
#include <fcntl.h>
#include <poll.h>
#include <port.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace netpoll::shim {
namespace {

void* Cookie(std::uintptr_t bits) { return reinterpret_cast<void*>(bits); }

constexpr timespec kShort{.tv_sec = 0, .tv_nsec = 1};
constexpr timespec kLong{.tv_sec = 1'000'000, .tv_nsec = 0};
constexpr timespec kNow{};

// What a port_getn did.
struct Got {
  int error;  // 0, or errno.
  unsigned count;
  std::array<port_event_t, 8> events;
};

class Shim : public ::testing::Test {
 protected:
  Shim() : port_(::port_create()) {
    for (auto& pair : pairs_) {
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data());
    }
  }
  ~Shim() override {
    for (const auto& pair : pairs_) {
      ::close(pair[0]);
      ::close(pair[1]);
    }
    ::close(port_);
  }

  int own(std::size_t i) const { return pairs_[i][0]; }
  void Send(std::size_t i) const {
    EXPECT_EQ(::write(pairs_[i][1], "x", 1), 1);
  }
  void ClosePeer(std::size_t i) { ::close(std::exchange(pairs_[i][1], -1)); }

  int Associate(std::size_t i, int events, std::uintptr_t user = 7) const {
    return ::port_associate(port_, PORT_SOURCE_FD,
                            static_cast<std::uintptr_t>(own(i)), events,
                            Cookie(user));
  }
  int Dissociate(std::size_t i) const {
    return ::port_dissociate(port_, PORT_SOURCE_FD,
                             static_cast<std::uintptr_t>(own(i)));
  }

  // With a limit, or for ever.
  Got GetN(unsigned wanted, unsigned max, const timespec* limit) const {
    Got got{};
    got.count = wanted;
    timespec copy = limit == nullptr ? timespec{} : *limit;
    const int result = ::port_getn(port_, got.events.data(), max, &got.count,
                                   limit == nullptr ? nullptr : &copy);
    got.error = result == 0 ? 0 : errno;
    return got;
  }
  Got Get() const { return GetN(1, 8, &kNow); }

  void SetAlert(std::uintptr_t user = 1) const {
    EXPECT_EQ(::port_alert(port_, PORT_ALERT_SET, POLLHUP, Cookie(user)), 0);
  }
  void ClearAlert() const { EXPECT_EQ(::port_alert(port_, 0, 0, nullptr), 0); }

  int port_;
  std::array<std::array<int, 2>, 3> pairs_;
};

TEST_F(Shim, AnAssociationReportsOnce) {
  Send(0);
  ASSERT_EQ(Associate(0, POLLIN, ~std::uintptr_t{0}), 0);
  const Got got = Get();
  ASSERT_EQ(got.count, 1u);
  EXPECT_EQ(got.error, 0);
  EXPECT_EQ(got.events[0].portev_source, PORT_SOURCE_FD);
  EXPECT_EQ(got.events[0].portev_events, POLLIN);
  EXPECT_EQ(got.events[0].portev_object, static_cast<std::uintptr_t>(own(0)));
  EXPECT_EQ(got.events[0].portev_user, Cookie(~std::uintptr_t{0}));
  Send(0);
  EXPECT_EQ(Get().count, 0u);
  ASSERT_EQ(Associate(0, POLLIN), 0);
  EXPECT_EQ(Get().count, 1u);
}

TEST_F(Shim, AssociatingAgainReplacesEventsAndUser) {
  Send(0);
  ASSERT_EQ(Associate(0, POLLIN, 1), 0);
  ASSERT_EQ(Associate(0, POLLIN | POLLOUT, 2), 0);
  const Got got = Get();
  ASSERT_EQ(got.count, 1u);
  EXPECT_EQ(got.events[0].portev_events, POLLIN | POLLOUT);
  EXPECT_EQ(got.events[0].portev_user, Cookie(2));
}

TEST_F(Shim, AssociatingAgainTakesBackWhatWasNotRetrieved) {
  Send(0);
  Send(1);
  ASSERT_EQ(Associate(0, POLLIN, 1), 0);
  ASSERT_EQ(Associate(1, POLLIN, 2), 0);
  // Both are in the queue now, one is fetched.
  const Got first = GetN(1, 1, &kNow);
  ASSERT_EQ(first.count, 1u);
  const std::size_t left = first.events[0].portev_user == Cookie(1) ? 1 : 0;
  ASSERT_EQ(Associate(left, 0), 0);
  EXPECT_EQ(Get().count, 0u);
}

TEST_F(Shim, WithoutEventsOnlyHangUpsAndErrorsAreReported) {
  Send(0);
  ASSERT_EQ(Associate(0, 0), 0);
  EXPECT_EQ(Get().count, 0u);
  ClosePeer(0);
  const Got got = Get();
  ASSERT_EQ(got.count, 1u);
  EXPECT_EQ(got.events[0].portev_events, POLLHUP);
  EXPECT_EQ(Get().count, 0u);
}

TEST_F(Shim, DissociatingForgetsAndSaysWhetherThereWasAnything) {
  EXPECT_EQ(Dissociate(0), -1);
  EXPECT_EQ(errno, ENOENT);
  Send(0);
  // Never reported; then queued.
  ASSERT_EQ(Associate(0, POLLOUT), 0);
  EXPECT_EQ(Dissociate(0), 0);
  ASSERT_EQ(Associate(0, POLLIN), 0);
  SetAlert();
  EXPECT_EQ(Get().count, 1u);
  ClearAlert();
  EXPECT_EQ(Dissociate(0), 0);
  EXPECT_EQ(Get().count, 0u);
  // Retrieved.
  ASSERT_EQ(Associate(0, POLLIN), 0);
  EXPECT_EQ(Get().count, 1u);
  EXPECT_EQ(Dissociate(0), -1);
  EXPECT_EQ(errno, ENOENT);
}

TEST_F(Shim, ANumberThatIsUsedAgainIsAnotherDescriptor) {
  ASSERT_EQ(Associate(0, POLLIN, 1), 0);
  const int number = own(0);
  const int duplicate = ::dup(number);
  ASSERT_EQ(::dup2(own(1), number), number);
  ASSERT_EQ(Associate(0, POLLIN, 2), 0);
  Send(0);  // To the duplicate.
  EXPECT_EQ(Get().count, 0u);
  Send(1);
  const Got got = Get();
  ASSERT_EQ(got.count, 1u);
  EXPECT_EQ(got.events[0].portev_user, Cookie(2));
  ::close(duplicate);
}

TEST_F(Shim, WhatDoesNotFitStaysInThePort) {
  for (const std::size_t i : {0, 1, 2}) ASSERT_EQ(Associate(i, POLLOUT), 0);
  EXPECT_EQ(GetN(1, 2, &kNow).count, 2u);
  EXPECT_EQ(GetN(1, 2, &kNow).count, 1u);
  EXPECT_EQ(GetN(1, 2, &kNow).count, 0u);
}

TEST_F(Shim, NoRoomAsksForTheNumberOfEvents) {
  for (const std::size_t i : {0, 1}) ASSERT_EQ(Associate(i, POLLOUT), 0);
  EXPECT_EQ(GetN(0, 0, &kNow).count, 2u);
  EXPECT_EQ(Get().count, 2u);
}

TEST_F(Shim, TheEndOfTheTimeGivesWhatThereIsWithETIME) {
  ASSERT_EQ(Associate(0, POLLOUT), 0);
  Got got = GetN(2, 8, &kShort);
  EXPECT_EQ(got.error, ETIME);
  EXPECT_EQ(got.count, 1u);
  EXPECT_EQ(got.events[0].portev_source, PORT_SOURCE_FD);
  got = GetN(2, 8, &kShort);
  EXPECT_EQ(got.error, ETIME);
  EXPECT_EQ(got.count, 0u);
}

TEST_F(Shim, WithoutTimeItSucceedsWithWhatThereIs) {
  EXPECT_EQ(Get().error, 0);
  EXPECT_EQ(Get().count, 0u);
  ASSERT_EQ(Associate(0, POLLOUT), 0);
  const Got got = GetN(2, 8, &kNow);
  EXPECT_EQ(got.error, 0);
  EXPECT_EQ(got.count, 1u);
}

TEST_F(Shim, ItWaitsForAsManyEventsAsWereAskedFor) {
  for (const std::size_t i : {0, 1}) ASSERT_EQ(Associate(i, POLLIN), 0);
  std::thread sender([this] {
    Send(0);
    Send(1);
  });
  const Got got = GetN(2, 8, nullptr);
  sender.join();
  EXPECT_EQ(got.error, 0);
  EXPECT_EQ(got.count, 2u);
}

// The one that wants two queues the only event that the other waits for.
TEST_F(Shim, WhoeverWantsFewerEventsIsCalledBack) {
  for (int round = 0; round < 100; ++round) {
    ASSERT_EQ(Associate(0, POLLIN), 0);
    std::thread greedy([this] { EXPECT_EQ(GetN(2, 8, nullptr).count, 1u); });
    std::thread modest([this] { EXPECT_EQ(GetN(1, 8, nullptr).count, 1u); });
    Send(0);
    modest.join();
    SetAlert();
    greedy.join();
    ClearAlert();
    char byte;
    EXPECT_EQ(::read(own(0), &byte, 1), 1);
  }
}

TEST_F(Shim, GetFetchesOneEventOrSaysETIME) {
  port_event_t event{};
  timespec now{};
  EXPECT_EQ(::port_get(port_, &event, &now), -1);
  EXPECT_EQ(errno, ETIME);
  for (const std::size_t i : {0, 1}) ASSERT_EQ(Associate(i, POLLOUT), 0);
  EXPECT_EQ(::port_get(port_, &event, nullptr), 0);
  EXPECT_EQ(event.portev_events, POLLOUT);
  EXPECT_EQ(GetN(0, 0, &kNow).count, 1u);
}

void Ignore(int) {}

TEST_F(Shim, ASignalEndsTheWaitAndLeavesTheCount) {
  struct sigaction before;
  struct sigaction action {};
  action.sa_handler = Ignore;
  ::sigaction(SIGUSR1, &action, &before);
  for (const timespec* limit :
       {&kLong, static_cast<const timespec*>(nullptr)}) {
    std::atomic<bool> ended = false;
    std::thread waiter([&] {
      const Got got = GetN(3, 8, limit);
      EXPECT_EQ(got.error, EINTR);
      EXPECT_EQ(got.count, 3u);
      ended = true;
    });
    while (!ended) {
      ::pthread_kill(waiter.native_handle(), SIGUSR1);
      std::this_thread::yield();
    }
    waiter.join();
  }
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(Shim, AlertModeGivesTheAlertAloneUntilItEnds) {
  ASSERT_EQ(Associate(0, POLLOUT), 0);
  SetAlert(9);
  for (const timespec* limit : {&kNow, &kLong}) {
    for (int i = 0; i < 2; ++i) {
      const Got got = GetN(1, 8, limit);
      EXPECT_EQ(got.error, 0);
      ASSERT_EQ(got.count, 1u);
      EXPECT_EQ(got.events[0].portev_source, PORT_SOURCE_ALERT);
      EXPECT_EQ(got.events[0].portev_events, POLLHUP);
      EXPECT_EQ(got.events[0].portev_user, Cookie(9));
    }
  }
  ClearAlert();
  const Got got = Get();
  ASSERT_EQ(got.count, 1u);
  EXPECT_EQ(got.events[0].portev_source, PORT_SOURCE_FD);
}

TEST_F(Shim, AnAlertIsSetOverAnotherButUpdatedOnlyWhereThereIsNone) {
  EXPECT_EQ(::port_alert(port_, PORT_ALERT_UPDATE, 1, Cookie(1)), 0);
  EXPECT_EQ(::port_alert(port_, PORT_ALERT_UPDATE, 1, Cookie(2)), -1);
  EXPECT_EQ(errno, EBUSY);
  EXPECT_EQ(Get().events[0].portev_user, Cookie(1));
  EXPECT_EQ(::port_alert(port_, PORT_ALERT_SET, 1, Cookie(3)), 0);
  EXPECT_EQ(Get().events[0].portev_user, Cookie(3));
  EXPECT_EQ(
      ::port_alert(port_, PORT_ALERT_SET | PORT_ALERT_UPDATE, 1, Cookie(4)),
      -1);
  EXPECT_EQ(errno, EINVAL);
}

// Also those that have not run yet when the alert ends.
TEST_F(Shim, AnAlertReachesAllThatWait) {
  constexpr int kThreads = 4;
  std::atomic<int> ended = 0;
  std::vector<std::thread> waiters;
  for (int i = 0; i < kThreads; ++i) {
    waiters.emplace_back([&] {
      const Got got = GetN(1, 8, nullptr);
      EXPECT_EQ(got.count, 1u);
      EXPECT_EQ(got.events[0].portev_source, PORT_SOURCE_ALERT);
      ++ended;
    });
  }
  while (ended < kThreads) {
    SetAlert();
    ClearAlert();
    std::this_thread::yield();
  }
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(Get().count, 0u);
}

// Each association is reported to one of them, and none is lost.
TEST_F(Shim, ThreadsShareTheEvents) {
  constexpr int kThreads = 4;
  constexpr int kReports = 3000;
  std::atomic<int> reports = 0;
  std::array<std::atomic<int>, 3> holders{};
  for (const std::size_t i : {0, 1, 2}) ASSERT_EQ(Associate(i, POLLOUT, i), 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (;;) {
        const Got got = GetN(1, 2, nullptr);
        ASSERT_GT(got.count, 0u);
        if (got.events[0].portev_source == PORT_SOURCE_ALERT) return;
        for (unsigned e = 0; e < got.count; ++e) {
          const auto i =
              reinterpret_cast<std::uintptr_t>(got.events[e].portev_user);
          EXPECT_EQ(holders.at(i)++, 0);
          ++reports;
          --holders.at(i);
          EXPECT_EQ(Associate(i, POLLOUT, i), 0);
        }
      }
    });
  }
  while (reports < kReports) std::this_thread::yield();
  SetAlert();
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Shim, ThePortIsOneDescriptorThatIsInherited) {
  EXPECT_EQ(::fcntl(port_, F_GETFD) & FD_CLOEXEC, 0);
  const int next = ::dup(port_);
  const int port = ::port_create();
  const int after = ::dup(port_);
  EXPECT_EQ(port, next + 1);
  EXPECT_EQ(after, next + 2);
  for (const int fd : {next, port, after}) ::close(fd);
}

TEST_F(Shim, MistakesAreErrors) {
  const auto fails = [](int result, int error) {
    EXPECT_EQ(result, -1);
    EXPECT_EQ(errno, error);
  };
  const auto fd = static_cast<std::uintptr_t>(own(0));
  port_event_t event{};
  unsigned one = 1;
  unsigned two = 2;
  timespec bad{.tv_sec = 0, .tv_nsec = 1'000'000'000};
  fails(::port_associate(-1, PORT_SOURCE_FD, fd, 0, nullptr), EBADF);
  fails(::port_associate(own(0), PORT_SOURCE_FD, fd, 0, nullptr), EBADFD);
  fails(::port_associate(port_, PORT_SOURCE_ALERT, fd, 0, nullptr), EINVAL);
  fails(::port_associate(port_, PORT_SOURCE_FD, 4095, 0, nullptr), EBADFD);
  fails(::port_associate(port_, PORT_SOURCE_FD, ~fd, 0, nullptr), EBADFD);
  fails(::port_dissociate(port_, PORT_SOURCE_ALERT, fd), EINVAL);
  fails(::port_dissociate(port_, PORT_SOURCE_FD, 4095), EBADFD);
  fails(::port_getn(port_, &event, 1, nullptr, nullptr), EINVAL);
  fails(::port_getn(port_, &event, 1, &two, nullptr), EINVAL);
  fails(::port_getn(port_, nullptr, 1, &one, nullptr), EINVAL);
  fails(::port_getn(port_, &event, 1, &one, &bad), EINVAL);
  fails(::port_getn(-1, &event, 1, &one, nullptr), EBADF);
  fails(::port_alert(-1, PORT_ALERT_SET, 1, nullptr), EBADF);
}

}  // namespace
}  // namespace netpoll::shim
