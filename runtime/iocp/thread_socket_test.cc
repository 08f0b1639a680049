// SPDX-License-Identifier: Apache-2.0
//
// TCP through the IOCP backend, in threads that block: accept, connect, read
// and write, with deadlines and a close that ends them.
#include "netpoll/runtime/iocp/thread_socket.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/iocp/thread_driver.h"

namespace netpoll::windows {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using TheDriver = Driver<>;
using TheSocket = Socket<TheDriver>;

class IocpSocket : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(driver_.Start(), 0);
    ASSERT_EQ(Listen(listener_, Loopback(0)), 0);
  }
  void TearDown() override { listener_.Close(); }

  sockaddr_in address() const { return Loopback(PortOf(listener_.fd())); }

  // Connects the two.
  void Connect(TheSocket& client, TheSocket& server) {
    ASSERT_EQ(client.Open(NewTcpSocket()), 0);
    std::thread accepting([&] { EXPECT_TRUE(listener_.Accept(server).ok()); });
    EXPECT_TRUE(client.Connect(address()).ok());
    accepting.join();
  }

  // Until a thread is parked in the poller.
  void UntilParked(int count = 1) {
    while (driver_.poller().waiters() < count) std::this_thread::yield();
  }
  // Until nobody is counted as parked: whoever wakes a task lowers the count
  // after it, so the woken thread may well be first.
  void UntilNoneIsParked() {
    while (driver_.poller().waiters() != 0) std::this_thread::yield();
  }

  Winsock winsock_;
  TheDriver driver_;
  TheSocket listener_{driver_};
};

TEST_F(IocpSocket, BytesGoBothWays) {
  TheSocket client(driver_), server(driver_);
  Connect(client, server);
  char buffer[16];
  EXPECT_EQ(client.Write("hello", 5).bytes, 5u);
  EXPECT_EQ(server.Read(buffer, sizeof(buffer)).bytes, 5u);
  EXPECT_EQ(std::string(buffer, 5), "hello");
  EXPECT_EQ(server.Write("you", 3).bytes, 3u);
  EXPECT_EQ(client.Read(buffer, sizeof(buffer)).bytes, 3u);
  client.Close();
  const IoResult end = server.Read(buffer, sizeof(buffer));
  EXPECT_TRUE(end.ok());
  EXPECT_EQ(end.bytes, 0u);
  server.Close();
}

TEST_F(IocpSocket, AReaderIsWokenByBytes) {
  TheSocket client(driver_), server(driver_);
  Connect(client, server);
  IoResult result;
  char byte;
  std::thread reader([&] { result = server.Read(&byte, 1); });
  UntilParked();
  EXPECT_TRUE(client.Write("x", 1).ok());
  reader.join();
  EXPECT_EQ(result.bytes, 1u);
  client.Close();
  server.Close();
}

TEST_F(IocpSocket, ADeadlineEndsAReadAndIsNeverEarly) {
  TheSocket client(driver_), server(driver_);
  Connect(client, server);
  char byte;
  for (const int limit : {1, 5, 20}) {
    const auto start = steady_clock::now();
    server.SetDeadlineAfter(Mode::kRead, milliseconds(limit));
    EXPECT_EQ(server.Read(&byte, 1).status.poll_error(), PollError::kTimeout);
    EXPECT_GE(steady_clock::now() - start, milliseconds(limit));
    // Sticky, and no call is begun.
    EXPECT_EQ(server.Read(&byte, 1).status.poll_error(), PollError::kTimeout);
  }
  // Without one it reads on, and nothing was lost.
  server.SetDeadline(Mode::kRead, Deadline::None());
  EXPECT_TRUE(client.Write("x", 1).ok());
  EXPECT_EQ(server.Read(&byte, 1).bytes, 1u);
  client.Close();
  server.Close();
}

TEST_F(IocpSocket, ADeadlineInThePastEndsAReadUnderWay) {
  TheSocket client(driver_), server(driver_);
  Connect(client, server);
  IoResult result;
  char byte;
  std::thread reader([&] { result = server.Read(&byte, 1); });
  UntilParked();
  server.SetDeadline(Mode::kRead, Deadline::Past());
  reader.join();
  EXPECT_EQ(result.status.poll_error(), PollError::kTimeout);
  client.Close();
  server.Close();
}

TEST_F(IocpSocket, ADeadlineEndsAWrite) {
  TheSocket client(driver_), server(driver_);
  Connect(client, server);
  const std::vector<char> much(std::size_t{64} << 20);
  server.SetDeadlineAfter(Mode::kWrite, milliseconds(20));
  const IoResult result = server.Write(much.data(), much.size());
  EXPECT_EQ(result.status.poll_error(), PollError::kTimeout);
  EXPECT_LT(result.bytes, much.size());
  client.Close();
  server.Close();
}

TEST_F(IocpSocket, ADeadlineEndsAnAccept) {
  TheSocket connection(driver_);
  listener_.SetDeadlineAfter(Mode::kRead, milliseconds(10));
  EXPECT_EQ(listener_.Accept(connection).status.poll_error(),
            PollError::kTimeout);
  listener_.SetDeadline(Mode::kRead, Deadline::None());
  // And another begins.
  TheSocket client(driver_);
  Connect(client, connection);
  client.Close();
  connection.Close();
}

// Close cancels, and returns when nothing is under way any more.
TEST_F(IocpSocket, CloseEndsCallsUnderWayInBothDirections) {
  TheSocket client(driver_), server(driver_);
  Connect(client, server);
  const std::vector<char> much(std::size_t{64} << 20);
  IoResult read, written;
  char byte;
  std::thread reader([&] { read = server.Read(&byte, 1); });
  std::thread writer([&] { written = server.Write(much.data(), much.size()); });
  UntilParked(2);
  EXPECT_TRUE(server.Close());
  reader.join();
  writer.join();
  EXPECT_EQ(read.status.poll_error(), PollError::kClosing);
  EXPECT_EQ(written.status.poll_error(), PollError::kClosing);
  EXPECT_EQ(server.Read(&byte, 1).status.poll_error(), PollError::kClosing);
  EXPECT_FALSE(server.Close());
  UntilNoneIsParked();
  client.Close();
}

TEST_F(IocpSocket, CloseEndsAnAccept) {
  TheSocket connection(driver_);
  IoResult result;
  std::thread accepting([&] { result = listener_.Accept(connection); });
  UntilParked();
  listener_.Close();
  accepting.join();
  EXPECT_EQ(result.status.poll_error(), PollError::kClosing);
}

// Decision of who comes first: what arrived is not thrown away.
TEST_F(IocpSocket, NoByteIsLostBetweenDeadlinesAndArrivals) {
  TheSocket client(driver_), server(driver_);
  Connect(client, server);
  constexpr int kBytes = 300;
  std::thread writer([&] {
    for (int i = 0; i < kBytes; ++i) {
      const char byte = static_cast<char>(i);
      EXPECT_EQ(client.Write(&byte, 1).bytes, 1u);
      if (i % 3 == 0) std::this_thread::yield();
    }
  });
  int got = 0;
  while (got < kBytes) {
    char byte;
    // Tight enough to fall together with an arrival now and then.
    server.SetDeadlineAfter(Mode::kRead, std::chrono::microseconds(50));
    const IoResult result = server.Read(&byte, 1);
    if (result.status.poll_error() == PollError::kTimeout) continue;
    ASSERT_TRUE(result.ok());
    ASSERT_EQ(result.bytes, 1u);
    ASSERT_EQ(byte, static_cast<char>(got));
    ++got;
  }
  writer.join();
  client.Close();
  server.Close();
}

TEST_F(IocpSocket, AResetIsAnErrorOfTheReader) {
  TheSocket client(driver_), server(driver_);
  Connect(client, server);
  IoResult result;
  char byte;
  std::thread reader([&] { result = server.Read(&byte, 1); });
  UntilParked();
  const linger at_once{1, 0};
  ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER,
               reinterpret_cast<const char*>(&at_once), sizeof(at_once));
  client.Close();
  reader.join();
  EXPECT_EQ(result.status.error_number(), ECONNRESET);
  server.Close();
}

TEST_F(IocpSocket, ConnectIsRefusedWhereNobodyListens) {
  // A port that was free a moment ago.
  const SOCKET unused = NewTcpSocket();
  const sockaddr_in any = Loopback(0);
  ASSERT_EQ(
      ::bind(unused, reinterpret_cast<const sockaddr*>(&any), sizeof(any)), 0);
  const std::uint16_t port = PortOf(unused);
  ::closesocket(unused);
  TheSocket client(driver_);
  ASSERT_EQ(client.Open(NewTcpSocket()), 0);
  EXPECT_EQ(client.Connect(Loopback(port)).status.error_number(), ECONNREFUSED);
  client.Close();
}

// Several threads read from one socket: each byte goes to one of them.
TEST_F(IocpSocket, ReadersOfOneSocketTakeTurns) {
  TheSocket client(driver_), server(driver_);
  Connect(client, server);
  constexpr int kReaders = 4;
  constexpr int kBytes = 100;
  std::atomic<int> got = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      char byte;
      while (server.Read(&byte, 1).bytes == 1) ++got;
    });
  }
  const char byte = 0;
  for (int i = 0; i < kBytes; ++i) EXPECT_EQ(client.Write(&byte, 1).bytes, 1u);
  client.Close();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(got, kBytes);
  server.Close();
}

TEST_F(IocpSocket, ManyConnectionsEchoAtOnce) {
  constexpr int kConnections = 16;
  constexpr int kRounds = 20;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    std::vector<std::thread> sessions;
    for (int i = 0; i < kConnections; ++i) {
      auto connection = std::make_shared<TheSocket>(driver_);
      ASSERT_TRUE(listener_.Accept(*connection).ok());
      sessions.emplace_back([connection] {
        char buffer[256];
        for (;;) {
          const IoResult got = connection->Read(buffer, sizeof(buffer));
          if (!got.ok() || got.bytes == 0) break;
          EXPECT_TRUE(connection->Write(buffer, got.bytes).ok());
        }
        connection->Close();
      });
    }
    for (std::thread& session : sessions) session.join();
  });
  for (int i = 0; i < kConnections; ++i) {
    threads.emplace_back([&, i] {
      TheSocket client(driver_);
      ASSERT_EQ(client.Open(NewTcpSocket()), 0);
      ASSERT_TRUE(client.Connect(address()).ok());
      const std::string text(100, static_cast<char>('a' + i));
      for (int round = 0; round < kRounds; ++round) {
        EXPECT_TRUE(client.Write(text.data(), text.size()).ok());
        std::string echo;
        char buffer[256];
        while (echo.size() < text.size()) {
          const IoResult got = client.Read(buffer, sizeof(buffer));
          ASSERT_GT(got.bytes, 0u);
          echo.append(buffer, got.bytes);
        }
        EXPECT_EQ(echo, text);
      }
      client.Close();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Closing and expiring while calls are under way, over and over.
TEST_F(IocpSocket, ClosesAndDeadlinesComeAtAnyMoment) {
  for (int i = 0; i < 60; ++i) {
    TheSocket client(driver_), server(driver_);
    Connect(client, server);
    char byte;
    IoResult result;
    std::thread reader([&] { result = server.Read(&byte, 1); });
    std::thread expiring([&] {
      if (i % 3 != 0) server.SetDeadline(Mode::kReadWrite, Deadline::Past());
    });
    if (i % 2 == 0) {
      EXPECT_TRUE(client.Write("x", 1).ok());
    }
    server.Close();
    reader.join();
    expiring.join();
    EXPECT_EQ(result.status.error_number(), 0);
    EXPECT_TRUE(result.bytes == 1 ||
                result.status.poll_error() != PollError::kNone);
    client.Close();
  }
  UntilNoneIsParked();
}

}  // namespace
}  // namespace netpoll::windows
