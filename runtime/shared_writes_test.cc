// SPDX-License-Identifier: Apache-2.0
//
// What workers write of each other's memory for a message. The shipped
// protocols and poller, over an Env that notes which worker touches which cache
// line, and where in the code: no clock and no second core is needed, so it
// says how the runtime goes on with more cores than there are here.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/backend_traits.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/futex_lock.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/sleep_protocol.h"
#include "netpoll/core/timer_heap.h"
#include "netpoll/core/types.h"
#include "netpoll/core/waiter_count.h"
#include "netpoll/runtime/protocols/dispatch.h"

namespace netpoll::internal {
namespace {

constexpr int kMostWorkers = 16;

struct Line {
  bool SharedWithOther(std::size_t id) const {
    for (std::size_t other = 0; other < kMostWorkers; ++other) {
      if (other != id && reads[other] + writes[other] != 0) return true;
    }
    return false;
  }
  int Writers() const {
    return static_cast<int>(
        std::count_if(writes.begin(), writes.end(), [](auto n) { return n; }));
  }

  std::array<std::uint64_t, kMostWorkers> reads{}, writes{};  // Of each worker.
  std::set<std::pair<int, const char*>> places;  // Which worker writes where.
};
// What the worker `who` touches; -1: it is not noted.
int who = -1;
std::map<std::uintptr_t, Line>& Lines() {
  static std::map<std::uintptr_t, Line> lines;
  return lines;
}
void Note(const void* word, bool write, Site place) {
  if (who < 0) return;
  Line& line = Lines()[reinterpret_cast<std::uintptr_t>(word) / 64];
  ++(write ? line.writes : line.reads)[static_cast<std::size_t>(who)];
  if (write) line.places.emplace(who, place.name);
}

struct NotingEnv : StdEnv {
  template <class T>
  class Atomic : public StdEnv::Atomic<T> {
   public:
    using Word = StdEnv::Atomic<T>;
    using Word::Word;
    T Load(Site site, Order order) const {
      Note(this, false, site);
      return Word::Load(site, order);
    }
    void Store(Site site, T value, Order order) {
      Note(this, true, site);
      Word::Store(site, value, order);
    }
    T Exchange(Site site, T value, Order order) {
      Note(this, true, site);
      return Word::Exchange(site, value, order);
    }
    T FetchAdd(Site site, T delta, Order order) {
      Note(this, true, site);
      return Word::FetchAdd(site, delta, order);
    }
    bool CompareExchange(Site site, T expected, T desired, Order order) {
      Note(this, true, site);
      return Word::CompareExchange(site, expected, desired, order);
    }
  };
  template <class T>
  class Var : public StdEnv::Var<T> {
   public:
    using Field = StdEnv::Var<T>;
    using Field::Field;
    const T& Get() const {
      Note(this, false, "a field");
      return Field::Get();
    }
    void Set(T value) {
      Note(this, true, "a field");
      Field::Set(std::move(value));
    }
    template <class F>
    decltype(auto) Change(F change) {
      Note(this, true, "a field");
      return Field::Change(change);
    }
  };
  using Lock = FutexLock<NotingEnv>;
  using Parker = FutexParker<NotingEnv>;
  static void SleepOn(Atomic<int>&, int) { FAIL() << "a worker sleeps"; }
  static void WakeOne(Atomic<int>&) {}
};

// Each descriptor is readable at each poll.
struct BusySystem {
  static constexpr BackendTraits kTraits = {};
  static int CheckPollable(Fd) { return 0; }
  static int Init() { return 0; }
  int Open(Fd, EventKey key) {
    keys.push_back(key);
    return 0;
  }
  static int Close(Fd, EventKey) { return 0; }
  template <class Sink>
  void Poll(Delta, Sink& sink) {
    for (const EventKey key : keys) sink.Ready(key, Mode::kRead, {});
  }
  void Break() { ++breaks; }
  static bool IsPollDescriptor(Fd) { return false; }

  std::vector<EventKey> keys;
  int breaks = 0;
};
using BusyPoller =
    Poller<BusySystem, NotingEnv, TimerHeap, WaiterCounting::kWhenAsked>;

struct alignas(64) Member {
  bool TurnIsOver() { return ++tick >= 100; }
  void NewTurn() { tick = 0; }
  void Stole() {}

  int id = 0;
  int tick = 0;
  BusyPoller* poller = nullptr;
  RunQueue<NotingEnv> queue;
  alignas(64) SleepProtocol<NotingEnv> protocol;
  RunQueue<NotingEnv> staying;
};

struct Connection : Waiter {
  BusyPoller* poller = nullptr;
  BusyPoller::Desc* desc = nullptr;
};

struct Enough {};

// Workers, each with connections that have a message at each poll.
class Workers : public Dispatch<NotingEnv, Workers, Member> {
 public:
  static constexpr int kConnections = 64;  // Fewer than a turn has tasks.

  Workers(int count, bool sharded) : count_(count), sharded_(sharded) {
    for (int id = 0; id < count; ++id) {
      Member& member = members_[static_cast<std::size_t>(id)];
      member.id = id;
      member.poller = &pollers_[sharded ? static_cast<std::size_t>(id) : 0];
      for (int i = 0; i < kConnections / count; ++i) {
        connections_.push_back(std::make_unique<Connection>());
        Connection& made = *connections_.back();
        made.poller = member.poller;
        made.desc = member.poller->Open(Fd{100 + i}).desc;
        EXPECT_TRUE(made.poller->Park(made.desc, Mode::kRead, &made).parked());
      }
    }
  }
  ~Workers() {
    who = -1;
    for (const auto& each : connections_) {
      static_cast<void>(each->poller->Unblock(each->desc));
      each->poller->Close(each->desc);
    }
  }

  // That worker handles so many messages, and those at hand. How often it
  // polled.
  int Handle(int id, int messages) {
    left_ = messages;
    polls_ = 0;
    on_ = &members_[static_cast<std::size_t>(id)];
    who = id;
    try {
      Work(*on_);
    } catch (const Enough&) {
    }
    who = -1;
    return polls_;
  }

  // That worker polls, until what is long past; its thread is not at work here.
  void Rest(int id) {
    EXPECT_EQ(worker(id).protocol.Announce(id, 0), IdleRole::kPoller);
  }
  int breaks() const {
    int all = 0;
    for (const BusyPoller& poller : pollers_) all += poller.backend().breaks;
    return all;
  }

  bool sharded() const { return sharded_; }
  int worker_count() const { return count_; }
  Member& worker(int id) { return members_[static_cast<std::size_t>(id)]; }
  Member* OnWorker() { return on_; }
  static void Break(Member& of) { of.poller->Break(); }
  // A message: it was waited for, and the next one is.
  void RunTask(Member&, Waiter* task) {
    auto& connection = *static_cast<Connection*>(task);
    BusyPoller& poller = *connection.poller;
    EXPECT_TRUE(
        poller.Resume(connection.desc, Mode::kRead, &connection).ready());
    EXPECT_EQ(poller.Reset(connection.desc, Mode::kRead), PollError::kNone);
    EXPECT_TRUE(
        poller.Park(connection.desc, Mode::kRead, &connection).parked());
    // Nothing is left for the others, who would come and help.
    if (--left_ <= 0 && on_->queue.Size() == 0) throw Enough{};
  }
  static void RunStaying(Member&, Waiter*) {}
  static bool AnyMayRun(Waiter*) { return true; }
  static void SendHome(Waiter*) {}
  static std::int64_t Now() { return 1; }
  static std::int64_t NextDeadline(Member& of) {
    return of.poller->NextDeadline();
  }
  static std::int64_t NextSleep() { return kNever; }
  void Poll(Member& member, Member& of, Delta delta) {
    ++polls_;
    PollResult result = of.poller->Poll(delta);
    PushReady(member, result);
  }
  void PollAll(Member&, Member&) {}
  static void Expire(Member&, Member&, std::int64_t) {}

 private:
  const int count_;
  const bool sharded_;
  BusyPoller pollers_[kMostWorkers];
  Member members_[kMostWorkers];
  std::vector<std::unique_ptr<Connection>> connections_;
  Member* on_ = nullptr;
  int left_ = 0;
  int polls_ = 0;
};

struct Shared {
  std::uint64_t by_several = 0;  // Lines that more than one worker writes.
  std::uint64_t writes = 0;      // To lines that another one touches.
  int polls = 0;
};

// Prints where lines are written that several write.
Shared Measure(int workers, bool sharded) {
  constexpr int kRounds = 20;
  const int messages = 10 * Workers::kConnections / workers;
  Workers all(workers, sharded);
  // The queues are as they will be.
  for (int id = 0; id < workers; ++id) all.Handle(id, messages);
  Lines().clear();
  Shared shared;
  for (int i = 0; i < kRounds; ++i) {
    for (int id = 0; id < workers; ++id) {
      shared.polls += all.Handle(id, messages);
    }
  }
  for (const auto& [address, line] : Lines()) {
    if (line.Writers() > 1) {
      ++shared.by_several;
      std::printf("a line is written by %d workers:\n", line.Writers());
      for (const auto& [worker, place] : line.places) {
        std::printf("  worker %d at %s\n", worker, place);
      }
    }
    for (std::size_t id = 0; id < kMostWorkers; ++id) {
      if (line.SharedWithOther(id)) shared.writes += line.writes[id];
    }
  }
  return shared;
}

class SharedWritesTest : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Workers, SharedWritesTest, testing::Values(2, 4));

TEST_P(SharedWritesTest, WorkersWithTheirOwnPollersWriteNothingThatTwoWrite) {
  const Shared shared = Measure(GetParam(), /*sharded=*/true);
  EXPECT_GT(shared.polls, 50 * GetParam());
  EXPECT_EQ(shared.by_several, 0u);
  // What others read is when this one polls, said before a poll that may block
  // and after it, and that its queue has something, or no more: four words a
  // poll, however many messages that has and however many workers there are.
  EXPECT_LE(shared.writes,
            std::uint64_t{4} * static_cast<unsigned>(shared.polls));
}

TEST_P(SharedWritesTest, WorkersOverOnePollerWriteTheSameLines) {
  const Shared shared = Measure(GetParam(), /*sharded=*/false);
  EXPECT_GT(shared.by_several, 0u);
}

// How often the one of many workers that has something to do breaks another's
// poll, and how often it polls itself.
struct Called {
  int breaks = 0;
  int polls = 0;
};
Called CallsOfOneOfMany(bool some_stay) {
  constexpr int kWorkers = 16;
  Waiter stays;
  Workers all(kWorkers, /*sharded=*/true);
  if (some_stay) all.Begin(&stays, &all.worker(kWorkers - 1));
  for (int id = 1; id < kWorkers; ++id) all.Rest(id);
  const int before = all.breaks();
  const int polls = all.Handle(0, 100 * Workers::kConnections / kWorkers);
  return {all.breaks() - before, polls};
}

TEST(BreaksTest, WhoPolledManyMessagesCallsOneHelperForAllOfThem) {
  for (const bool some_stay : {false, true}) {
    const Called called = CallsOfOneOfMany(some_stay);
    EXPECT_GE(called.polls, 100);
    EXPECT_GT(called.breaks, 0);
    EXPECT_LE(called.breaks, called.polls) << "some stay: " << some_stay;
  }
}

}  // namespace
}  // namespace netpoll::internal
