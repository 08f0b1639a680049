// SPDX-License-Identifier: Apache-2.0
//
// Operations that are made, and awaited when their descriptor has ended or its
// handle is gone or elsewhere: descriptor.h. Nothing that was freed is touched
// (the address sanitizer sees it), and no other descriptor that has come to the
// same place.

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/datagram.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/listener.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"
#include "netpoll/runtime/worker.h"

namespace netpoll {
namespace {

class LateAwaitTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(LateAwaitTest);

enum class Way { kDestroyed, kClosed, kAssignedOver, kMovedAndDestroyed };
constexpr Way kWays[] = {Way::kDestroyed, Way::kClosed, Way::kAssignedOver,
                         Way::kMovedAndDestroyed};

template <class Handle>
void LetGo(std::optional<Handle>& handle, Way way) {
  switch (way) {
    case Way::kDestroyed:
      return handle.reset();
    case Way::kClosed:
      return handle->CloseNow();
    case Way::kAssignedOver:
      *handle = Handle();
      return;
    case Way::kMovedAndDestroyed:
      const Handle other = std::move(*handle);
      return;
  }
}

bool Closing(const IoStatus& status) { return status.closing(); }
template <class Result>
requires requires(const Result& result) { result.status.closing(); }
bool Closing(const Result& result) { return result.status.closing(); }
bool Closing(const absl::StatusOr<int>& result) {
  return absl::IsCancelled(result.status());
}

// Makes an operation, lets go of its handle, and awaits it: in time, and when
// the task's share is used up, so that it has to wait for its turn first.
template <class Handle, class Open, class Make>
Task<> AwaitLate(Open open, Make make) {
  for (const Way way : kWays) {
    for (const bool spent : {false, true}) {
      std::optional<Handle> handle(open());
      auto operation = make(*handle);
      LetGo(handle, way);
      if (spent) internal::this_worker->budget = 0;
      EXPECT_TRUE(Closing(co_await operation))
          << static_cast<int>(way) << (spent ? " spent" : "");
    }
  }
}

std::array<char, 16> room;

TEST_P(LateAwaitTest, WhatIsReadOrWrittenTooLateIsClosing) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    std::vector<Socket> peers;
    // There is something to read, and room to write.
    const auto open = [&]() -> Socket {
      auto ends = Socket::Pair(runtime);
      peers.push_back(std::move(ends->second));
      peers.back().WithFd([](int fd) { EXPECT_EQ(::write(fd, "x", 1), 1); });
      return std::move(ends->first);
    };
    iovec part{room.data(), room.size()};
    const std::span<iovec> parts(&part, 1);
    co_await AwaitLate<Socket>(open, [](Socket& s) { return s.Read(room); });
    co_await AwaitLate<Socket>(open, [](Socket& s) { return s.Write("x"); });
    co_await AwaitLate<Socket>(open, [](Socket& s) { return s.Write(""); });
    co_await AwaitLate<Socket>(open,
                               [parts](Socket& s) { return s.Readv(parts); });
    co_await AwaitLate<Socket>(open,
                               [parts](Socket& s) { return s.Writev(parts); });
    co_await AwaitLate<Socket>(open,
                               [](Socket& s) { return s.WaitReadable(); });
    co_await AwaitLate<Socket>(open,
                               [](Socket& s) { return s.WaitWritable(); });
    co_await AwaitLate<Socket>(open, [](Socket& s) { return s.Close(); });
    co_await AwaitLate<Socket>(open, [](Socket& s) { return s.Detach(); });
  });
}

TEST_P(LateAwaitTest, WhatIsReceivedSentOrAcceptedTooLateIsClosing) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    const SocketAddress any = *SocketAddress::Parse("127.0.0.1:0");
    const auto bind = [&] { return *DatagramSocket::Bind(runtime, any); };
    const auto listen = [&] { return *Listener::Listen(runtime, any); };
    const SocketAddress to = bind().address();
    co_await AwaitLate<DatagramSocket>(
        bind, [](DatagramSocket& s) { return s.ReceiveFrom(room); });
    co_await AwaitLate<DatagramSocket>(
        bind, [to](DatagramSocket& s) { return s.SendTo("x", to); });
    co_await AwaitLate<Listener>(listen,
                                 [](Listener& s) { return s.Accept(); });
  });
}

// What is opened next has the same slot, most often the same number, and its
// state the same memory.
TEST_P(LateAwaitTest, WhatComesToItsPlaceIsNotTouched) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (int round = 0; round < 20; ++round) {
      std::optional<Socket::Ends> first(*Socket::Pair(runtime));
      auto write = first->first.Write("not for you");
      auto read = first->second.Read(room);
      auto close = first->first.Close();
      first.reset();
      Socket::Ends second = *Socket::Pair(runtime);
      EXPECT_TRUE((co_await second.first.Write("to a")).ok());
      EXPECT_TRUE((co_await second.second.Write("to b")).ok());
      EXPECT_TRUE((co_await write).status.closing());
      EXPECT_TRUE((co_await read).status.closing());
      EXPECT_TRUE((co_await close).closing());
      for (Socket* const end : {&second.first, &second.second}) {
        const IoResult got = co_await end->Read(room);
        EXPECT_TRUE(got.ok());
        EXPECT_EQ(std::string(room.data(), got.bytes),
                  end == &second.first ? "to b" : "to a");
      }
    }
  });
}

TEST_P(LateAwaitTest, AnOperationFollowsADescriptorThatMoves) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    auto write = ends->first.Write("hello");
    auto read = ends->first.Read(room);
    auto close = ends->first.Close();
    Socket moved = std::move(ends->first);
    EXPECT_TRUE((co_await write).ok());
    IoResult got = co_await ends->second.Read(room);
    EXPECT_EQ(std::string(room.data(), got.bytes), "hello");
    EXPECT_TRUE((co_await ends->second.Write("back")).ok());
    got = co_await read;
    EXPECT_EQ(std::string(room.data(), got.bytes), "back");
    EXPECT_TRUE((co_await close).ok());
    EXPECT_TRUE((co_await moved.Close()).closing());
  });
}

// The handle goes; the descriptor stays for the operation that is under way,
// and the one that was not begun is not let in.
TEST_P(LateAwaitTest, WhileAnotherOperationLeaves) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    for (int round = 0; round < 20; ++round) {
      auto ends = Socket::Pair(runtime);
      auto handle = std::make_optional(std::move(ends->first));
      auto late = handle->Write("late");
      auto parked = runtime.Spawn([](Socket& from) -> Task<> {
        std::array<char, 4> buffer;
        EXPECT_TRUE((co_await from.Read(buffer)).status.closing());
      }(*handle));
      co_await runtime.Yield();
      co_await runtime.Sleep(std::chrono::microseconds(round * 20));
      handle->CloseNow();
      if (round % 2 == 0) co_await std::move(parked);
      handle.reset();
      EXPECT_TRUE((co_await late).status.closing());
      if (round % 2 != 0) co_await std::move(parked);
    }
  });
}

TEST_P(LateAwaitTest, AnEmptyHandleAnswersEbadf) {
  RunTest(threads(), [](Runtime&) -> Task<> {
    for (const bool spent : {false, true}) {
      const auto share = [spent] {
        if (spent) internal::this_worker->budget = 0;
      };
      Socket none;
      share();
      IoResult result = co_await none.Read(room);
      EXPECT_EQ(result.status.error_number(), EBADF);
      share();
      result = co_await none.Write("x");
      EXPECT_EQ(result.status.error_number(), EBADF);
      share();
      IoStatus status = co_await none.WaitReadable();
      EXPECT_EQ(status.error_number(), EBADF);
      share();
      status = co_await none.Close();
      EXPECT_EQ(status.error_number(), EBADF);
    }
  });
}

TEST_P(LateAwaitTest, AnOperationThatIsNeverAwaitedDoesNothing) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    {
      [[maybe_unused]] auto read = ends->first.Read(room);
      [[maybe_unused]] auto write = ends->first.Write("x");
      [[maybe_unused]] auto close = ends->first.Close();
      [[maybe_unused]] auto detach = ends->first.Detach();
    }
    EXPECT_TRUE((co_await ends->first.Write("y")).ok());
    ends->first.CloseNow();
    const IoResult got = co_await ends->second.Read(room);
    EXPECT_EQ(std::string(room.data(), got.bytes), "y");
  });
}

}  // namespace
}  // namespace netpoll
