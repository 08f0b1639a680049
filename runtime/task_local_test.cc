// SPDX-License-Identifier: Apache-2.0
//
// Tasks that stay on a worker run there alone, whatever wakes them; and what a
// task knows of itself: its name, and its locals.

#include "netpoll/runtime/task_local.h"

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/runtime/blocking_pool.h"
#include "netpoll/runtime/channel.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/task_group.h"
#include "netpoll/runtime/test_support.h"
#include "netpoll/runtime/when_all.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

// --- Tasks that stay ---------------------------------------------------------

class Stays {
 public:
  explicit Stays(Runtime& runtime) : runtime_(runtime) {}
  void Look(int worker, const char* after) {
    EXPECT_EQ(runtime_.CurrentWorker(), worker) << after;
    if (thread_ == std::thread::id()) thread_ = std::this_thread::get_id();
    EXPECT_EQ(std::this_thread::get_id(), thread_) << after;
  }

 private:
  Runtime& runtime_;
  std::thread::id thread_;
};

// Waits for everything there is.
Task<> Waits(Runtime& r, BlockingPool& pool, Channel<int>& in,
             Channel<int>& out, int worker) {
  Stays stays(r);
  auto pipe = Descriptor::Pipe(r);
  EXPECT_TRUE(pipe.ok()) << pipe.status();
  std::array<char, 1> byte;
  for (int i = 0; i < 20; ++i) {
    co_await r.Yield();
    stays.Look(worker, "a yield");
    co_await r.Sleep(10us);
    stays.Look(worker, "a sleep");
    (void)co_await out.Send(1);
    stays.Look(worker, "a send");
    (void)co_await in.Receive();
    stays.Look(worker, "a receive");
    // The poll that finds it may be another worker's.
    auto writer = r.Spawn([](Runtime& rt, Descriptor& to) -> Task<> {
      co_await rt.Sleep(20us);
      (void)co_await to.Write("x");
    }(r, pipe->write));
    (void)co_await pipe->read.Read(byte);
    stays.Look(worker, "a read");
    co_await std::move(writer);
    stays.Look(worker, "a join");
    EXPECT_TRUE((co_await pool.Run([] {})).ok());
    stays.Look(worker, "blocking work");
    (void)co_await WhenAll(AsTask(r.Sleep(10us)), AsTask(r.Sleep(20us)));
    stays.Look(worker, "tasks side by side");
  }
}

Task<> Echo(Channel<int>& in, Channel<int>& out, int count) {
  for (int i = 0; i < count; ++i) {
    (void)co_await in.Receive();
    (void)co_await out.Send(1);
  }
}

class StaysTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(StaysTest);

TEST_P(StaysTest, OnItsWorkerWhateverWakesIt) {
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    BlockingPool pool({.threads = 1});
    std::vector<std::unique_ptr<Channel<int>>> channels;
    std::vector<JoinHandle<void>> all;
    const int each = 20;
    for (int worker = 0; worker < runtime.threads(); ++worker) {
      for (int i = 0; i < 2; ++i) {
        channels.push_back(std::make_unique<Channel<int>>(0));
        channels.push_back(std::make_unique<Channel<int>>(1));
        auto& in = *channels[channels.size() - 2];
        auto& out = *channels[channels.size() - 1];
        all.push_back(runtime.Spawn(Waits(runtime, pool, in, out, worker),
                                    {.worker = worker}));
        all.push_back(runtime.Spawn(Echo(out, in, each)));
      }
    }
    for (auto& one : all) co_await std::move(one);
  });
}

TEST_P(StaysTest, ItsTurnComesAmongTasksThatNeverWait) {
  RunTest(threads(), [&](Runtime& runtime) -> Task<> {
    bool over = false;
    std::vector<JoinHandle<void>> busy;
    for (int i = 0; i < 3; ++i) {
      busy.push_back(runtime.Spawn(
          [](Runtime& r, bool& end) -> Task<> {
            while (!end) co_await r.Yield();
          }(runtime, over),
          {.worker = 0}));
    }
    // Begins before those that stay, each time.
    auto other = runtime.Spawn(
        [](Runtime& r, bool& end) -> Task<> {
          for (int i = 0; i < 200; ++i) co_await r.Yield();
          end = true;
        }(runtime, over),
        {.worker = 0});
    co_await std::move(other);
    for (auto& one : busy) co_await std::move(one);
  });
}

// One worker whose queue is never empty still runs those that stay.
TEST(StaysTest, AQueueThatIsNeverEmptyLeavesThemTheirTurn) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    bool over = false;
    auto busy = runtime.Spawn([](Runtime& r, bool& end) -> Task<> {
      while (!end) co_await r.Yield();
    }(runtime, over));
    auto stays = runtime.Spawn(
        [](Runtime& r, bool& end) -> Task<> {
          for (int i = 0; i < 50; ++i) co_await r.Yield();
          end = true;
        }(runtime, over),
        {.worker = 0});
    co_await std::move(stays);
    co_await std::move(busy);
  });
}

// However often it is this one's turn: that takes no more of the stack.
TEST(StaysTest, AloneItMayYieldForAsLongAsItLikes) {
  Runtime runtime;
  int turns = 0;
  runtime.Spawn(
      [](Runtime& r, int& count) -> Task<> {
        for (; count < 300'000; ++count) co_await r.Yield();
      }(runtime, turns),
      {.worker = 0});
  EXPECT_TRUE(RunWatched(runtime).ok());
  EXPECT_EQ(turns, 300'000);
}

TEST(StaysTest, OfAGroupAndInTheBackground) {
  RunTest(3, [](Runtime& runtime) -> Task<> {
    int in_group = 0;
    co_await WithTaskGroup(runtime, [&](TaskGroup& group) -> Task<> {
      group.Spawn(
          [](Runtime& r, int& found) -> Task<> {
            co_await r.Sleep(1us);
            found = r.CurrentWorker();
          }(runtime, in_group),
          {.worker = 2});
      co_return;
    });
    EXPECT_EQ(in_group, 2);
    auto background = runtime.SpawnBackground(
        [](Runtime& r) -> Task<int> {
          co_await r.Sleep(1us);
          co_return r.CurrentWorker();
        }(runtime),
        {.worker = 1});
    EXPECT_EQ(co_await std::move(background), 1);
    EXPECT_GE(runtime.CurrentWorker(), 0);
  });
  Runtime idle;
  EXPECT_EQ(idle.CurrentWorker(), SpawnOptions::kAnyWorker);
}

TEST(StaysDeathTest, AWorkerThatThereIsNotIsNoticed) {
  const auto spawn = [](int worker) {
    Runtime runtime({.threads = 2});
    runtime.Spawn([]() -> Task<> { co_return; }(), {.worker = worker});
  };
  EXPECT_DEATH(spawn(2), "spawned on a worker that its Runtime has not");
  EXPECT_DEATH(spawn(-2), "spawned on a worker that its Runtime has not");
}

// --- Names and locals --------------------------------------------------------

Task<std::string> Name() { co_return std::string(co_await TaskName()); }

TEST(TaskNameTest, IsThatOfTheSpawnedTaskHoweverDeep) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto named = runtime.Spawn(
        [](Runtime& r) -> Task<std::string> {
          co_await r.Yield();
          auto [one, other] = co_await WhenAll(Name(), Name());
          co_return one + "," + other;
        }(runtime),
        {.name = "client"});
    EXPECT_EQ(co_await std::move(named), "client,client");
    EXPECT_EQ(co_await Name(), "");
  });
}

TaskLocal<std::string> request_id;
TaskLocal<int> depth;

Task<std::string> Id() {
  const std::string* const id = co_await request_id.Get();
  co_return id != nullptr ? *id : "none";
}

TEST(TaskLocalTest, TheLatestCountsUntilItsAwaitEnds) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    EXPECT_EQ(co_await Id(), "none");
    co_await WithLocal(request_id, "outer", [](Runtime& r) -> Task<> {
      co_await r.Yield();
      EXPECT_EQ(co_await Id(), "outer");
      EXPECT_EQ(co_await WithLocal(request_id, "inner", Id()), "inner");
      EXPECT_EQ(co_await WithLocal(depth, 3, Id()), "outer");
      EXPECT_EQ(co_await depth.Get(), nullptr);
      EXPECT_EQ(co_await Id(), "outer");
    }(runtime));
    EXPECT_EQ(co_await Id(), "none");
  });
}

TEST(TaskLocalTest, EachOfThoseSideBySideHasItsOwn) {
  RunTest(3, [](Runtime& runtime) -> Task<> {
    const auto one = [](Runtime& r, std::string id) -> Task<std::string> {
      co_return co_await WithLocal(request_id, std::move(id),
                                   [](Runtime& rt) -> Task<std::string> {
                                     co_await rt.Sleep(10us);
                                     co_return co_await Id();
                                   }(r));
    };
    for (int i = 0; i < 50; ++i) {
      auto [a, b, c] = co_await WithLocal(
          request_id, "all",
          WhenAll(one(runtime, "a"), one(runtime, "b"), Id()));
      EXPECT_EQ(a + b + c, "aball");
    }
  });
}

TEST(TaskLocalTest, ASpawnedTaskInheritsNone) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    co_await WithLocal(request_id, "mine", [](Runtime& r) -> Task<> {
      EXPECT_EQ(co_await r.Spawn(Id()), "none");
      EXPECT_EQ(co_await Id(), "mine");
    }(runtime));
  });
}

TEST(TaskLocalTest, ComesBackWhenWhatItIsForThrows) {
  RunTest(1, [](Runtime&) -> Task<> {
    bool thrown = false;
    try {
      co_await WithLocal(request_id, "lost", []() -> Task<> {
        throw 1;
        co_return;
      }());
    } catch (int) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    EXPECT_EQ(co_await Id(), "none");
  });
}

}  // namespace
}  // namespace netpoll
