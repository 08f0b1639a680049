// SPDX-License-Identifier: Apache-2.0
//
// Of what an idle connection of the echo server consists, to the byte: each
// object that is allocated for it, its slot in the poller, and the room for its
// timers. With gcc 12, on 64 bits; others may need more, and say how much. And
// how what each message touches of it lies.

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <new>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/descriptor_lock_word.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/join.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/tests/integration/echo_client.h"
#include "netpoll/tools/server/connection.h"
#include "netpoll/tools/server/echo_session.h"
#include "netpoll/tools/server/server.h"

namespace {

constexpr std::size_t kMost = 64;
// What the runtime's thread has allocated, while it is noted.
std::size_t sizes[kMost];
std::size_t count = 0;
thread_local bool noted = false;

void* Allocate(std::size_t size) {
  if (noted && count < kMost) sizes[count++] = size;
  return std::malloc(size);
}

}  // namespace

void* operator new(std::size_t size) {
  void* const memory = Allocate(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace netpoll::server {
namespace {

// Notes what is allocated from the second client's session on.
Task<> Session(Server& server, Socket socket) {
  noted = true;
  return EchoSession(server, std::move(socket));
}

// Those of one more connection, when there is room for it in all that grows.
std::vector<std::size_t> OfOneConnection(Runtime& runtime) {
  count = 0;
  auto listener =
      Listener::Listen(runtime, *SocketAddress::Parse("127.0.0.1:0"));
  EXPECT_TRUE(listener.ok()) << listener.status();
  Server server(runtime, *std::move(listener), &Session, {});
  server.Start();
  std::size_t before = 0;
  std::size_t after = 0;
  std::thread client([&] {
    // The first one's session has begun to note, and is not noted itself.
    const int first = EchoClient(server.address());
    before = count;
    const int second = EchoClient(server.address());
    after = count;
    ::close(first);
    ::close(second);
    server.Drain();
  });
  EXPECT_TRUE(runtime.Run().ok());
  noted = false;
  client.join();
  return {sizes + before, sizes + after};
}

TEST(ConnectionBytesTest, OfAnEchoSession) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the allocator is the sanitizer's";
#endif
  Runtime runtime;
  ASSERT_TRUE(runtime.status().ok()) << runtime.status();
  if (std::string_view(runtime.backend()) != "epoll") {
    GTEST_SKIP() << runtime.backend() << " may keep something of its own";
  }
  const std::vector<std::size_t> made = OfOneConnection(runtime);
  ASSERT_EQ(made.size(), 3u);
  const std::size_t state = made[0];
  const std::size_t frame = made[1];
  const std::size_t task = made[2];
  std::printf(
      "descriptor's state %zu\n"
      "session's frame    %zu beyond its buffer, in which its Connection has "
      "%zu, an operation %zu\n"
      "spawned task       %zu\n"
      "slot in the poller %zu\n",
      state, frame - kEchoBuffer, sizeof(Connection), sizeof(internal::ReadOp),
      task, sizeof(PollDesc<StdEnv>));
  EXPECT_EQ(state, sizeof(internal::FdState));
  EXPECT_EQ(task, sizeof(internal::JoinState<void>));
#if defined(__GLIBCXX__) && defined(__x86_64__)
  EXPECT_EQ(sizeof(internal::FdState), 184u);
  EXPECT_EQ(sizeof(internal::JoinState<void>), 88u);
  EXPECT_EQ(sizeof(internal::ReadOp), 104u);
  EXPECT_EQ(sizeof(Connection), 192u);
  EXPECT_EQ(sizeof(PollDesc<StdEnv>), 96u);
#ifndef __clang__
  EXPECT_EQ(frame - kEchoBuffer, 320u);
#endif
#endif
}

// Of what a worker asks the memory ahead (AskAhead): two lines, from where Hot
// says.
TEST(StateLayoutTest, WhatAnOperationTouchesLiesInTheLinesThatAreAskedFor) {
  Runtime runtime;
  const auto ends = *Socket::Pair(runtime);
  internal::FdState& state = *internal::StateOf(ends.first);
  const auto line = [](const void* where) {
    return reinterpret_cast<std::uintptr_t>(where) / 64;
  };
  const auto first = line(state.Hot());
  const LockWord* const behind_word =
      reinterpret_cast<const LockWord*>(&state.lock + 1);
  for (const void* const touched : std::initializer_list<const void*>{
           behind_word - 1, &state.fd, &state.generation, &state.drained,
           &state.desc, &state.notes.where[1], &state.notes.since[1]}) {
    EXPECT_GE(line(touched), first);
    EXPECT_LE(line(touched), first + 1);
  }
}

}  // namespace
}  // namespace netpoll::server
