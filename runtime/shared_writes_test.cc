// SPDX-License-Identifier: Apache-2.0
//
// What workers write of each other's memory for a message. The shipped
// protocols and poller, over an Env that notes which thread touches which cache
// line: no clock and no second core is needed, so it says how the runtime goes
// on with more cores than there are here.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
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

struct Line {
  std::array<std::uint64_t, 2> reads{}, writes{};  // Of each worker.
};
// What the worker `who` touches; -1: it is not noted.
int who = -1;
std::map<std::uintptr_t, Line>& Lines() {
  static std::map<std::uintptr_t, Line> lines;
  return lines;
}
void Note(const void* word, bool write) {
  if (who < 0) return;
  Line& line = Lines()[reinterpret_cast<std::uintptr_t>(word) / 64];
  ++(write ? line.writes : line.reads)[static_cast<std::size_t>(who)];
}

struct NotingEnv : StdEnv {
  template <class T>
  class Atomic : public StdEnv::Atomic<T> {
   public:
    using Word = StdEnv::Atomic<T>;
    using Word::Word;
    T Load(Site site, Order order) const {
      Note(this, false);
      return Word::Load(site, order);
    }
    void Store(Site site, T value, Order order) {
      Note(this, true);
      Word::Store(site, value, order);
    }
    T Exchange(Site site, T value, Order order) {
      Note(this, true);
      return Word::Exchange(site, value, order);
    }
    T FetchAdd(Site site, T delta, Order order) {
      Note(this, true);
      return Word::FetchAdd(site, delta, order);
    }
    bool CompareExchange(Site site, T expected, T desired, Order order) {
      Note(this, true);
      return Word::CompareExchange(site, expected, desired, order);
    }
  };
  template <class T>
  class Var : public StdEnv::Var<T> {
   public:
    using Field = StdEnv::Var<T>;
    using Field::Field;
    const T& Get() const {
      Note(this, false);
      return Field::Get();
    }
    void Set(T value) {
      Note(this, true);
      Field::Set(std::move(value));
    }
    template <class F>
    decltype(auto) Change(F change) {
      Note(this, true);
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
  static constexpr const char* kName = "busy";
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

// Two workers, each with connections that have a message at each poll.
class Pair : public Dispatch<NotingEnv, Pair, Member> {
 public:
  static constexpr int kEach = 32;

  explicit Pair(bool sharded) : sharded_(sharded) {
    for (int id = 0; id < 2; ++id) {
      Member& member = members_[static_cast<std::size_t>(id)];
      member.id = id;
      member.poller = &pollers_[sharded ? static_cast<std::size_t>(id) : 0];
      for (int i = 0; i < kEach; ++i) {
        connections_.push_back(std::make_unique<Connection>());
        Connection& made = *connections_.back();
        made.poller = member.poller;
        made.desc = member.poller->Open(Fd{100 + i}).desc;
        EXPECT_TRUE(made.poller->Park(made.desc, Mode::kRead, &made).parked());
      }
    }
  }
  ~Pair() {
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

  bool sharded() const { return sharded_; }
  static int worker_count() { return 2; }
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
    // Nothing is left for the other one, who would come and help.
    if (--left_ <= 0 && on_->queue.Size() == 0) throw Enough{};
  }
  static void RunStaying(Member&, Waiter*) {}
  static std::int64_t Now() { return 1; }
  static std::int64_t NextDeadline(Member& of) {
    return of.poller->NextDeadline();
  }
  static std::int64_t NextSleep() { return kNever; }
  void Poll(Member& member, Member& of, Delta delta) {
    ++polls_;
    PollResult result = of.poller->Poll(delta);
    PushReady(member, result, [](WaiterList&) { FAIL() << "no guests here"; });
  }
  void PollAll(Member&, Member&) {}
  static void Expire(Member&, Member&, std::int64_t) {}

 private:
  const bool sharded_;
  BusyPoller pollers_[2];
  Member members_[2];
  std::vector<std::unique_ptr<Connection>> connections_;
  Member* on_ = nullptr;
  int left_ = 0;
  int polls_ = 0;
};

struct Shared {
  std::uint64_t by_both = 0;  // Lines that both write.
  std::uint64_t writes = 0;   // To lines that the other one touches.
  int polls = 0;
};

Shared Measure(bool sharded) {
  constexpr int kRounds = 20;
  Pair pair(sharded);
  // The queues are as they will be.
  for (int id : {0, 1}) pair.Handle(id, 10 * Pair::kEach);
  Lines().clear();
  Shared shared;
  for (int i = 0; i < kRounds; ++i) {
    for (int id : {0, 1}) shared.polls += pair.Handle(id, 10 * Pair::kEach);
  }
  for (const auto& [address, line] : Lines()) {
    shared.by_both += line.writes[0] != 0 && line.writes[1] != 0;
    for (std::size_t id : {0, 1}) {
      const std::size_t other = 1 - id;
      if (line.writes[other] + line.reads[other] == 0) continue;
      shared.writes += line.writes[id];
    }
  }
  return shared;
}

TEST(SharedWritesTest, WorkersWithTheirOwnPollersWriteNothingThatTwoWrite) {
  const Shared shared = Measure(/*sharded=*/true);
  EXPECT_GT(shared.polls, 100);
  EXPECT_EQ(shared.by_both, 0u);
  // What the other one reads is when this one polls, said before a poll that
  // may block and after it, and that its queue has something, or no more: four
  // words a poll, however many messages that has.
  EXPECT_LE(shared.writes,
            std::uint64_t{4} * static_cast<unsigned>(shared.polls));
}

TEST(SharedWritesTest, WorkersOverOnePollerWriteTheSameLines) {
  const Shared shared = Measure(/*sharded=*/false);
  EXPECT_GT(shared.by_both, 0u);
}

}  // namespace
}  // namespace netpoll::internal
