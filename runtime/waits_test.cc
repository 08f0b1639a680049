// SPDX-License-Identifier: Apache-2.0
//
// Who waits for what: the list of all parked tasks, the text of it, and the
// observer.

#include <array>
#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/blocking_pool.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/channel.h"
#include "netpoll/runtime/event.h"
#include "netpoll/runtime/mutex.h"
#include "netpoll/runtime/run_guard.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/runtime_observer.h"
#include "netpoll/runtime/runtime_stats.h"
#include "netpoll/runtime/select.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_group.h"
#include "netpoll/runtime/test_support.h"
#include "netpoll/runtime/wait_info.h"
#include "netpoll/runtime/wakeup.h"
#include "netpoll/runtime/watch.h"
#include "netpoll/runtime/when_all.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class WaitsTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(WaitsTest);

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_P(WaitsTest, TheDumpSaysWhoWaitsForWhatSinceWhenAndWhere) {
  Runtime runtime({.threads = threads()});
  const auto body = [](Runtime& r) -> Task<> {
    auto ends = Socket::Pair(r);
    EXPECT_TRUE(r.Waits(10).empty());
    JoinHandle<void> reader = r.Spawn(
        [](Socket& s) -> Task<> {
          std::array<char, 1> byte;
          EXPECT_TRUE((co_await s.Read(byte)).status.closing());
        }(ends->first),
        {.name = "the reader"});
    while (r.stats().parked == 0) co_await r.Yield();
    co_await r.Sleep(30ms);
    EXPECT_TRUE(r.Waits(0).empty());
    const std::vector<WaitInfo> waits = r.Waits(10);
    EXPECT_EQ(waits.size(), 1u);
    if (waits.empty()) co_return;
    int fd = -1;
    ends->first.WithFd([&fd](int number) { fd = number; });
    EXPECT_EQ(waits[0].fd, fd);
    EXPECT_EQ(waits[0].direction, Mode::kRead);
    EXPECT_GE(waits[0].age, 25'000'000);
    EXPECT_LE(waits[0].age, 60'000'000'000);
    const std::string text = r.DumpState(10, [](const void* where) {
      return where != nullptr ? std::string("PLACE") : "nowhere";
    });
    EXPECT_TRUE(
        Contains(text, "  1 waits in PLACE\n    the reader to read fd " +
                           std::to_string(fd) + ", for "))
        << text;
    EXPECT_TRUE(Contains(r.DumpState(), "[0x")) << r.DumpState();
    EXPECT_TRUE(Contains(r.DumpState(32, nullptr), "[0x"));
    ends->first.CloseNow();
    co_await std::move(reader);
    EXPECT_TRUE(r.Waits(10).empty());
  };
  runtime.Spawn(body(runtime), {.name = "main"});
  EXPECT_TRUE(RunWatched(runtime).ok());
}

// From another thread, all the time, while descriptors come, go and wait.
TEST_P(WaitsTest, TheDumpOfWaitsDisturbsNobody) {
  Runtime runtime({.threads = threads()});
  StdEnv::Atomic<int> end{0};
  std::thread reader([&] {
    while (end.Load("test", Order::kAcquire) == 0) {
      for (const WaitInfo& wait : runtime.Waits(100)) {
        EXPECT_NE(wait.where, nullptr);
        EXPECT_GE(wait.fd, 0);
      }
      EXPECT_TRUE(Contains(runtime.DumpState(), "worker 0"));
    }
  });
  runtime.Spawn([](Runtime& r) -> Task<> {
    for (int i = 0; i < 300; ++i) {
      auto ends = Socket::Pair(r);
      JoinHandle<void> echo = r.Spawn([](Socket& s) -> Task<> {
        std::array<char, 1> byte;
        while ((co_await s.Read(byte)).bytes == 1) {
          EXPECT_TRUE((co_await s.Write("y")).ok());
        }
      }(ends->first));
      std::array<char, 1> byte;
      for (int m = 0; m < 10; ++m) {
        EXPECT_TRUE((co_await ends->second.Write("x")).ok());
        EXPECT_EQ((co_await ends->second.Read(byte)).bytes, 1u);
      }
      ends->second.CloseNow();
      co_await std::move(echo);
    }
  }(runtime));
  EXPECT_TRUE(RunWatched(runtime).ok());
  end.Store("test", 1, Order::kRelease);
  reader.join();
}

// What there is to wait for, but for descriptors.
struct Things {
  explicit Things(Runtime& runtime) : group(runtime), r(runtime) {}

  Channel<int> channel{0};
  Channel<int> other{0};
  Mutex mutex;
  Mutex its_mutex;
  Condition condition;
  Semaphore semaphore{0};
  Event event;
  Watch<int> watch{0};
  Wakeup wakeup;
  BlockingPool pool;
  TaskGroup group;
  Runtime& r;
  std::atomic<bool> works{true};
};

Task<> OnTheEvent(Things& t) { (void)co_await t.event.Wait(); }

struct Kind {
  const char* name;
  const char* what;
  Task<> (*wait)(Things&);
};

const Kind kKinds[] = {
    {"sleeper", "a time", [](Things& t) -> Task<> { co_await t.r.Sleep(1h); }},
    {"receiver", "a channel",
     [](Things& t) -> Task<> { (void)co_await t.channel.Receive(); }},
    {"selector", "a select",
     [](Things& t) -> Task<> {
       (void)co_await Select(t.channel.Receive(), t.other.Receive());
     }},
    {"locker", "a mutex",
     [](Things& t) -> Task<> { (void)co_await t.mutex.Lock(); }},
    {"counter", "a semaphore",
     [](Things& t) -> Task<> { (void)co_await t.semaphore.Acquire(); }},
    {"notified", "a condition",
     [](Things& t) -> Task<> {
       MutexGuard guard = co_await t.its_mutex.Lock();
       (void)co_await t.condition.Wait(guard);
     }},
    {"guest", "an event", &OnTheEvent},
    {"reader of news", "news",
     [](Things& t) -> Task<> {
       (void)co_await t.watch.Changed(t.watch.Get().version);
     }},
    {"woken", "a wake-up",
     [](Things& t) -> Task<> { (void)co_await t.wakeup.Wait(); }},
    {"boss", "blocking work",
     [](Things& t) -> Task<> {
       (void)co_await t.pool.Run([&t] { t.works.wait(true); });
     }},
    {"parent", "a task",
     [](Things& t) -> Task<> {
       JoinHandle<void> child = t.r.Spawn(OnTheEvent(t), {.name = "child"});
       (void)co_await child.Ended();
     }},
    {"head", "a task group",
     [](Things& t) -> Task<> {
       t.group.Spawn(OnTheEvent(t), {.name = "member"});
       co_await t.group.Join();
     }},
};

using Listed = std::set<std::pair<std::string, std::string>>;

Listed List(Runtime& r) {
  Listed listed;
  for (const WaitInfo& wait : r.Waits(1000)) {
    EXPECT_NE(wait.where, nullptr) << wait.what;
    EXPECT_EQ(wait.fd == -1, std::string(wait.what) != "a descriptor");
    listed.emplace(wait.task, wait.what);
  }
  return listed;
}

// By name and by what it waits for; in a scope and in none.
TEST_P(WaitsTest, EveryKindOfWaitIsListedWithItsTask) {
  for (const bool in_scope : {false, true}) {
    Runtime runtime({.threads = threads()});
    Things things(runtime);
    const auto body = [in_scope](Things& t) -> Task<> {
      const MutexGuard guard = co_await t.mutex.Lock();
      Listed expected = {{"child", "an event"}, {"member", "an event"}};
      for (const Kind& kind : kKinds) {
        t.r.Spawn(
            [](Things& its, const Kind& one, bool scope) -> Task<> {
              if (!scope) co_return co_await one.wait(its);
              co_await WithTimeout(1h, WhenAll(one.wait(its)));
            }(t, kind, in_scope),
            {.name = kind.name});
        expected.emplace(kind.name, kind.what);
      }
      while (List(t.r) != expected) co_await t.r.Yield();
      const std::string text = t.r.DumpState(100);
      EXPECT_TRUE(Contains(text, "    locker on a mutex, for ")) << text;
      EXPECT_TRUE(Contains(text, "    sleeper asleep, for ")) << text;
      EXPECT_TRUE(Contains(text, ", another 59 min\n")) << text;
      EXPECT_EQ(t.r.Waits(3).size(), 3u);
      t.r.Stop();
      t.works = false;
      t.works.notify_all();
    };
    runtime.Spawn(body(things), {.name = "body"});
    EXPECT_TRUE(RunWatched(runtime).ok());
    EXPECT_TRUE(runtime.Waits(100).empty());
  }
}

// Outside of all scopes an await of a task is listed only where tasks have
// names.
TEST_P(WaitsTest, WithoutNamesWhatWaitsIsListedAllTheSame) {
  Runtime runtime({.threads = threads()});
  Things things(runtime);
  const auto body = [](Things& t) -> Task<> {
    t.r.Spawn(OnTheEvent(t));
    t.r.Spawn([](Things& its) -> Task<> { co_await its.r.Sleep(1h); }(t));
    const Listed expected = {{"", "an event"}, {"", "a time"}};
    while (List(t.r) != expected) co_await t.r.Yield();
    for (const WaitInfo& wait : t.r.Waits(10)) {
      EXPECT_EQ(wait.left == kNever, std::string(wait.what) != "a time");
    }
    t.r.Stop();
  };
  runtime.Spawn(body(things));
  EXPECT_TRUE(RunWatched(runtime).ok());
}

// From another thread, all the time, while waits of many kinds begin and end.
TEST_P(WaitsTest, TheListDisturbsNobody) {
  Runtime runtime({.threads = threads()});
  std::atomic<bool> end{false};
  std::thread reader([&] {
    while (!end) static_cast<void>(List(runtime));
  });
  const auto body = [](Runtime& r) -> Task<> {
    Channel<int> channel(0);
    for (int i = 0; i < 300; ++i) {
      JoinHandle<void> child = r.Spawn(
          [](Channel<int>& c) -> Task<> {
            (void)co_await WithTimeout(1h, c.Send(1));
          }(channel),
          {.name = "sender"});
      EXPECT_TRUE((co_await channel.Receive()).ok());
      EXPECT_TRUE(co_await WithTimeout(1h, r.Sleep(1us)));
      co_await std::move(child);
    }
  };
  runtime.Spawn(body(runtime), {.name = "body"});
  EXPECT_TRUE(RunWatched(runtime).ok());
  end = true;
  reader.join();
}

TEST(NamesTest, ATaskOfAGroupHasItsName) {
  Runtime runtime;
  const auto body = [](Runtime& r) -> Task<> {
    auto ends = Socket::Pair(r);
    TaskGroup group(r);
    group.Spawn(
        [](Socket& s) -> Task<> {
          std::array<char, 1> byte;
          EXPECT_TRUE((co_await s.Read(byte)).status.closing());
        }(ends->first),
        {.name = "one of a group"});
    while (r.stats().parked == 0) co_await r.Yield();
    EXPECT_TRUE(Contains(r.DumpState(), "one of a group")) << r.DumpState();
    co_await ends->first.Close();
    co_await group.Join();
  };
  runtime.Spawn(body(runtime));
  EXPECT_TRUE(RunWatched(runtime).ok());
}

struct CountingObserver : RuntimeObserver {
  void WaitBegins(int worker, ObservedWait) override {
    EXPECT_EQ(worker, 0);
    begins.fetch_add(1);
  }
  void WaitEnds(int worker, ObservedWait) override {
    EXPECT_EQ(worker, 0);
    ends.fetch_add(1);
  }
  std::atomic<int> begins{0};
  std::atomic<int> ends{0};
};

// Of two runtimes of which each has tasks that wait on the other's
// descriptors, one with an observer; with and without names.
TEST(ObserverTest, IsToldOfBothEndsOfEachWaitOfItsRuntimesTasks) {
  CountingObserver observer;
  Runtime watched({.observer = &observer});
  Runtime other;
  const auto read = [](Socket& from) -> Task<> {
    std::array<char, 1> byte;
    EXPECT_TRUE((co_await from.Read(byte)).ok());
  };
  const auto body = [&](Runtime& r, const char* name) -> Task<> {
    auto ends = Socket::Pair(r);
    std::vector<JoinHandle<void>> readers;
    for (Runtime* in : {&watched, &other}) {
      JoinHandle<void> reader = in->Spawn(read(ends->first), {.name = name});
      while (r.stats().parked == 0) co_await r.Yield();
      EXPECT_TRUE((co_await ends->second.Write("x")).ok());
      co_await std::move(reader);
    }
  };
  std::thread second;
  for (const char* name : {static_cast<const char*>(nullptr), "named"}) {
    const RunGuard stay(watched);
    second = std::thread([&] { EXPECT_TRUE(RunWatched(watched).ok()); });
    JoinHandle<void> first = watched.Spawn(body(watched, name));
    other.Spawn([](auto work, Runtime& r, const char* its,
                   JoinHandle<void> before) -> Task<> {
      co_await std::move(before);
      co_await work(r, its);
    }(body, other, name, std::move(first)));
    EXPECT_TRUE(RunWatched(other).ok());
    watched.Stop();
    second.join();
    EXPECT_TRUE(watched.StartAgain().ok());
  }
  EXPECT_EQ(observer.begins.load(), 4);
  EXPECT_EQ(observer.ends.load(), 4);
}

}  // namespace
}  // namespace netpoll
