// SPDX-License-Identifier: Apache-2.0
//
// A message is one system call, whatever its size; what interrupts the call is
// passed over, and a peer that has gone raises no signal.

#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
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

using namespace std::chrono_literals;
using internal::sys;

int interruptions = 0;  // So many calls are interrupted.
bool Interrupted() {
  if (interruptions == 0) return false;
  --interruptions;
  errno = EINTR;
  return true;
}

std::vector<std::size_t> sizes;  // What send was asked to send.

class MessageCallTest : public testing::Test {
 protected:
  MessageCallTest() {
    interruptions = 0;
    sizes.clear();
  }
  ~MessageCallTest() override {
    EXPECT_EQ(interruptions, 0) << "no such call was made";
  }

 private:
  const internal::SysOverride restore_;
};

struct Ends {
  DatagramSocket first;
  DatagramSocket second;
};
Ends Pair(Runtime& runtime, int type) {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
            0);
  return {*DatagramSocket::Adopt(runtime, fds[0]),
          *DatagramSocket::Adopt(runtime, fds[1])};
}

TEST_F(MessageCallTest, OfAnySizeItIsNotCut) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    Ends ends = Pair(runtime, SOCK_SEQPACKET);
    sys.send = [](int, const void*, std::size_t size, int) {
      sizes.push_back(size);
      return static_cast<ssize_t>(size);
    };
    const std::string data(1 << 20, 'x');
    const IoResult put = co_await ends.first.Write(data);
    EXPECT_TRUE(put.ok());
    EXPECT_EQ(put.bytes, data.size());
    EXPECT_EQ(sizes, (std::vector<std::size_t>{data.size()}));
  });
}

// Were only a part taken, the rest would be another message.
TEST_F(MessageCallTest, OfWhichAPartWasTakenItIsNotGoneOnWith) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    Ends ends = Pair(runtime, SOCK_SEQPACKET);
    sys.send = [](int, const void*, std::size_t size, int) {
      sizes.push_back(size);
      return static_cast<ssize_t>(size / 2);
    };
    EXPECT_EQ((co_await ends.first.Write("abcd")).bytes, 2u);
    EXPECT_EQ(sizes, (std::vector<std::size_t>{4}));
  });
}

TEST_F(MessageCallTest, AConnectedSocketWithoutANameSendsEmptyOnes) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    auto receiver = *DatagramSocket::Bind(runtime, Loopback());
    auto sender =
        *DatagramSocket::Connect(runtime, receiver.address(), SocketAddress());
    EXPECT_TRUE((co_await sender.Write("")).ok());
    receiver.SetReadDeadline(runtime.After(10s));
    std::array<char, 8> room;
    const DatagramResult got = co_await receiver.ReceiveFrom(room);
    EXPECT_TRUE(got.ok()) << got.status.ToString();
    EXPECT_EQ(got.bytes, 0u);
  });
}

// --- Reading -----------------------------------------------------------------

TEST_F(MessageCallTest, RoomOfOneByteCutsAMessage) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    Ends ends = Pair(runtime, SOCK_DGRAM);
    EXPECT_TRUE((co_await ends.first.Write("ab")).ok());
    char byte = 0;
    const std::array<iovec, 2> parts{iovec{nullptr, 0}, iovec{&byte, 1}};
    const IoResult got = co_await ends.second.Readv(parts);
    EXPECT_EQ(got.status, IoStatus::FromErrno(EMSGSIZE));
    EXPECT_EQ(got.bytes, 1u);
    EXPECT_EQ(byte, 'a');
  });
}

TEST_F(MessageCallTest, MorePartsThanACallTakesAreNoError) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    Ends ends = Pair(runtime, SOCK_DGRAM);
    EXPECT_TRUE((co_await ends.first.Write("abc")).ok());
    std::vector<char> room(IOV_MAX + 1);
    std::vector<iovec> parts;
    for (char& byte : room) parts.push_back({&byte, 1});
    const IoResult got = co_await ends.second.Readv(parts);
    EXPECT_TRUE(got.ok()) << got.status.ToString();
    EXPECT_EQ(std::string(room.data(), got.bytes), "abc");
  });
}

// What had no room was cut; that nothing is left is no end before it.
TEST_F(MessageCallTest, ACutMessageIsNoEnd) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    Ends ends = Pair(runtime, SOCK_SEQPACKET);
    EXPECT_TRUE((co_await ends.first.Write("abc")).ok());
    EXPECT_TRUE((co_await ends.first.Close()).ok());
    const DatagramResult got = co_await ends.second.ReceiveFrom({});
    EXPECT_TRUE(got.ok()) << got.status.ToString();
    EXPECT_TRUE(got.truncated);
    EXPECT_FALSE(got.end);
    std::array<char, 8> room;
    EXPECT_TRUE((co_await ends.second.ReceiveFrom(room)).end);
  });
}

// --- Interruptions -----------------------------------------------------------

ssize_t InterruptedReceive(int fd, msghdr* message, int flags) {
  return Interrupted() ? -1 : ::recvmsg(fd, message, flags);
}
// Each says that it wants no signal, where one would be raised.
ssize_t InterruptedSend(int fd, const msghdr* message, int flags) {
  EXPECT_EQ(flags, MSG_NOSIGNAL);
  return Interrupted() ? -1 : ::sendmsg(fd, message, flags);
}
ssize_t InterruptedSendTo(int fd, const void* data, std::size_t size, int flags,
                          const sockaddr* to, socklen_t to_size) {
  EXPECT_EQ(flags, MSG_NOSIGNAL);
  return Interrupted() ? -1 : ::sendto(fd, data, size, flags, to, to_size);
}

// `operate(ends)` is a Task<IoStatus>; a message waits at `second`.
void ExpectPassedOver(Task<IoStatus> (*operate)(Ends&)) {
  RunTest(1, [operate](Runtime& runtime) -> Task<> {
    Ends ends = Pair(runtime, SOCK_SEQPACKET);
    EXPECT_TRUE((co_await ends.first.Write("x")).ok());
    interruptions = 3;
    const IoStatus status = co_await operate(ends);
    EXPECT_TRUE(status.ok()) << status.ToString();
  });
}

TEST_F(MessageCallTest, AReadIsInterrupted) {
  sys.recvmsg = &InterruptedReceive;
  ExpectPassedOver([](Ends& ends) -> Task<IoStatus> {
    std::array<char, 8> room;
    co_return (co_await ends.second.Read(room)).status;
  });
  ExpectPassedOver([](Ends& ends) -> Task<IoStatus> {
    std::array<char, 8> room;
    co_return (co_await ends.second.ReceiveFrom(room)).status;
  });
}

TEST_F(MessageCallTest, AWriteIsInterrupted) {
  sys.sendmsg = &InterruptedSend;
  sys.sendto = &InterruptedSendTo;
  ExpectPassedOver([](Ends& ends) -> Task<IoStatus> {
    char text[] = "xy";
    std::array<iovec, 1> parts{iovec{text, 2}};
    co_return (co_await ends.first.Writev(parts)).status;
  });
  ExpectPassedOver([](Ends& ends) -> Task<IoStatus> {
    co_return (co_await ends.first.SendTo("y", SocketAddress())).status;
  });
}

// --- A peer that has gone ----------------------------------------------------

TEST_F(MessageCallTest, NoWriteRaisesASignal) {
  RunTest(1, [](Runtime& runtime) -> Task<> {
    Ends ends = Pair(runtime, SOCK_SEQPACKET);
    EXPECT_TRUE((co_await ends.second.Close()).ok());
    const IoStatus gone = IoStatus::FromErrno(EPIPE);
    EXPECT_EQ((co_await ends.first.Write("x")).status, gone);
    EXPECT_EQ((co_await ends.first.Write("")).status, gone);
    char text[] = "xy";
    std::array<iovec, 1> parts{iovec{text, 2}};
    EXPECT_EQ((co_await ends.first.Writev(parts)).status, gone);
    EXPECT_EQ((co_await ends.first.SendTo("y", SocketAddress())).status, gone);
  });
}

}  // namespace
}  // namespace netpoll
