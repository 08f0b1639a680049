// SPDX-License-Identifier: Apache-2.0
//
// What is left when many connections have come and gone: every byte that is
// still allocated, counted by the allocator. The descriptors' slots are, which
// late events may still name, and the place of each slot's timer; nothing else
// grows with them, and a second wave finds all that it needs.

#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

class IdleMemoryTest : public WorkersTest {};
NETPOLL_INSTANTIATE_WORKERS(IdleMemoryTest);

constexpr std::size_t kConnections = 800;

std::size_t Allocated() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

Task<> Session(Runtime& runtime, Socket socket) {
  std::array<char, 1024> buffer;
  for (;;) {
    socket.SetDeadline(runtime.After(std::chrono::minutes(1)));
    const IoResult got = co_await socket.Read(buffer);
    if (!got.ok() || got.bytes == 0) co_return;
    (void)co_await socket.Write({buffer.data(), got.bytes});
  }
}

Task<> Serve(Runtime& runtime, Listener& listener) {
  for (;;) {
    AcceptResult accepted = co_await listener.Accept();
    if (accepted.status.closing()) co_return;
    EXPECT_TRUE(accepted.ok()) << accepted.status.ToString();
    if (accepted.ok()) {
      runtime.Spawn(Session(runtime, std::move(accepted.socket)));
    }
  }
}

// Connections, all there at a time; each is heard, then ends, and its end is
// waited for.
void Wave(const SocketAddress& address, std::size_t connections) {
  std::vector<int> fds;
  char byte = 'x';
  for (std::size_t i = 0; i < connections; ++i) {
    fds.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(fds.back(), address.data(), address.size()), 0);
    ASSERT_EQ(::write(fds.back(), &byte, 1), 1);
    ASSERT_EQ(::read(fds.back(), &byte, 1), 1);
  }
  for (const int fd : fds) {
    ::shutdown(fd, SHUT_WR);
    EXPECT_EQ(::read(fd, &byte, 1), 0);
    ::close(fd);
  }
}

// The pool takes its slots in chunks, each twice the one before.
constexpr std::size_t SlotBytes(std::size_t slots) {
  std::size_t carved = 0;
  for (std::size_t chunk = 64; carved < slots; chunk *= 2) carved += chunk;
  return carved * sizeof(PollDesc<StdEnv>);
}

// An array that doubles.
constexpr std::size_t TimerBytes(std::size_t slots) {
  constexpr std::size_t kEntry = 32;
  std::size_t room = 1;
  while (room < slots) room *= 2;
  return room * kEntry;
}

TEST_P(IdleMemoryTest, AfterManyConnectionsTheSlotsStayAndNothingElse) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the allocator is the sanitizer's";
#endif
  Runtime runtime({.threads = threads()});
  ASSERT_TRUE(runtime.status().ok()) << runtime.status();
  if (OverShim(runtime)) GTEST_SKIP() << "the shim's memory is here";
  auto listener =
      Listener::Listen(runtime, *SocketAddress::Parse("127.0.0.1:0"));
  ASSERT_TRUE(listener.ok()) << listener.status();
  runtime.Spawn(Serve(runtime, *listener));
  std::size_t first = 0;
  std::size_t second = 0;
  std::thread client([&] {
    Wave(listener->address(), 10);
    const std::size_t before = Allocated();
    Wave(listener->address(), kConnections);
    first = Allocated() - before;
    Wave(listener->address(), kConnections);
    second = Allocated() - before;
    listener->CloseNow();
  });
  EXPECT_TRUE(runtime.Run().ok());
  client.join();
  std::printf("%zu bytes after one wave, %zu after two; slots %zu\n", first,
              second, SlotBytes(kConnections));
  // What a backend keeps for each descriptor number; epoll's kernel keeps it
  // all. And the threads' small change.
  const bool keeps = std::string_view(runtime.backend()) != "epoll";
  const std::size_t registrations = keeps ? kConnections * 96 : 0;
  constexpr std::size_t kSmallChange = 24 << 10;
  // Two places a slot, and one for the sleep of each connection's task.
  const std::size_t timers =
      TimerBytes(2 * kConnections) + TimerBytes(kConnections);
  EXPECT_LE(first,
            SlotBytes(kConnections) + timers + registrations + kSmallChange);
  EXPECT_LE(second, first + kSmallChange);
}

}  // namespace
}  // namespace netpoll
