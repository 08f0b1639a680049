// SPDX-License-Identifier: Apache-2.0
//
// Conformance: what may be opened, and that nothing is left after a close.

#ifndef NETPOLL_TESTS_CONFORMANCE_REGISTRATION_H_
#define NETPOLL_TESTS_CONFORMANCE_REGISTRATION_H_

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <functional>
#include <optional>
#include <utility>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"

namespace netpoll::conformance {

// Lets a test act in the middle of a batch: before its first event is acted
// on.
template <class Backend>
class Interrupted : public Backend {
 public:
  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    Hook<Sink> hook{*this, sink};
    Backend::Poll(delta, hook);
  }

  std::function<void()> before_first;

 private:
  template <class Sink>
  struct Hook {
    Interrupted& owner;
    Sink& sink;
    void Ready(EventKey key, Mode mode, EventFlags flags) {
      if (owner.before_first) std::exchange(owner.before_first, nullptr)();
      sink.Ready(key, mode, flags);
    }
  };
};

template <class Backend>
class Registration : public Fixture<Backend> {};
TYPED_TEST_SUITE_P(Registration);

// Row S4: the other descriptor keeps the connection alive, and the kernel's
// registration too if it is not removed.
TYPED_TEST_P(Registration, CloseIsCompleteThoughADuplicateLivesOn) {
  Ends ends = Ends::Sockets();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  this->TakeAll();
  const int duplicate = ::dup(ends.own());
  EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(1)), 0);
  ends.CloseOwn();
  ends.Send();
  EXPECT_TRUE(this->TakeAll().empty());
  ::close(duplicate);
}

TYPED_TEST_P(Registration, NothingIsReportedAfterClose) {
  Ends ends = Ends::Sockets();
  ends.Send();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(1)), 0);
  EXPECT_TRUE(this->TakeAll().empty());
}

TYPED_TEST_P(Registration, ADescriptorMayBeOpenedAgainUnderAnotherKey) {
  Ends ends = Ends::Sockets();
  ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
  EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(1)), 0);
  ASSERT_EQ(this->Open(ends.own(), this->Key(2)), 0);
  const auto seen = this->TakeAll();
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen.count(this->Key(2).bits()), 1u);
}

// Row S3: two descriptors are ready in one batch. Whoever handles the first
// closes the second and opens a new one, which gets the same number.
TYPED_TEST_P(Registration, AStaleEventOfTheSameBatchIsDropped) {
  Poller<Interrupted<TypeParam>> poller;
  ASSERT_EQ(poller.Init(), 0);
  Ends first = Ends::Sockets();
  Ends second = Ends::Sockets();
  std::optional<Ends> newcomer;
  auto* const kept = poller.Open(first.own()).desc;
  auto* closed = poller.Open(second.own()).desc;
  auto* opened = closed;
  const auto settle = [&] {
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(poller.Poll(Delta::NonBlocking()).ready.empty());
    }
  };
  // Park in both, so that backends that must be armed are.
  Waiter kept_waiter, closed_waiter;
  settle();
  for (auto* desc : {kept, closed}) {
    ASSERT_EQ(poller.Reset(desc, Mode::kRead), PollError::kNone);
    ASSERT_TRUE(poller.Prepare(desc, Mode::kRead).must_park);
  }
  ASSERT_TRUE(poller.Commit(kept, Mode::kRead, &kept_waiter));
  ASSERT_TRUE(poller.Commit(closed, Mode::kRead, &closed_waiter));
  first.Send();
  second.Send();
  poller.backend().before_first = [&] {
    PollResult woken = poller.Unblock(closed);
    EXPECT_EQ(woken.ready.Pop(), &closed_waiter);
    poller.AdjustWaiters(woken.waiters_delta);
    static_cast<void>(poller.Finish(closed, Mode::kRead));
    const int number = second.own();
    EXPECT_EQ(poller.Close(closed), 0);
    second.CloseOwn();
    newcomer.emplace(Ends::Sockets());
    EXPECT_EQ(::dup2(newcomer->own(), number), number);
    opened = poller.Open(number).desc;
    ASSERT_NE(opened, nullptr);
  };
  PollResult result = poller.Poll(Delta::Forever());
  while (result.ready.Pop() != nullptr) {
  }
  poller.AdjustWaiters(result.waiters_delta);
  // Of the newcomer nothing was readable, so it must park.
  ASSERT_TRUE(poller.Prepare(opened, Mode::kRead).must_park);
  static_cast<void>(poller.Finish(opened, Mode::kRead));
  const int number = opened->fd();
  for (auto* desc : {kept, opened}) {
    PollResult woken = poller.Unblock(desc);
    poller.AdjustWaiters(woken.waiters_delta);
    static_cast<void>(poller.Finish(desc, Mode::kRead));
    EXPECT_EQ(poller.Close(desc), 0);
  }
  ::close(number);
}

TYPED_TEST_P(Registration, OpenRefusesWhatCannotBePolled) {
  Poller<TypeParam> poller;
  ASSERT_EQ(poller.Init(), 0);
  EXPECT_EQ(poller.Open(-1).error, EBADF);
  Ends gone = Ends::Sockets();
  const int number = gone.own();
  gone.CloseOwn();
  EXPECT_EQ(poller.Open(number).error, EBADF);

  Ends blocking = Ends::Sockets();
  ::fcntl(blocking.own(), F_SETFL, 0);
  EXPECT_EQ(poller.Open(blocking.own()).error, EINVAL);

  std::FILE* const file = std::tmpfile();
  ::fcntl(::fileno(file), F_SETFL, O_NONBLOCK);
  EXPECT_EQ(poller.Open(::fileno(file)).error, EPERM);
  std::fclose(file);
  const int folder = ::open("/", O_RDONLY | O_NONBLOCK);
  EXPECT_EQ(poller.Open(folder).error, EPERM);
  ::close(folder);
}

TYPED_TEST_P(Registration, OpenRefusesWhatIsOpenAlready) {
  Poller<TypeParam> poller;
  ASSERT_EQ(poller.Init(), 0);
  Ends ends = Ends::Sockets();
  const auto opened = poller.Open(ends.own());
  ASSERT_EQ(opened.error, 0);
  const auto again = poller.Open(ends.own());
  EXPECT_EQ(again.error, EEXIST);
  EXPECT_EQ(again.desc, nullptr);
  // The first registration is as it was.
  static_cast<void>(poller.Poll(Delta::NonBlocking()));
  if (!TypeParam::kTraits.needs_arm) {
    EXPECT_FALSE(poller.Prepare(opened.desc, Mode::kWrite).must_park);
  }
  EXPECT_TRUE(poller.Unblock(opened.desc).ready.empty());
  EXPECT_EQ(poller.Close(opened.desc), 0);
}

TYPED_TEST_P(Registration, EveryDescriptorOfTheBackendIsKnownAsItsOwn) {
  const auto before = OpenDescriptors();
  Poller<TypeParam> poller;
  ASSERT_EQ(poller.Init(), 0);
  int own = 0;
  for (const int fd : OpenDescriptors()) {
    const bool is_own = before.count(fd) == 0;
    own += is_own ? 1 : 0;
    EXPECT_EQ(poller.IsPollDescriptor(fd), is_own) << fd;
    if (is_own) {
      EXPECT_EQ(poller.Open(fd).error, EINVAL) << fd;
    }
  }
  EXPECT_GT(own, 0);
  EXPECT_FALSE(poller.IsPollDescriptor(-1));
}

TYPED_TEST_P(Registration, TheBackendsDescriptorsAreNotInherited) {
  const auto before = OpenDescriptors();
  TypeParam backend;
  ASSERT_EQ(backend.Init(), 0);
  for (const int fd : OpenDescriptors()) {
    if (before.count(fd) != 0) continue;
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << fd;
  }
}

TYPED_TEST_P(Registration, AllDescriptorsAreClosedInTheEnd) {
  const auto before = OpenDescriptors();
  {
    TypeParam backend;
    ASSERT_EQ(backend.Init(), 0);
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

REGISTER_TYPED_TEST_SUITE_P(
    Registration, CloseIsCompleteThoughADuplicateLivesOn,
    NothingIsReportedAfterClose, ADescriptorMayBeOpenedAgainUnderAnotherKey,
    AStaleEventOfTheSameBatchIsDropped, OpenRefusesWhatCannotBePolled,
    OpenRefusesWhatIsOpenAlready, EveryDescriptorOfTheBackendIsKnownAsItsOwn,
    TheBackendsDescriptorsAreNotInherited, AllDescriptorsAreClosedInTheEnd);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_REGISTRATION_H_
