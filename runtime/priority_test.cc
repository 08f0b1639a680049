// SPDX-License-Identifier: Apache-2.0
//
// Waiting for priority data: urgent bytes, mounts, pressure.

#include "netpoll/runtime/priority.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class PriorityTest : public BackendsTest {};
NETPOLL_INSTANTIATE_BACKENDS(PriorityTest);

TEST_P(PriorityTest, UrgentDataIsNewsAndOtherDataIsNot) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto listener = *Listener::Listen(runtime, Loopback());
    auto client = *co_await Socket::Connect(runtime, listener.address());
    AcceptResult accepted = co_await listener.Accept();
    auto watch = PriorityWatch::Watch(runtime, accepted.socket.fd());
    EXPECT_TRUE(watch.ok()) << watch.status();
    EXPECT_TRUE((co_await client.Write("plain")).ok());
    watch->SetDeadline(runtime.After(5ms));
    EXPECT_TRUE((co_await watch->Wait()).timeout());
    watch->SetDeadline(Deadline::None());
    for (int round = 0; round < 3; ++round) {
      // Both before a wait and into one.
      auto wait = [&]() -> Task<> {
        EXPECT_TRUE((co_await watch->Wait()).ok());
      };
      if (round % 2 == 0) {
        EXPECT_EQ(::send(client.fd(), "!", 1, MSG_OOB), 1);
        co_await wait();
      } else {
        JoinHandle<void> waiter = runtime.Spawn(wait());
        co_await runtime.Yield();
        EXPECT_EQ(::send(client.fd(), "!", 1, MSG_OOB), 1);
        co_await std::move(waiter);
      }
      char urgent;
      EXPECT_EQ(::recv(accepted.socket.fd(), &urgent, 1, MSG_OOB), 1);
      watch->SetDeadline(runtime.After(5ms));
      EXPECT_TRUE((co_await watch->Wait()).timeout());
      watch->SetDeadline(Deadline::None());
    }
    auto wait = [&]() -> Task<> {
      EXPECT_TRUE((co_await watch->Wait()).closing());
    };
    JoinHandle<void> waiter = runtime.Spawn(wait());
    co_await runtime.Yield();
    EXPECT_TRUE((co_await watch->Close()).ok());
    co_await std::move(waiter);
  });
}

// A table of mounts of this thread's own.
TEST_P(PriorityTest, AChangedTableOfMountsIsNews) {
  if (::unshare(CLONE_NEWNS | CLONE_FS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    GTEST_SKIP() << "no mounts of its own: errno " << errno;
  }
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    const int mounts = ::open("/proc/thread-self/mounts", O_RDONLY | O_CLOEXEC);
    auto watch = PriorityWatch::Watch(runtime, mounts);
    EXPECT_TRUE(watch.ok()) << watch.status();
    const char* const place = std::getenv("TEST_TMPDIR");
    const char* const where = place != nullptr ? place : "/tmp";
    auto wait = [&]() -> Task<> { EXPECT_TRUE((co_await watch->Wait()).ok()); };
    for (int round = 0; round < 3; ++round) {
      JoinHandle<void> waiter = runtime.Spawn(wait());
      co_await runtime.Yield();
      EXPECT_EQ(::mount("none", where, "tmpfs", 0, nullptr), 0) << errno;
      co_await std::move(waiter);
      EXPECT_EQ(::umount(where), 0) << errno;
      EXPECT_TRUE((co_await watch->Wait()).ok()) << "before the wait";
    }
    // None is that a wait was ended; and there is none that was told.
    CancelSource source;
    source.Cancel();
    EXPECT_TRUE((co_await WithCancel(source, watch->Wait())).cancelled());
    for (int round = 0; round < 3; ++round) {
      const IoStatus ended = co_await WithTimeout(1ms, watch->Wait());
      EXPECT_TRUE(ended.timeout()) << ended.ToString();
    }
    co_await watch->Close();
    ::close(mounts);
  });
}

TEST_P(PriorityTest, PressureIsNews) {
  const int fd = ::open("/proc/pressure/cpu", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  const std::string trigger = "some 1 2000000";
  if (fd < 0 || ::write(fd, trigger.c_str(), trigger.size() + 1) < 0) {
    if (fd >= 0) ::close(fd);
    GTEST_SKIP() << "no pressure to be had: errno " << errno;
  }
  RunOn(backend(), [fd](Runtime& runtime) -> Task<> {
    auto watch = PriorityWatch::Watch(runtime, fd);
    EXPECT_TRUE(watch.ok()) << watch.status();
    // More to run than there are processors.
    std::vector<std::thread> threads;
    bool stop = false;
    for (unsigned i = 0; i <= 2 * std::thread::hardware_concurrency(); ++i) {
      threads.emplace_back([&] {
        while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        }
      });
    }
    EXPECT_TRUE((co_await watch->Wait()).ok());
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (std::thread& thread : threads) thread.join();
    co_await watch->Close();
  });
  ::close(fd);
}

TEST(Priority, WhatHasNoEventsIsRefused) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    const auto none = PriorityWatch::Watch(runtime, file);
    EXPECT_TRUE(absl::StrContains(none.status().message(), "(EPERM)"))
        << none.status();
    ::close(file);
    const auto closed = PriorityWatch::Watch(runtime, -1);
    ExpectSays(closed.status(), "descriptor -1 can't be watched: EBADF");
    co_return;
  });
}

}  // namespace
}  // namespace netpoll
