// SPDX-License-Identifier: Apache-2.0
//
// Whoever holds what a handle and its operations share gives it back, on every
// way out: every object that is made by `new` is counted, and as many are there
// after a runtime as before it.

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace {

std::atomic<long> objects{0};
std::atomic<bool> no_memory{false};  // For who asks and takes no for an answer.

}  // namespace

void* operator new(std::size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  ++objects;
  return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  if (no_memory) return nullptr;
  void* const memory = std::malloc(size);
  if (memory != nullptr) ++objects;
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory != nullptr) --objects;
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  operator delete(memory);
}

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class StateMemoryTest : public testing::Test {
 protected:
  // `work(runtime)` is a Task<>. Twice: what the process makes once for all of
  // its life has been made then.
  template <class Work>
  void ExpectNothingKept(Work work) {
    long before = 0;
    for (int round = 0; round < 2; ++round) {
      before = objects;
      Runtime runtime;
      runtime.Spawn(work(runtime));
      EXPECT_TRUE(RunWatched(runtime).ok());
    }
    EXPECT_EQ(objects, before);
  }
};

// As a wait ends, so that the count is taken when the others have gone on.
Task<> WaitParked(Runtime& runtime, int count) {
  while (runtime.stats().parked < count) co_await runtime.Yield();
}

Task<> ReadUntilClosed(Socket& socket) {
  std::array<char, 8> room;
  while ((co_await socket.Read(room)).ok()) {
  }
}

TEST_F(StateMemoryTest, TheCountSeesWhatIsKept) {
  int* kept = nullptr;
  const long before = objects;
  kept = new int(1);
  EXPECT_EQ(objects, before + 1);
  delete kept;
  EXPECT_EQ(objects, before);
}

TEST_F(StateMemoryTest, OfWhoQueuesForADirectionThatIsClosed) {
  ExpectNothingKept([](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    std::vector<JoinHandle<void>> readers;
    for (int i = 0; i < 4; ++i) {
      readers.push_back(runtime.Spawn(ReadUntilClosed(ends.first)));
    }
    co_await WaitParked(runtime, 1);
    co_await runtime.Yield();
    EXPECT_TRUE((co_await ends.first.Close()).ok());
    for (auto& reader : readers) co_await std::move(reader);
  });
}

TEST_F(StateMemoryTest, OfWhatStopMeetsWhileItIsBeingClosed) {
  ExpectNothingKept([](Runtime& runtime) -> Task<> {
    auto ends = *Socket::Pair(runtime);
    auto reader = runtime.Spawn(ReadUntilClosed(ends.first));
    co_await WaitParked(runtime, 1);
    ends.first.CloseNow();  // The reader has not left yet.
    runtime.Stop();
    co_await std::move(reader);
  });
}

TEST_F(StateMemoryTest, OfWhatIsOpenedTooLate) {
  ExpectNothingKept([](Runtime& runtime) -> Task<> {
    runtime.Stop();
    EXPECT_FALSE(Socket::Pair(runtime).ok());
    EXPECT_FALSE(Descriptor::Pipe(runtime).ok());
    EXPECT_FALSE(DatagramSocket::Bind(runtime, Loopback()).ok());
    co_return;
  });
}

// And the poller has not got it either, or its end would say so.
TEST_F(StateMemoryTest, OfWhatThereIsNoMemoryFor) {
  ExpectNothingKept([](Runtime& runtime) -> Task<> {
    { const auto first = Socket::Pair(runtime); }  // The poller's slots.
    no_memory = true;
    const auto ends = Socket::Pair(runtime);
    no_memory = false;
    EXPECT_FALSE(ends.ok());
    co_return;
  });
}

// A queue of datagrams that is full: nothing tells when it is not.
struct FullQueue {
  explicit FullQueue(Runtime& runtime)
      : receiver(*DatagramSocket::Bind(runtime, Name("to"))),
        sender(*DatagramSocket::Bind(runtime, Name("from"))) {
    const SocketAddress& to = receiver.address();
    sender.WithFd([&](int fd) {
      while (::sendto(fd, "x", 1, 0, to.data(), to.size()) == 1) {
      }
    });
  }
  static SocketAddress Name(const std::string& what) {
    return Parse("unix:@netpoll-memory-" + what + std::to_string(::getpid()));
  }

  DatagramSocket receiver;
  DatagramSocket sender;
};

// A rest begins after some tries; the last of several ends by the deadline.
TEST_F(StateMemoryTest, OfARestThatTheDeadlineEnds) {
  ExpectNothingKept([](Runtime& runtime) -> Task<> {
    FullQueue queue(runtime);
    for (int i = 0; i < 3; ++i) {
      queue.sender.SetWriteDeadline(runtime.After(15ms));
      const IoResult put =
          co_await queue.sender.SendTo("y", queue.receiver.address());
      EXPECT_TRUE(put.status.timeout()) << put.status.ToString();
    }
  });
}

// And the timer goes with the operation, not when it is due.
TEST_F(StateMemoryTest, ARestThatTheDeadlineEndsLeavesNoTimer) {
  ExpectNothingKept([](Runtime& runtime) -> Task<> {
    FullQueue queue(runtime);
    queue.sender.SetWriteDeadline(runtime.After(60ms));
    const IoResult put =
        co_await queue.sender.SendTo("y", queue.receiver.address());
    EXPECT_TRUE(put.status.timeout()) << put.status.ToString();
    EXPECT_NE(runtime.DumpState().find("next sleep ends never"),
              std::string::npos)
        << runtime.DumpState();
  });
}

TEST_F(StateMemoryTest, OfARestThatIsOver) {
  ExpectNothingKept([](Runtime& runtime) -> Task<> {
    FullQueue queue(runtime);
    auto send = [](FullQueue& q) -> Task<> {
      const IoResult put = co_await q.sender.SendTo("y", q.receiver.address());
      EXPECT_TRUE(put.ok()) << put.status.ToString();
    };
    auto sending = runtime.Spawn(send(queue));
    co_await runtime.Sleep(20ms);
    std::array<char, 8> room;
    EXPECT_TRUE((co_await queue.receiver.ReceiveFrom(room)).ok());
    co_await std::move(sending);
  });
}

// --- Of two runtimes ---------------------------------------------------------

TEST_F(StateMemoryTest, OfAGuest) {
  ExpectNothingKept([](Runtime& home) -> Task<> {
    Runtime host;
    std::thread thread;
    {
      auto ends = *Socket::Pair(host);
      auto reader = home.Spawn(ReadUntilClosed(ends.first));
      while (host.stats().parked == 0) co_await home.Yield();
      thread = std::thread([&host] { EXPECT_TRUE(RunWatched(host).ok()); });
      ends.first.CloseNow();
      co_await std::move(reader);
    }
    thread.join();
  });
}

// Run has nothing to do there, and returns.
void Ended(Runtime& host) {
  std::thread([&host] { EXPECT_TRUE(RunWatched(host).ok()); }).join();
}

// Some of these find it out when they have the direction, some when their share
// is used up and they have not.
TEST_F(StateMemoryTest, OfAGuestThatIsNotLetIn) {
  ExpectNothingKept([](Runtime&) -> Task<> {
    Runtime host;
    Ended(host);
    auto ends = *Socket::Pair(host);
    std::array<char, 8> room;
    for (int i = 0; i < 300; ++i) {
      EXPECT_TRUE((co_await ends.first.Read(room)).status.closing());
    }
  });
}

// The direction is free again: a second one is not left in line for ever.
TEST_F(StateMemoryTest, AGuestThatIsNotLetInKeepsNoDirection) {
  ExpectNothingKept([](Runtime&) -> Task<> {
    Runtime host;
    Ended(host);
    auto ends = *Socket::Pair(host);
    EXPECT_TRUE((co_await ends.second.Write("x")).ok());
    std::array<char, 8> room;
    EXPECT_EQ((co_await ends.first.Read(room)).bytes, 1u);
    EXPECT_TRUE((co_await ends.first.Read(room)).status.closing());
    EXPECT_TRUE((co_await ends.second.Write("x")).ok());
    EXPECT_EQ((co_await ends.first.Read(room)).bytes, 1u);
  });
}

}  // namespace
}  // namespace netpoll
