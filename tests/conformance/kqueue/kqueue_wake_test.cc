// SPDX-License-Identifier: Apache-2.0
//
// Breaks of the kqueue backend while others poll beside the poll that blocks,
// on kernels that lose the signals of levels, and on those that don't.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/kqueue/kqueue_backend.h"
#include "netpoll/backends/kqueue/kqueue_sys.h"
#include "netpoll/backends/kqueue/kqueue_waker.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/kqueue/kqueue_traits.h"
#include "netpoll/tests/conformance/kqueue/quirky_sys.h"

namespace netpoll::conformance {
namespace {

// Ends the program, with a sentence, unless the test ends in time.
class Watchdog {
 public:
  explicit Watchdog(const char* sentence) {
    text = sentence;
    ::signal(SIGALRM, [](int) {
      if (::write(STDERR_FILENO, text, std::strlen(text)) >= 0) ::_exit(3);
    });
    // Whoever started this program may have set an earlier one.
    if (const unsigned left = ::alarm(60); left != 0) ::alarm(left);
  }
  ~Watchdog() { ::alarm(0); }

 private:
  static inline const char* text = "";
};

template <class Backend>
class KqueueWake : public Fixture<Backend> {
 protected:
  // Polls without blocking until it goes.
  class Passer {
   public:
    explicit Passer(Backend& backend)
        : thread_([this, &backend] {
            Recorder recorder;
            while (!stop_) backend.Poll(Delta::NonBlocking(), recorder);
          }) {}
    ~Passer() {
      stop_ = true;
      thread_.join();
    }

   private:
    std::atomic<bool> stop_ = false;
    std::thread thread_;
  };
};
using Backends =
    ::testing::Types<KqueueBackend<StdEnv, KqueueSys, PipeWaker>,
                     KqueueBackend<StdEnv, OldNetBsdSys, PipeWaker>,
                     KqueueBackend<StdEnv, KqueueSys, UserEventWaker>,
                     KqueueBackend<StdEnv, OldNetBsdSys, UserEventWaker>>;
TYPED_TEST_SUITE(KqueueWake, Backends);

// One break, one poll that ends: had a passing poll kept it, nothing would come
// after it.
TYPED_TEST(KqueueWake, EachBreakEndsAPollThoughOthersPollBeside) {
  Watchdog watchdog("a break ended no poll that blocks\n");
  constexpr int kBreaks = 500;
  std::atomic<int> ended = 0;
  std::thread blocking([&] {
    Recorder recorder;
    while (ended < kBreaks) {
      this->backend_.Poll(Delta::Forever(), recorder);
      ++ended;
    }
  });
  {
    typename TestFixture::Passer first(this->backend_);
    typename TestFixture::Passer second(this->backend_);
    for (int i = 0; i < kBreaks; ++i) {
      this->backend_.Break();
      while (ended <= i) std::this_thread::yield();
    }
  }
  blocking.join();
}

// What was said before a break is seen after the poll that it ends, however
// many breaks become one.
TYPED_TEST(KqueueWake, WhatWasSaidBeforeABreakIsSeen) {
  Watchdog watchdog("a break of many was lost\n");
  constexpr int kThreads = 2;
  constexpr int kBreaks = 3000;
  std::atomic<int> said = 0;
  typename TestFixture::Passer passer(this->backend_);
  std::vector<std::thread> breakers;
  for (int i = 0; i < kThreads; ++i) {
    breakers.emplace_back([&] {
      for (int j = 0; j < kBreaks; ++j) {
        ++said;
        this->backend_.Break();
      }
    });
  }
  Recorder recorder;
  while (said < kThreads * kBreaks) {
    this->backend_.Poll(Delta::Forever(), recorder);
  }
  for (std::thread& breaker : breakers) breaker.join();
}

// A poll that had events of its own beside the wake-up, too.
TYPED_TEST(KqueueWake, ABreakAndAnEventInOneBatchAreBothTaken) {
  Watchdog watchdog("a break beside an event was lost\n");
  typename TestFixture::Passer passer(this->backend_);
  for (int i = 0; i < 300; ++i) {
    Ends ends = Ends::Sockets();
    ends.Send();
    ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
    this->backend_.Break();
    Recorder recorder;
    this->backend_.Poll(Delta::Forever(), recorder);
    EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(1)), 0);
    this->backend_.Break();
    this->backend_.Poll(Delta::Forever(), recorder);
  }
}

// By the number of descriptors that can be read: nothing is left behind.
TYPED_TEST(KqueueWake, APollThatWasBrokenLeavesNothing) {
  for (int i = 0; i < 100; ++i) {
    this->backend_.Break();
    for (int j = 0; j < i % 3; ++j) EXPECT_TRUE(this->TakeAll().empty());
    Recorder recorder;
    this->backend_.Poll(Delta::Forever(), recorder);
    pollfd watched{.fd = this->backend_.PollFd(), .events = POLLIN};
    EXPECT_EQ(::poll(&watched, 1, 0), 0);
  }
}

// Lets a test act before the pipe is read or written.
struct HookedSys : KqueueSys {
  static int Read(int fd, void* buffer, std::size_t size) {
    if (before_read) std::exchange(before_read, nullptr)();
    return KqueueSys::Read(fd, buffer, size);
  }
  static int Write(int fd, const void* data, std::size_t size) {
    if (before_write) std::exchange(before_write, nullptr)();
    return KqueueSys::Write(fd, data, size);
  }
  static inline std::function<void()> before_read;
  static inline std::function<void()> before_write;
};

class KqueueWaker : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(backend_.Init(), 0); }

  void Poll(Delta delta) {
    Recorder recorder;
    backend_.Poll(delta, recorder);
    EXPECT_TRUE(recorder.reports.empty());
  }
  bool IsPending() {
    pollfd watched{.fd = backend_.PollFd(), .events = POLLIN};
    return ::poll(&watched, 1, 0) == 1;
  }
  void BreakAndTake() {
    EXPECT_FALSE(IsPending());
    backend_.Break();
    ASSERT_TRUE(IsPending()) << "the break was lost, as all after it will be";
    Poll(Delta::Forever());
  }

  KqueueBackend<StdEnv, HookedSys, PipeWaker> backend_;
};

TEST_F(KqueueWaker, ABreakWhileThePipeIsEmptiedIsCovered) {
  backend_.Break();
  HookedSys::before_read = [this] { backend_.Break(); };
  Poll(Delta::Forever());
  BreakAndTake();
}

TEST_F(KqueueWaker, ABreakWhileAPassingPollHoldsTheWakeUpIsInIt) {
  backend_.Break();
  for (int i = 0; i < 3; ++i) {
    HookedSys::before_read = [this] { backend_.Break(); };
    HookedSys::before_write = [this] { backend_.Break(); };
    Poll(Delta::NonBlocking());
    EXPECT_TRUE(IsPending());
  }
  Poll(Delta::Forever());
  BreakAndTake();
}

TEST_F(KqueueWaker, APassingPollBesideAPassingPollFindsNothing) {
  backend_.Break();
  HookedSys::before_read = [this] { Poll(Delta::NonBlocking()); };
  HookedSys::before_write = [this] { Poll(Delta::NonBlocking()); };
  Poll(Delta::NonBlocking());
  EXPECT_TRUE(IsPending());
  Poll(Delta::Forever());
  BreakAndTake();
}

TEST_F(KqueueWaker, APassingPollBesideAPosterFindsNothing) {
  HookedSys::before_write = [this] { Poll(Delta::NonBlocking()); };
  BreakAndTake();
  BreakAndTake();
}

}  // namespace
}  // namespace netpoll::conformance
