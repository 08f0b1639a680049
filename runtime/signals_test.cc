// SPDX-License-Identifier: Apache-2.0
//
// Signals as awaitables, and whose mask is whose.

#include "netpoll/runtime/signals.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class SignalsTest : public BackendsTest {
 protected:
  SignalsTest() { pthread_sigmask(SIG_SETMASK, nullptr, &before_); }
  ~SignalsTest() override { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};
NETPOLL_INSTANTIATE_BACKENDS(SignalsTest);

TEST_P(SignalsTest, AreReadInsteadOfWhatTheyWouldDo) {
  EXPECT_TRUE(Signals::Block({SIGUSR1, SIGTERM, SIGCHLD}).ok());
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto signals = Signals::Open(runtime, {SIGUSR1, SIGTERM, SIGCHLD});
    EXPECT_TRUE(signals.ok()) << signals.status();
    EXPECT_EQ(::kill(::getpid(), SIGTERM), 0);
    SignalResult got = co_await signals->Next();
    EXPECT_TRUE(got.ok()) << got.io.ToString();
    EXPECT_EQ(got.number, SIGTERM);
    EXPECT_EQ(got.pid, ::getpid());
    EXPECT_EQ(got.uid, ::getuid());
    auto next = [&]() -> Task<SignalResult> {
      co_return co_await signals->Next();
    };
    JoinHandle<SignalResult> waiter = runtime.Spawn(next());
    co_await runtime.Yield();
    const pid_t child = ::fork();
    if (child == 0) ::_exit(7);
    got = co_await std::move(waiter);
    EXPECT_EQ(got.number, SIGCHLD);
    EXPECT_EQ(got.pid, child);
    EXPECT_EQ(got.status, 7);
    EXPECT_EQ(::waitpid(child, nullptr, 0), child);
    signals->SetDeadline(runtime.After(1ms));
    EXPECT_TRUE((co_await signals->Next()).io.timeout());
    EXPECT_TRUE((co_await signals->Close()).ok());
    EXPECT_TRUE((co_await signals->Next()).io.closing());
  });
}

TEST_P(SignalsTest, AMaskIsNotChangedUnasked) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    sigset_t before;
    pthread_sigmask(SIG_SETMASK, nullptr, &before);
    EXPECT_EQ(sigismember(&before, SIGUSR2), 0);
    const auto signals = Signals::Open(runtime, {SIGUSR2});
    EXPECT_EQ(signals.status().code(), absl::StatusCode::kFailedPrecondition);
    ExpectSays(signals.status(),
               "SIGUSR2 can't be awaited: this thread does not block it");
    sigset_t after;
    pthread_sigmask(SIG_SETMASK, nullptr, &after);
    EXPECT_EQ(sigismember(&after, SIGUSR2), 0);
    EXPECT_TRUE(Signals::Block({SIGUSR2}).ok());
    pthread_sigmask(SIG_SETMASK, nullptr, &after);
    EXPECT_EQ(sigismember(&after, SIGUSR2), 1);
    EXPECT_EQ(sigismember(&after, SIGUSR1), 0);
    co_return;
  });
}

TEST(Signals, WhatCannotBeAwaitedIsRefused) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    ExpectSays(Signals::Open(runtime, {SIGKILL}).status(),
               "SIGKILL can't be awaited: the system lets nobody block it");
    ExpectSays(Signals::Open(runtime, {1234}).status(),
               "signal 1234 can't be awaited: there is no such signal");
    EXPECT_FALSE(Signals::Block({SIGSTOP}).ok());
    EXPECT_FALSE((co_await Signals().Next()).ok());
  });
}

}  // namespace
}  // namespace netpoll
