// SPDX-License-Identifier: Apache-2.0
//
// A whole turn over the fake backend: events come before deadlines, however
// many are pending and whatever ended the wait, and a turn with nothing due is
// one poll.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/fake/fake_backend.h"
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/backends/fake/fake_kernel.h"
#include "netpoll/core/backend_traits.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/core/worker_glue.h"

namespace netpoll {
namespace {

// Readers that are parked with a deadline.
template <FakeTrigger kTrigger>
class Clients {
 public:
  static constexpr std::int64_t kTimeout = 100;

  explicit Clients(int count, int batch = 128) {
    kernel_.set_max_events(static_cast<std::size_t>(batch));
    for (int i = 0; i < count; ++i) Park();
  }
  ~Clients() {
    for (const auto& client : clients_) {
      Serve(poller_.Unblock(client->desc));
      EXPECT_EQ(poller_.Close(client->desc), 0);
    }
  }

  void Speak(int count) {
    for (int i = 0; i < count; ++i) {
      const Fd fd = clients_[static_cast<std::size_t>(i)]->fd;
      kernel_.SetReady(fd, Mode::kRead);
      if (kTrigger == FakeTrigger::kCompletion) kernel_.Submit(fd, Mode::kRead);
    }
  }

  // The clock goes on by `gap` while the wait is under way, or after it.
  void Turn(std::int64_t gap) {
    bool begun = false;
    Serve(PollTurn(poller_, poller_.NextDeadline(), [&] {
      if (begun) kernel_.Advance(gap);
      begun = true;
      return kernel_.now();
    }));
  }

  void Serve(PollResult result) {
    poller_.AdjustWaiters(result.waiters_delta);
    while (Waiter* const waiter = result.ready.Pop()) {
      const auto& client = static_cast<Client&>(*waiter);
      const PollError error = poller_.Finish(client.desc, Mode::kRead).error;
      if (error == PollError::kNone) {
        EXPECT_EQ(timed_out_, 0) << "whom events woke comes first";
        ++served_;
      } else if (error == PollError::kTimeout) {
        ++timed_out_;
      }
    }
  }

  FakeKernel<>& kernel() { return kernel_; }
  auto& poller() { return poller_; }
  int served() const { return served_; }
  int timed_out() const { return timed_out_; }

 private:
  using ThePoller = Poller<FakeBackend<StdEnv, kTrigger>>;
  struct Client : Waiter {
    typename ThePoller::Desc* desc;
    Fd fd;
  };

  void Park() {
    clients_.push_back(std::make_unique<Client>());
    Client& client = *clients_.back();
    client.fd = kernel_.MakeFd();
    client.desc = poller_.Open(client.fd).desc;
    static_cast<void>(poller_.SetDeadline(
        client.desc, Mode::kRead, Deadline::At(kernel_.now() + kTimeout)));
    EXPECT_TRUE(poller_.Park(client.desc, Mode::kRead, &client).parked());
  }

  FakeKernel<> kernel_;
  ThePoller poller_{kernel_};
  std::vector<std::unique_ptr<Client>> clients_;
  int served_ = 0;
  int timed_out_ = 0;
};

template <class Trigger>
class PollerTurnTest : public testing::Test {};

template <FakeTrigger kTrigger>
using Trigger = std::integral_constant<FakeTrigger, kTrigger>;
using Triggers = testing::Types<
    Trigger<FakeTrigger::kEdgeMask>, Trigger<FakeTrigger::kEdgeFilter>,
    Trigger<FakeTrigger::kLevel>, Trigger<FakeTrigger::kCompletion>>;
TYPED_TEST_SUITE(PollerTurnTest, Triggers);

TYPED_TEST(PollerTurnTest, WhoSpokeInTimeIsServedThoughTheWaitSawNothing) {
  for (const int batch : {1, 64, 128}) {
    for (const int spoke : {0, 1, 63, 64, 65, 127, 128, 129, 256, 300}) {
      SCOPED_TRACE(testing::Message() << spoke << " in batches of " << batch);
      Clients<TypeParam::value> clients(spoke + 3, batch);
      clients.Speak(spoke);
      clients.kernel().Interrupt();
      clients.Turn(/*gap=*/1000);
      EXPECT_EQ(clients.served(), spoke);
      EXPECT_EQ(clients.timed_out(), 3);
    }
  }
}

// The process stopped after a wait that had events, more than a batch.
TYPED_TEST(PollerTurnTest, WhoSpokeInTimeIsServedAfterAFullBatch) {
  for (const int spoke : {64, 127, 128, 129, 300}) {
    SCOPED_TRACE(testing::Message() << spoke);
    Clients<TypeParam::value> clients(spoke + 3);
    clients.Speak(spoke);
    clients.Turn(/*gap=*/1000);
    EXPECT_EQ(clients.served(), spoke);
    EXPECT_EQ(clients.timed_out(), 3);
  }
}

// ... and of a wake-up, which takes nobody's place and is not lost.
TYPED_TEST(PollerTurnTest, ABreakInTheBatchChangesNothing) {
  for (const int spoke : {0, 1, 63, 64, 127, 128, 200}) {
    SCOPED_TRACE(testing::Message() << spoke);
    Clients<TypeParam::value> clients(spoke + 3);
    clients.Speak(spoke);
    clients.poller().Break();
    clients.Turn(/*gap=*/1000);
    EXPECT_EQ(clients.kernel().tokens(), 0) << "the blocking poll took it";
    EXPECT_EQ(clients.served(), spoke);
    EXPECT_EQ(clients.timed_out(), 3);
  }
}

// Deadlines that have passed before the turn began: there is no wait at all,
// and a break is left for the next.
TYPED_TEST(PollerTurnTest, WhoSpokeInTimeIsServedByAWorkerThatComesLate) {
  Clients<TypeParam::value> clients(300);
  clients.Speak(290);
  clients.poller().Break();
  clients.kernel().Advance(1000);
  clients.Turn(0);
  EXPECT_EQ(clients.served(), 290);
  EXPECT_EQ(clients.timed_out(), 10);
  EXPECT_EQ(clients.kernel().tokens(), 1);
}

TYPED_TEST(PollerTurnTest, AClockThatJumpsBackTimesNobodyOut) {
  Clients<TypeParam::value> clients(3);
  clients.kernel().Interrupt();
  clients.Turn(-500);
  EXPECT_EQ(clients.served() + clients.timed_out(), 0);
  clients.kernel().Advance(500 + 100);
  clients.Turn(0);
  EXPECT_EQ(clients.timed_out(), 3);
}

TYPED_TEST(PollerTurnTest, CostsOnePollUnlessADeadlineIsDue) {
  Clients<TypeParam::value> clients(4);
  const auto cost = [&](std::int64_t gap) {
    const int before = clients.kernel().polls();
    clients.Turn(gap);
    return clients.kernel().polls() - before;
  };
  clients.Speak(3);
  EXPECT_EQ(cost(0), 1) << "events";
  clients.kernel().Interrupt();
  EXPECT_EQ(cost(0), 1) << "a signal";
  clients.poller().Break();
  EXPECT_EQ(cost(0), 1) << "a break";
  EXPECT_EQ(clients.timed_out(), 0);
  clients.kernel().Interrupt();
  EXPECT_EQ(cost(1000), 2) << "a deadline, with nothing pending";
  EXPECT_EQ(clients.timed_out(), 1);
}

// A system that always has something more to say.
struct Endless {
  static constexpr BackendTraits kTraits = {};
  static int CheckPollable(Fd) { return 0; }
  static int Init() { return 0; }
  static int Open(Fd, EventKey) { return 0; }
  static int Close(Fd, EventKey) { return 0; }
  template <class Sink>
  void Poll(Delta, Sink& sink) {
    if (++polls > 1000) return;  // Enough to be noticed.
    for (int i = 0; i < 128; ++i) sink.Ready(EventKey::Internal(1), {}, {});
  }
  static void Break() {}
  static bool IsPollDescriptor(Fd) { return false; }
  int polls = 0;
};

// A system that tells of events only when it is asked about a descriptor.
struct Silent : Endless {
  static constexpr BackendTraits kTraits = {.asks_before_timeout = true};
  template <class Sink>
  void Poll(Delta, Sink&) {}
  template <class Sink>
  void Ask(Fd fd, EventKey key, Mode mode, Sink& sink) {
    asked.push_back(fd);
    if (meanwhile) std::exchange(meanwhile, nullptr)();
    if (fd == spoke) sink.Ready(key, mode, {});
  }
  Fd spoke = -1;
  std::vector<Fd> asked;
  std::function<void()> meanwhile;
};

class AskTest : public testing::Test {
 protected:
  static constexpr Deadline kWhen = Deadline::At(10);
  using ThePoller = Poller<Silent>;

  ThePoller::Desc* Park(Fd fd, Waiter* waiter, Deadline when = kWhen) {
    ThePoller::Desc* const desc = poller_.Open(fd).desc;
    Serve(poller_.SetDeadline(desc, Mode::kRead, when).wake);
    EXPECT_TRUE(poller_.Park(desc, Mode::kRead, waiter).parked());
    return desc;
  }
  void Close(ThePoller::Desc* desc) {
    Serve(poller_.Unblock(desc));
    EXPECT_EQ(poller_.Close(desc), 0);
  }
  void Expire() { Serve(poller_.ExpireTimers(kWhen.value()).wake); }
  PollError Finish(ThePoller::Desc* desc) {
    return poller_.Finish(desc, Mode::kRead).error;
  }

  ThePoller poller_;
  std::vector<Waiter*> woken_;

 private:
  void Serve(PollResult result) {
    poller_.AdjustWaiters(result.waiters_delta);
    while (Waiter* const waiter = result.ready.Pop()) woken_.push_back(waiter);
  }
};

TEST_F(AskTest, ADescriptorIsAskedOnceBeforeItsDeadlineIsBelieved) {
  Waiter spoke, quiet, cleared;
  ThePoller::Desc* const descs[] = {Park(3, &spoke), Park(4, &quiet),
                                    Park(5, &cleared)};
  static_cast<void>(poller_.SetDeadline(descs[2], Mode::kRead, {}));
  poller_.backend().spoke = 3;
  Expire();
  EXPECT_EQ(woken_.size(), 2u);
  EXPECT_EQ(Finish(descs[0]), PollError::kNone);
  EXPECT_EQ(Finish(descs[1]), PollError::kTimeout);
  std::vector<Fd>& asked = poller_.backend().asked;
  std::sort(asked.begin(), asked.end());
  EXPECT_EQ(asked, (std::vector<Fd>{3, 4}));
  Expire();
  EXPECT_EQ(asked.size(), 2u);
  for (ThePoller::Desc* const desc : descs) Close(desc);
}

// The deadline is moved while the answer is on its way.
TEST_F(AskTest, ADeadlineThatMovesMeanwhileIsNotBelieved) {
  Waiter waiter;
  ThePoller::Desc* const desc = Park(3, &waiter);
  poller_.backend().meanwhile = [&] {
    static_cast<void>(
        poller_.SetDeadline(desc, Mode::kRead, Deadline::At(1000)));
  };
  Expire();
  EXPECT_TRUE(woken_.empty());
  Close(desc);
}

// ... or the descriptor is closed, and its slot and number used again.
TEST_F(AskTest, AnAnswerAboutAnEarlierLifeChangesNothing) {
  Waiter first, second;
  ThePoller::Desc* const desc = Park(3, &first);
  ThePoller::Desc* again = nullptr;
  poller_.backend().spoke = 3;
  poller_.backend().meanwhile = [&] {
    Close(desc);
    again = Park(3, &second, Deadline::At(1000));
  };
  Expire();
  EXPECT_EQ(again, desc);
  EXPECT_EQ(woken_, (std::vector<Waiter*>{&first}));
  EXPECT_EQ(poller_.stale_events(), 1u);
  Close(again);
}

TEST(PollAllTest, EndsAlthoughTheSystemAlwaysHasMore) {
  Poller<Endless> poller;
  static_cast<void>(poller.PollAll());
  EXPECT_GE(poller.backend().polls, 2);
  EXPECT_LE(poller.backend().polls, 4) << "no descriptor is open";
}

}  // namespace
}  // namespace netpoll
