// SPDX-License-Identifier: Apache-2.0
//
// SIGPIPE is the program's: Run changes no mask, writes to what nobody reads
// are EPIPE without a signal, and a signal of somebody else's arrives.

#include <pthread.h>
#include <signal.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

StdEnv::Atomic<int> signals{0};
StdEnv::Atomic<int> mask_calls{0};

void Count(int) { signals.FetchAdd("test", 1, Order::kAcqRel); }

int CountedMask(int how, const sigset_t* set, sigset_t* before) {
  mask_calls.FetchAdd("test", 1, Order::kAcqRel);
  return ::pthread_sigmask(how, set, before);
}

// Runs with a handler for SIGPIPE, or with its default: death.
class SigpipeTest : public WorkersTest {
 protected:
  void SetUp() override { signals.Store("test", 0, Order::kRelease); }
  void TearDown() override {
    ::signal(SIGPIPE, SIG_DFL);
    sigset_t pipe = Pipe();
    pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
  }
  static sigset_t Pipe() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
  }
};
NETPOLL_INSTANTIATE_WORKERS(SigpipeTest);

bool Blocked() {
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, SIGPIPE) == 1;
}
bool Pending() {
  sigset_t set;
  sigpending(&set);
  return sigismember(&set, SIGPIPE) == 1;
}

Task<> WriteToTheClosed(Runtime& runtime) {
  auto pipe = Descriptor::Pipe(runtime);
  auto ends = Socket::Pair(runtime);
  EXPECT_TRUE((co_await pipe->read.Close()).ok());
  EXPECT_TRUE((co_await ends->second.Close()).ok());
  for (Descriptor* one :
       {&pipe->write, static_cast<Descriptor*>(&ends->first)}) {
    EXPECT_EQ((co_await one->Write("x")).status.error_number(), EPIPE);
    char byte = 'x';
    iovec parts[2] = {{&byte, 1}, {&byte, 1}};
    EXPECT_EQ((co_await one->Writev(parts)).status.error_number(), EPIPE);
  }
  EXPECT_FALSE(Pending());
}

TEST_P(SigpipeTest, AWriteThatNobodyReadsIsEpipeAndNoSignal) {
  for (const bool handler : {false, true}) {
    ::signal(SIGPIPE, handler ? &Count : SIG_DFL);
    RunTest(threads(), [](Runtime& runtime) -> Task<> {
      co_await WriteToTheClosed(runtime);
    });
    EXPECT_EQ(signals.Load("test", Order::kAcquire), 0);
  }
}

TEST_P(SigpipeTest, AlsoWhereTheProgramBlocksIt) {
  const sigset_t pipe = Pipe();
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    co_await WriteToTheClosed(runtime);
    EXPECT_TRUE(Blocked());
  });
  EXPECT_TRUE(Blocked());
  EXPECT_FALSE(Pending());
}

// One that was pending before is not ours to take.
TEST(SigpipeOneTest, ASignalOfSomebodyElsesIsNotEaten) {
  signals.Store("test", 0, Order::kRelease);
  ::signal(SIGPIPE, &Count);
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  RunTest(1, [](Runtime& runtime) -> Task<> {
    pthread_kill(pthread_self(), SIGPIPE);
    auto ends = Descriptor::Pipe(runtime);
    EXPECT_TRUE((co_await ends->read.Close()).ok());
    EXPECT_EQ((co_await ends->write.Write("x")).status.error_number(), EPIPE);
    EXPECT_TRUE(Pending());
  });
  pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
  EXPECT_EQ(signals.Load("test", Order::kAcquire), 1);
  // And where it is not blocked it arrives at once.
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = Descriptor::Pipe(runtime);
    EXPECT_TRUE((co_await ends->write.Write("x")).ok());
    pthread_kill(pthread_self(), SIGPIPE);
    EXPECT_EQ(signals.Load("test", Order::kAcquire), 2);
  });
  ::signal(SIGPIPE, SIG_DFL);
}

TEST_P(SigpipeTest, ThreadsAndChildrenHaveTheProgramsOwnMask) {
  ASSERT_FALSE(Blocked());
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (int i = 0; i < 8; ++i) {
      EXPECT_FALSE(Blocked());
      bool in_thread = true;
      std::thread([&in_thread] { in_thread = Blocked(); }).join();
      EXPECT_FALSE(in_thread);
      const pid_t child = ::fork();
      if (child == 0) {
        // Dies of the signal, as a filter in a pipeline should.
        int fds[2];
        if (::pipe(fds) != 0) ::_exit(3);
        ::close(fds[0]);
        ::_exit(::write(fds[1], "x", 1) == 1 ? 4 : 5);
      }
      int status = 0;
      EXPECT_EQ(::waitpid(child, &status, 0), child);
      EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
      co_await runtime.Yield();
    }
  });
  EXPECT_FALSE(Blocked());
}

TEST(SigpipeOneTest, SocketsCostNoCallForItAndPipesTwoEach) {
  internal::SysOverride restore;
  internal::sys.thread_sigmask = &CountedMask;
  mask_calls.Store("test", 0, Order::kRelease);
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE((co_await ends->first.Write("x")).ok());
    }
    EXPECT_EQ(mask_calls.Load("test", Order::kAcquire), 0);
    auto pipe = Descriptor::Pipe(runtime);
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE((co_await pipe->write.Write("x")).ok());
    }
    EXPECT_EQ(mask_calls.Load("test", Order::kAcquire), 20);
  });
}

}  // namespace
}  // namespace netpoll
