// SPDX-License-Identifier: Apache-2.0
//
// Awaits in conditions, of member coroutines too, compiled without and with
// optimisation (BUILD). Not the two forms that gcc 12.2 compiles wrongly: see
// task.h.

#include <array>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using std::chrono::microseconds;

class ConditionAwaitTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(ConditionAwaitTest);

// A task in its members.
class Sleeper {
 public:
  Sleeper(Runtime& runtime, int number) : runtime_(runtime), number_(number) {}

  Task<> If() {
    const Deadline next = Next();
    if (co_await runtime_.SleepUntil(next)) ++woken_;
  }
  Task<> IfNot() {
    const Deadline next = Next();
    if (!co_await runtime_.SleepUntil(next)) co_return;
    ++woken_;
  }
  Task<> IfElse() {
    const Deadline next = Next();
    if (co_await runtime_.SleepUntil(next)) {
      ++woken_;
    } else {
      woken_ -= 1000;
    }
  }
  Task<> While() {
    int left = 3;
    while (co_await runtime_.SleepUntil(Next())) {
      if (--left == 0) break;
    }
    if (left == 0) ++woken_;
  }
  Task<> Do() {
    int left = 3;
    do {
      if (--left == 0) break;
    } while (co_await runtime_.SleepUntil(Next()));
    if (left == 0) ++woken_;
  }
  Task<> For() {
    int turns = 0;
    for (; co_await runtime_.SleepUntil(Next());) {
      if (++turns == 3) break;
    }
    if (turns == 3) ++woken_;
  }
  Task<> Both() {
    const int first = woken_;
    if (co_await runtime_.SleepUntil(Next()) &&
        co_await runtime_.SleepUntil(Next())) {
      woken_ = first + 1;
    }
  }
  Task<> Either() {
    const int first = woken_;
    if (!co_await runtime_.SleepUntil(Next()) ||
        co_await runtime_.SleepUntil(Next())) {
      woken_ = first + 1;
    }
  }
  Task<> Choice() {
    const int more = co_await runtime_.SleepUntil(Next()) ? 1 : -1000;
    woken_ += more;
  }
  Task<> Switch() {
    const int right = 1;
    switch (static_cast<int>(co_await runtime_.SleepUntil(Next()))) {
      case right:
        ++woken_;
        break;
      default:
        woken_ -= 1000;
    }
  }
  Task<> IfWithInit() {
    const int one = 1;
    if (const bool whole = co_await runtime_.SleepUntil(Next()); whole) {
      woken_ += one;
    }
  }
  Task<> Argument() { Add(1, co_await runtime_.SleepUntil(Next())); }
  // Of a task that this one awaits.
  Task<> Nested() {
    const int one = 1;
    if (co_await Whether()) woken_ += one;
  }

  int woken() const { return woken_; }

 private:
  Deadline Next() { return Runtime::After(microseconds(50 * number_)); }
  void Add(int count, bool whole) { woken_ += whole ? count : -1000; }
  Task<bool> Whether() {
    const Deadline next = Next();
    if (co_await runtime_.SleepUntil(next)) co_return true;
    co_return false;
  }

  Runtime& runtime_;
  const int number_;  // 0 need not sleep at all.
  int woken_ = 0;
};

using Form = Task<> (Sleeper::*)();
constexpr std::array<Form, 13> kForms = {
    &Sleeper::If,     &Sleeper::IfNot,      &Sleeper::IfElse,
    &Sleeper::While,  &Sleeper::Do,         &Sleeper::For,
    &Sleeper::Both,   &Sleeper::Either,     &Sleeper::Choice,
    &Sleeper::Switch, &Sleeper::IfWithInit, &Sleeper::Argument,
    &Sleeper::Nested,
};

TEST_P(ConditionAwaitTest, EverySleeperIsWokenOnceInEveryForm) {
  constexpr int kSleepers = 12;
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (std::size_t form = 0; form < kForms.size(); ++form) {
      std::vector<Sleeper> sleepers;
      for (int s = 0; s < kSleepers; ++s) sleepers.emplace_back(runtime, s);
      std::vector<JoinHandle<void>> handles;
      for (Sleeper& each : sleepers) {
        handles.push_back(runtime.Spawn((each.*kForms[form])()));
      }
      for (JoinHandle<void>& handle : handles) co_await std::move(handle);
      for (const Sleeper& each : sleepers) {
        EXPECT_EQ(each.woken(), 1) << "form " << form;
      }
    }
  });
}

// An operation that parks, and another that does not.
class Reader {
 public:
  explicit Reader(Socket socket) : socket_(std::move(socket)) {}

  Task<> Count() {
    std::array<char, 4> buffer;
    while ((co_await socket_.Read(buffer)).bytes > 0) ++reads_;
    if (const IoResult got = co_await socket_.Read(buffer); got.bytes == 0) {
      ++ends_;
    }
  }
  int reads() const { return reads_; }
  int ends() const { return ends_; }

 private:
  Socket socket_;
  int reads_ = 0;
  int ends_ = 0;
};

TEST_P(ConditionAwaitTest, ReadsAndWritesInConditions) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (int round = 0; round < 10; ++round) {
      auto ends = Socket::Pair(runtime);
      Reader reader(std::move(ends->first));
      auto counted = runtime.Spawn(reader.Count());
      int sent = 0;
      while ((co_await ends->second.Write("four")).ok()) {
        if (++sent == 8) break;
        if (!co_await runtime.SleepUntil(Runtime::After(microseconds(20)))) {
          co_return;
        }
      }
      if ((co_await ends->second.Close()).ok()) co_await std::move(counted);
      EXPECT_EQ(reader.reads(), 8);
      EXPECT_EQ(reader.ends(), 1);
    }
  });
}

// As a body that the compiler left out: it would be asleep for ever.
TEST(ConditionAwaitDeathTest, ATaskThatDoesNotBeginStopsTheProcess) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const std::coroutine_handle<> nothing = std::noop_coroutine();
  EXPECT_DEATH(internal::StartChild(nothing, nothing),
               "netpoll: a Task did not begin");
}

}  // namespace
}  // namespace netpoll
