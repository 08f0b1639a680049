// SPDX-License-Identifier: Apache-2.0
//
// Conformance: a descriptor, or its number, that is opened a second time.

#ifndef NETPOLL_TESTS_CONFORMANCE_REUSE_H_
#define NETPOLL_TESTS_CONFORMANCE_REUSE_H_

#include <unistd.h>

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
class Reuse : public Fixture<Backend> {};
TYPED_TEST_SUITE_P(Reuse);

TYPED_TEST_P(Reuse, ADescriptorMayBeOpenedAgainUnderAnotherKey) {
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
TYPED_TEST_P(Reuse, AStaleEventOfTheSameBatchIsDropped) {
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
    auto* const waiter = desc == kept ? &kept_waiter : &closed_waiter;
    ASSERT_TRUE(poller.Park(desc, Mode::kRead, waiter).parked());
  }
  first.Send();
  second.Send();
  poller.backend().before_first = [&] {
    PollResult woken = poller.Unblock(closed);
    EXPECT_EQ(woken.ready.Pop(), &closed_waiter);
    poller.AdjustWaiters(woken.waiters_delta);
    EXPECT_EQ(poller.Resume(closed, Mode::kRead, &closed_waiter).error(),
              PollError::kClosing);
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
  ASSERT_FALSE(poller.Prepare(opened, Mode::kRead).ended);
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

REGISTER_TYPED_TEST_SUITE_P(Reuse, ADescriptorMayBeOpenedAgainUnderAnotherKey,
                            AStaleEventOfTheSameBatchIsDropped);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_REUSE_H_
