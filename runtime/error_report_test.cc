// SPDX-License-Identifier: Apache-2.0
//
// An error that the system reports is no verdict on a descriptor: what counts
// is what the calls say. On every backend of this build.

#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using std::chrono::milliseconds;

class ErrorReportTest : public BackendsTest {};
NETPOLL_INSTANTIATE_BACKENDS(ErrorReportTest);

void SetOption(Descriptor& handle, int level, int option, int value) {
  handle.WithFd([&](int fd) {
    EXPECT_EQ(::setsockopt(fd, level, option, &value, sizeof(value)), 0);
  });
}

void ConnectTo(Descriptor& handle, const SocketAddress& address) {
  handle.WithFd([&](int fd) {
    EXPECT_EQ(::connect(fd, address.data(), address.size()), 0);
  });
}

// The software's times of what is sent, told by the error queue.
void AskForTransmitTimes(Descriptor& handle) {
  SetOption(handle, SOL_SOCKET, SO_TIMESTAMPING,
            SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
                SOF_TIMESTAMPING_OPT_ID);
}

// What the error queue holds, fetched by calls of its own.
int Fetch(Descriptor& handle) {
  int fetched = 0;
  handle.WithFd([&](int fd) {
    for (;;) {
      std::array<char, 512> control;
      std::array<char, 512> data;
      iovec part{data.data(), data.size()};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      if (::recvmsg(fd, &message, MSG_ERRQUEUE) < 0) break;
      ++fetched;
    }
  });
  return fetched;
}

Task<IoResult> ReadOnce(Descriptor& handle, std::string* got, bool* done) {
  std::array<char, 64> buffer;
  const IoResult result = co_await handle.Read(buffer);
  got->assign(buffer.data(), result.bytes);
  *done = true;
  co_return result;
}

Task<> WaitParked(Runtime& runtime, int count) {
  while (runtime.stats().parked < count) co_await runtime.Yield();
}

TEST_P(ErrorReportTest, ARefusedDatagramIsToldOnceAndTheSocketLives) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto gone = *DatagramSocket::Bind(runtime, Loopback());
    const SocketAddress address = gone.address();
    EXPECT_TRUE((co_await gone.Close()).ok());
    auto socket = *DatagramSocket::Bind(runtime, Loopback());
    ConnectTo(socket, address);
    for (int round = 0; round < 3; ++round) {
      std::string got;
      bool done = false;
      auto reading = runtime.Spawn(ReadOnce(socket, &got, &done));
      co_await WaitParked(runtime, 1);
      EXPECT_TRUE((co_await socket.Write("x")).ok());
      const IoResult refused = co_await std::move(reading);
      EXPECT_EQ(refused.status, IoStatus::FromErrno(ECONNREFUSED))
          << refused.status.ToString();
    }
    // The port lives now, with the same number.
    auto peer = *DatagramSocket::Bind(runtime, address);
    std::string got;
    bool done = false;
    auto reading = runtime.Spawn(ReadOnce(socket, &got, &done));
    EXPECT_TRUE((co_await peer.SendTo("alive", socket.address())).ok());
    EXPECT_TRUE((co_await std::move(reading)).ok());
    EXPECT_EQ(got, "alive");
  });
}

TEST_P(ErrorReportTest, TransmitTimesOfDatagramsLeaveAParkedReaderAlone) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto peer = *DatagramSocket::Bind(runtime, Loopback());
    auto socket = *DatagramSocket::Bind(runtime, Loopback());
    AskForTransmitTimes(socket);
    std::string got;
    bool done = false;
    auto reading = runtime.Spawn(ReadOnce(socket, &got, &done));
    co_await WaitParked(runtime, 1);
    constexpr int kMany = 40;
    for (int i = 0; i < kMany; ++i) {
      EXPECT_TRUE((co_await socket.SendTo("tick", peer.address())).ok());
      co_await runtime.Sleep(milliseconds(1));
      EXPECT_FALSE(done);
    }
    int fetched = 0;
    while (fetched < kMany) {
      fetched += Fetch(socket);
      co_await runtime.Yield();
    }
    EXPECT_EQ(fetched, kMany);
    EXPECT_FALSE(done);
    EXPECT_TRUE((co_await peer.SendTo("tock", socket.address())).ok());
    EXPECT_TRUE((co_await std::move(reading)).ok());
    EXPECT_EQ(got, "tock");
  });
}

// A stream whose peer does not read: nothing is ready but the error queue.
TEST_P(ErrorReportTest, TransmitTimesOfAFullStreamLeaveAParkedReaderAlone) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto listener = *Listener::Listen(runtime, Loopback());
    auto socket = *(co_await Socket::Connect(runtime, listener.address()));
    AcceptResult peer = co_await listener.Accept();
    std::string got;
    bool done = false;
    auto reading = runtime.Spawn(ReadOnce(socket, &got, &done));
    co_await WaitParked(runtime, 1);
    AskForTransmitTimes(socket);
    const std::string data(4096, 'x');
    for (bool full = false; !full;) {
      socket.SetWriteDeadline(runtime.After(milliseconds(20)));
      full = (co_await socket.Write(data)).status.timeout();
      EXPECT_FALSE(done);
    }
    EXPECT_GT(Fetch(socket), 0);
    // What goes out now is timed while there is no room to write.
    std::array<char, 16384> some;
    for (int i = 0; i < 8; ++i) {
      EXPECT_TRUE((co_await peer.socket.Read(some)).ok());
      co_await runtime.Sleep(milliseconds(1));
      EXPECT_FALSE(done);
    }
    EXPECT_FALSE(done);
    EXPECT_TRUE((co_await peer.socket.Write("news")).ok());
    const IoResult result = co_await std::move(reading);
    EXPECT_TRUE(result.ok()) << result.status.ToString();
    EXPECT_EQ(got, "news");
  });
}

std::atomic<int> reads{0};
ssize_t CountedRead(int fd, void* buffer, std::size_t size) {
  ++reads;
  return ::read(fd, buffer, size);
}

// The error stays on its queue, which a level would report for ever.
TEST_P(ErrorReportTest, AnErrorQueueThatNobodyReadsCostsNothing) {
  const internal::SysOverride restore;
  internal::sys.read = &CountedRead;
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto gone = *DatagramSocket::Bind(runtime, Loopback());
    const SocketAddress address = gone.address();
    EXPECT_TRUE((co_await gone.Close()).ok());
    auto socket = *DatagramSocket::Bind(runtime, Loopback());
    SetOption(socket, IPPROTO_IP, IP_RECVERR, 1);
    ConnectTo(socket, address);
    std::string got;
    bool done = false;
    EXPECT_TRUE((co_await socket.Write("x")).ok());
    const IoResult refused =
        co_await runtime.Spawn(ReadOnce(socket, &got, &done));
    EXPECT_EQ(refused.status, IoStatus::FromErrno(ECONNREFUSED));
    auto peer = *DatagramSocket::Bind(runtime, address);

    done = false;
    auto reading = runtime.Spawn(ReadOnce(socket, &got, &done));
    co_await WaitParked(runtime, 1);
    const std::uint64_t polls = runtime.stats().polls;
    const std::uint64_t runs = runtime.stats().task_runs;
    const int before = reads;
    co_await runtime.Sleep(milliseconds(400));
    EXPECT_FALSE(done) << "the reader was told what nobody asked";
    EXPECT_LT(runtime.stats().polls - polls, 60u);
    EXPECT_LT(runtime.stats().task_runs - runs, 60u);
    EXPECT_LT(reads - before, 30);
    EXPECT_TRUE((co_await peer.SendTo("alive", socket.address())).ok());
    EXPECT_TRUE((co_await std::move(reading)).ok());
    EXPECT_EQ(got, "alive");
  });
}

// Readiness may be said of an error, but not at full speed.
TEST_P(ErrorReportTest, AWaitForReadinessDoesNotSpinOnAnErrorThatStays) {
  RunOn(backend(), [](Runtime& runtime) -> Task<> {
    auto gone = *DatagramSocket::Bind(runtime, Loopback());
    auto socket = *DatagramSocket::Bind(runtime, Loopback());
    SetOption(socket, IPPROTO_IP, IP_RECVERR, 1);
    ConnectTo(socket, gone.address());
    EXPECT_TRUE((co_await gone.Close()).ok());
    EXPECT_TRUE((co_await socket.Write("x")).ok());
    EXPECT_TRUE((co_await socket.WaitReadable()).ok());
    std::array<char, 16> buffer;
    EXPECT_EQ((co_await socket.Read(buffer)).status,
              IoStatus::FromErrno(ECONNREFUSED));
    socket.SetReadDeadline(runtime.After(milliseconds(350)));
    const std::uint64_t polls = runtime.stats().polls;
    int ready = 0;
    IoStatus status;
    while ((status = co_await socket.WaitReadable()).ok()) ++ready;
    EXPECT_TRUE(status.timeout()) << status.ToString();
    EXPECT_LE(ready, 6);
    EXPECT_LT(runtime.stats().polls - polls, 80u);
  });
}

}  // namespace
}  // namespace netpoll
