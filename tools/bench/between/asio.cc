// SPDX-License-Identifier: Apache-2.0
//
// What netpoll.cc measures, with Boost.Asio's coroutines: see there. It has no
// mutex between tasks.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

namespace asio = boost::asio;
using asio::awaitable, asio::use_awaitable;
using asio::experimental::awaitable_operators::operator&&;
using asio::experimental::awaitable_operators::operator||;
using Channel =
    asio::experimental::channel<void(boost::system::error_code, int)>;
using Socket = asio::local::stream_protocol::socket;

void ChannelHop(asio::io_context& context, std::int64_t count) {
  Channel channel(context, 0);
  const auto receives = [&]() -> awaitable<void> {
    for (std::int64_t i = 0; i < count; ++i) {
      (void)co_await channel.async_receive(use_awaitable);
    }
  };
  const auto sends = [&]() -> awaitable<void> {
    for (std::int64_t i = 0; i < count; ++i) {
      co_await channel.async_send({}, 1, use_awaitable);
    }
  };
  asio::co_spawn(context, receives, asio::detached);
  asio::co_spawn(context, sends, asio::detached);
  context.run();
}

awaitable<int> One() { co_return 1; }

void SpawnAndJoin(asio::io_context& context, std::int64_t count) {
  const auto spawns = [&]() -> awaitable<void> {
    for (std::int64_t i = 0; i < count; ++i) {
      (void)co_await asio::co_spawn(context, One(), use_awaitable);
    }
  };
  asio::co_spawn(context, spawns, asio::detached);
  context.run();
}

void AllOfTwo(asio::io_context& context, std::int64_t count) {
  const auto pairs = [&]() -> awaitable<void> {
    for (std::int64_t i = 0; i < count; ++i) (void)co_await (One() && One());
  };
  asio::co_spawn(context, pairs, asio::detached);
  context.run();
}

// As its documentation has it: a read or a timer, whichever comes first.
awaitable<void> Read(Socket& socket, char& byte, bool limited) {
  if (!limited) {
    (void)co_await socket.async_read_some(asio::buffer(&byte, 1),
                                          use_awaitable);
    co_return;
  }
  asio::steady_timer timer(socket.get_executor(), std::chrono::hours(1));
  (void)co_await (
      socket.async_read_some(asio::buffer(&byte, 1), use_awaitable) ||
      timer.async_wait(use_awaitable));
}

void Ready(asio::io_context& context, std::int64_t count, bool limited) {
  Socket from(context), to(context);
  asio::local::connect_pair(from, to);
  const auto reads = [&]() -> awaitable<void> {
    char byte = 'x';
    for (std::int64_t i = 0; i < count; ++i) {
      (void)co_await to.async_write_some(asio::buffer(&byte, 1), use_awaitable);
      co_await Read(from, byte, limited);
    }
  };
  asio::co_spawn(context, reads, asio::detached);
  context.run();
}

void Parked(asio::io_context& context, std::int64_t count, bool limited) {
  Socket asking(context), echoing(context);
  asio::local::connect_pair(asking, echoing);
  const auto echoes = [&]() -> awaitable<void> {
    char byte = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      co_await Read(echoing, byte, limited);
      (void)co_await echoing.async_write_some(asio::buffer(&byte, 1),
                                              use_awaitable);
    }
  };
  const auto asks = [&]() -> awaitable<void> {
    char byte = 'x';
    for (std::int64_t i = 0; i < count; ++i) {
      (void)co_await asking.async_write_some(asio::buffer(&byte, 1),
                                             use_awaitable);
      (void)co_await asking.async_read_some(asio::buffer(&byte, 1),
                                            use_awaitable);
    }
  };
  asio::co_spawn(context, echoes, asio::detached);
  asio::co_spawn(context, asks, asio::detached);
  context.run();
}

struct Program {
  const char* name;
  void (*run)(asio::io_context& context, std::int64_t count);
};
const Program kPrograms[] = {
    {"channel hop", &ChannelHop},
    {"spawn and join", &SpawnAndJoin},
    {"all of two", &AllOfTwo},
    {"ready read", [](auto& c, std::int64_t n) { Ready(c, n, false); }},
    {"ready read, timeout", [](auto& c, std::int64_t n) { Ready(c, n, true); }},
    {"parked read", [](auto& c, std::int64_t n) { Parked(c, n, false); }},
    {"parked read, timeout",
     [](auto& c, std::int64_t n) { Parked(c, n, true); }},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Program& program : kPrograms) {
    if (argc != 3) std::printf("%s\n", program.name);
    if (argc != 3 || std::strcmp(argv[1], program.name) != 0) continue;
    const std::int64_t count = std::atoll(argv[2]);
    asio::io_context context(1);
    const auto began = std::chrono::steady_clock::now();
    program.run(context, count);
    const std::chrono::duration<double, std::nano> took =
        std::chrono::steady_clock::now() - began;
    std::printf("%.1f\n", took.count() / static_cast<double>(count));
    return 0;
  }
  return argc == 3 ? 2 : 0;
}
