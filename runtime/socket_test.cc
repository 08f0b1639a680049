// SPDX-License-Identifier: Apache-2.0
//
// Sockets and pipes: what moves, and how it ends.

#include "netpoll/runtime/socket.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

using namespace std::chrono_literals;

class SocketTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(SocketTest);

Task<> EchoUntilEnd(Socket socket) {
  std::array<char, 4096> buffer;
  for (;;) {
    const IoResult got = co_await socket.Read(buffer);
    if (!got.ok() || got.bytes == 0) co_return;
    const IoResult put = co_await socket.Write({buffer.data(), got.bytes});
    if (!put.ok()) co_return;
  }
}

Task<> EchoServer(Runtime& runtime, Listener& listener) {
  for (;;) {
    AcceptResult accepted = co_await listener.Accept();
    if (!accepted.ok()) co_return;
    runtime.Spawn(EchoUntilEnd(std::move(accepted.socket)));
  }
}

Task<std::string> ReadExactly(Socket& socket, std::size_t size) {
  std::string all;
  std::array<char, 4096> buffer;
  while (all.size() < size) {
    const IoResult got = co_await socket.Read(
        std::span(buffer).first(std::min(buffer.size(), size - all.size())));
    if (!got.ok() || got.bytes == 0) break;
    all.append(buffer.data(), got.bytes);
  }
  co_return all;
}

Task<> PingPong(Runtime& runtime, SocketAddress address, int rounds,
                int* completed) {
  auto socket = co_await Socket::Connect(runtime, address);
  EXPECT_TRUE(socket.ok()) << socket.status();
  if (!socket.ok()) co_return;
  for (int i = 0; i < rounds; ++i) {
    const std::string message = "message " + std::to_string(i);
    EXPECT_TRUE((co_await socket->Write(message)).ok());
    EXPECT_EQ(co_await ReadExactly(*socket, message.size()), message);
  }
  *completed += 1;
}

void EchoOver(int threads, const SocketAddress& where) {
  RunTest(threads, [&](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, where);
    EXPECT_TRUE(listener.ok()) << listener.status();
    JoinHandle<void> server = runtime.Spawn(EchoServer(runtime, *listener));
    std::array<int, 20> completed{};
    std::vector<JoinHandle<void>> clients;
    for (int& one : completed) {
      clients.push_back(
          runtime.Spawn(PingPong(runtime, listener->address(), 50, &one)));
    }
    for (auto& client : clients) co_await std::move(client);
    for (const int one : completed) EXPECT_EQ(one, 1);
    EXPECT_TRUE((co_await listener->Close()).ok());
    co_await std::move(server);
  });
}

TEST_P(SocketTest, EchoOverTcp) { EchoOver(threads(), Loopback()); }
TEST_P(SocketTest, EchoOverTcp6) {
  EchoOver(threads(), *SocketAddress::Parse("[::1]:0"));
}
TEST_P(SocketTest, EchoOverUnix) {
  // Not under the test's own folder: such a path may be too long.
  char folder[] = "/tmp/netpollXXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/socket";
  EchoOver(threads(), *SocketAddress::Parse("unix:" + path));
  EXPECT_NE(::access(path.c_str(), F_OK), 0) << "the file was left behind";
  ::rmdir(folder);
}
TEST_P(SocketTest, EchoOverAbstractUnix) {
  // Process numbers may repeat in sandboxes that share the name space.
  EchoOver(threads(),
           *SocketAddress::Parse("unix:@netpoll-" +
                                 std::to_string(std::random_device()())));
}

// More than the buffers hold, both ways at once: writers park and go on.
TEST_P(SocketTest, LargeTransfersBothWaysArriveWhole) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    const std::string data(8 << 20, 'x');
    auto write = [](Socket& socket, const std::string& all) -> Task<> {
      const IoResult put = co_await socket.Write(all);
      EXPECT_TRUE(put.ok());
      EXPECT_EQ(put.bytes, all.size());
    };
    auto read = [](Socket& socket, std::size_t size) -> Task<> {
      EXPECT_EQ((co_await ReadExactly(socket, size)).size(), size);
    };
    std::vector<JoinHandle<void>> all;
    all.push_back(runtime.Spawn(write(ends->first, data)));
    all.push_back(runtime.Spawn(write(ends->second, data)));
    all.push_back(runtime.Spawn(read(ends->first, data.size())));
    all.push_back(runtime.Spawn(read(ends->second, data.size())));
    for (auto& one : all) co_await std::move(one);
  });
}

TEST_P(SocketTest, VectoredWritesAndReadsKeepTheOrder) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    std::string big(1 << 20, 'b');
    std::string a = "aa", empty, c = "ccc";
    auto write = [&]() -> Task<> {
      std::array<iovec, 4> parts{{{a.data(), a.size()},
                                  {empty.data(), 0},
                                  {big.data(), big.size()},
                                  {c.data(), c.size()}}};
      const IoResult put = co_await ends->first.Writev(parts);
      EXPECT_TRUE(put.ok());
      EXPECT_EQ(put.bytes, 5 + big.size());
    };
    JoinHandle<void> writer = runtime.Spawn(write());
    char one[1], two[1];
    const std::array<iovec, 2> into{{{one, 1}, {two, 1}}};
    const IoResult got = co_await ends->second.Readv(into);
    EXPECT_EQ(got.bytes, 2u);
    EXPECT_EQ(one[0], 'a');
    const std::string rest = co_await ReadExactly(ends->second, 3 + big.size());
    EXPECT_EQ(rest, big + "ccc");
    co_await std::move(writer);
  });
}

TEST_P(SocketTest, TheEndOfTheStreamComesAfterTheData) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    EXPECT_TRUE((co_await ends->first.Write("last")).ok());
    EXPECT_TRUE(ends->first.ShutdownWrite().ok());
    EXPECT_EQ(co_await ReadExactly(ends->second, 4), "last");
    std::array<char, 8> buffer;
    IoResult got = co_await ends->second.Read(buffer);
    EXPECT_TRUE(got.ok());
    EXPECT_EQ(got.bytes, 0u);
    // The other direction still works.
    EXPECT_TRUE((co_await ends->second.Write("back")).ok());
    EXPECT_EQ(co_await ReadExactly(ends->first, 4), "back");
  });
}

TEST_P(SocketTest, AParkedReaderSeesThePeersClose) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    auto read = [](Socket& socket) -> Task<std::size_t> {
      std::array<char, 8> buffer;
      const IoResult got = co_await socket.Read(buffer);
      EXPECT_TRUE(got.ok());
      co_return got.bytes;
    };
    JoinHandle<std::size_t> reader = runtime.Spawn(read(ends->second));
    co_await runtime.Yield();
    co_await ends->first.Close();
    EXPECT_EQ(co_await std::move(reader), 0u);
  });
}

TEST_P(SocketTest, WritingToAClosedPeerIsEpipeAndNoSignal) {
  // The default action of SIGPIPE would end this process.
  ::signal(SIGPIPE, SIG_DFL);
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    co_await ends->first.Close();
    const IoResult put = co_await ends->second.Write("x");
    EXPECT_EQ(put.status.error_number(), EPIPE);
    auto pipe = Descriptor::Pipe(runtime);
    co_await pipe->read.Close();
    const IoResult into_pipe = co_await pipe->write.Write("x");
    EXPECT_EQ(into_pipe.status.error_number(), EPIPE);
  });
}

TEST_P(SocketTest, PipesCarryDataAndTheirEnd) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto pipe = Descriptor::Pipe(runtime);
    EXPECT_TRUE(pipe.ok());
    EXPECT_TRUE((co_await pipe->write.Write("through")).ok());
    std::array<char, 16> buffer;
    EXPECT_EQ((co_await pipe->read.Read(buffer)).bytes, 7u);
    co_await pipe->write.Close();
    const IoResult end = co_await pipe->read.Read(buffer);
    EXPECT_TRUE(end.ok());
    EXPECT_EQ(end.bytes, 0u);
  });
}

TEST_P(SocketTest, DatagramsKeepTheirBordersAndSenders) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto a = DatagramSocket::Bind(runtime, Loopback());
    auto b = DatagramSocket::Bind(runtime, Loopback());
    EXPECT_TRUE(a.ok() && b.ok());
    auto receive = [](DatagramSocket& socket,
                      const SocketAddress& from) -> Task<> {
      std::array<char, 8> buffer;
      auto got = co_await socket.ReceiveFrom(buffer);
      EXPECT_EQ(std::string(buffer.data(), got.bytes), "one");
      EXPECT_EQ(got.from.ToString(), from.ToString());
      got = co_await socket.ReceiveFrom(buffer);
      EXPECT_EQ(got.bytes, 0u);
      EXPECT_TRUE(got.ok());
      got = co_await socket.ReceiveFrom(buffer);
      EXPECT_TRUE(got.truncated);
    };
    JoinHandle<void> receiver = runtime.Spawn(receive(*b, a->address()));
    for (const char* text : {"one", "", "longer than the buffer"}) {
      EXPECT_TRUE((co_await a->SendTo(text, b->address())).ok());
    }
    co_await std::move(receiver);
  });
}

TEST_P(SocketTest, WaitReadableConsumesNothing) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    auto wait = [](Socket& socket) -> Task<> {
      EXPECT_TRUE((co_await socket.WaitReadable()).ok());
      EXPECT_TRUE((co_await socket.WaitReadable()).ok());
      EXPECT_EQ(co_await ReadExactly(socket, 2), "hi");
    };
    JoinHandle<void> waiter = runtime.Spawn(wait(ends->second));
    co_await runtime.Yield();
    EXPECT_TRUE((co_await ends->first.WaitWritable()).ok());
    EXPECT_TRUE((co_await ends->first.Write("hi")).ok());
    co_await std::move(waiter);
  });
}

TEST_P(SocketTest, ConnectRefusedIsAnError) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Loopback());
    const SocketAddress address = listener->address();
    co_await listener->Close();
    auto socket = co_await Socket::Connect(runtime, address);
    EXPECT_FALSE(socket.ok());
    EXPECT_NE(socket.status().message().find("ECONNREFUSED"), std::string::npos)
        << socket.status();
  });
}

// A listener whose queue is full does not answer: the connect stays pending.
TEST_P(SocketTest, ConnectHasADeadline) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Loopback(), 0);
    std::vector<Socket> queued;
    for (int i = 0; i < 8; ++i) {
      const std::int64_t begin = Runtime::Now();
      auto socket = co_await Socket::Connect(runtime, listener->address(),
                                             runtime.After(20ms));
      if (!socket.ok()) {
        EXPECT_EQ(socket.status().code(), absl::StatusCode::kDeadlineExceeded)
            << socket.status();
        EXPECT_GE(Runtime::Now() - begin, 20'000'000);
        co_return;
      }
      queued.push_back(*std::move(socket));
    }
    ADD_FAILURE() << "the queue never filled";
  });
}

TEST_P(SocketTest, AnEmptyHandleAnswersEbadf) {
  RunTest(threads(), [](Runtime&) -> Task<> {
    Socket none;
    std::array<char, 1> buffer;
    EXPECT_EQ((co_await none.Read(buffer)).status.error_number(), EBADF);
    EXPECT_EQ((co_await none.Close()).error_number(), EBADF);
    EXPECT_FALSE((co_await none.Detach()).ok());
    none.SetReadDeadline(Deadline::Past());
    none.CloseNow();
    co_return;
  });
}

TEST_P(SocketTest, ADetachedDescriptorLivesOn) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    auto ends = Socket::Pair(runtime);
    auto read = [](Socket& socket) -> Task<bool> {
      std::array<char, 1> buffer;
      co_return (co_await socket.Read(buffer)).status.closing();
    };
    JoinHandle<bool> reader = runtime.Spawn(read(ends->first));
    co_await runtime.Yield();
    absl::StatusOr<int> fd = co_await ends->first.Detach();
    EXPECT_TRUE(fd.ok());
    EXPECT_TRUE(co_await std::move(reader));
    EXPECT_TRUE((co_await ends->second.Write("still")).ok());
    char buffer[8];
    EXPECT_EQ(::read(*fd, buffer, sizeof(buffer)), 5);
    // And it may be adopted again.
    auto again = Socket::Adopt(runtime, *fd);
    EXPECT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE((co_await again->Write("back")).ok());
    EXPECT_EQ(co_await ReadExactly(ends->second, 4), "back");
  });
}

TEST_P(SocketTest, AfterCloseTheSameAddressCanBeBoundAgain) {
  RunTest(threads(), [](Runtime& runtime) -> Task<> {
    SocketAddress address = Loopback();
    for (int i = 0; i < 20; ++i) {
      auto listener = Listener::Listen(runtime, address);
      EXPECT_TRUE(listener.ok()) << listener.status();
      if (!listener.ok()) co_return;
      address = listener->address();
      auto accept = [](Listener& l) -> Task<bool> {
        co_return (co_await l.Accept()).status.closing();
      };
      JoinHandle<bool> acceptor = runtime.Spawn(accept(*listener));
      co_await runtime.Yield();
      EXPECT_TRUE((co_await listener->Close()).ok());
      EXPECT_TRUE(co_await std::move(acceptor));
    }
  });
}

}  // namespace
}  // namespace netpoll
