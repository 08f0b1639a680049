// SPDX-License-Identifier: Apache-2.0
//
// An echo server on Asio's coroutines, one thread. Deadlines as in Asio's own
// examples: a read moves a time, and a second coroutine of the connection
// sleeps until that is over.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <utility>

#include "netpoll/tools/bench/peers/peer.h"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

bool deadlines = false;

using Clock = asio::steady_timer::clock_type;

// `Socket`: its own, or a reference.
template <class Socket>
asio::awaitable<void> Echo(Socket socket, Clock::time_point* deadline) {
  boost::system::error_code error;
  auto told = asio::redirect_error(asio::use_awaitable, error);
  socket.set_option(tcp::no_delay(true), error);
  char buffer[peer::kBuffer];
  for (;;) {
    if (deadline != nullptr) {
      *deadline = Clock::now() + std::chrono::seconds(peer::kSeconds);
    }
    const std::size_t got =
        co_await socket.async_read_some(asio::buffer(buffer), told);
    if (error) co_return;
    co_await asio::async_write(socket, asio::buffer(buffer, got), told);
    if (error) co_return;
  }
}

asio::awaitable<void> Watch(Clock::time_point& deadline) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (deadline > Clock::now()) {
    timer.expires_at(deadline);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> EchoWatched(tcp::socket socket) {
  using asio::experimental::awaitable_operators::operator||;
  Clock::time_point deadline =
      Clock::now() + std::chrono::seconds(peer::kSeconds);
  co_await (Echo<tcp::socket&>(socket, &deadline) || Watch(deadline));
}

asio::awaitable<void> Accept(tcp::acceptor acceptor) {
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
    co_spawn(acceptor.get_executor(),
             deadlines ? EchoWatched(std::move(socket))
                       : Echo<tcp::socket>(std::move(socket), nullptr),
             asio::detached);
  }
}

}  // namespace

int main(int count, char** arguments) {
  deadlines = peer::WantsDeadlines(count, arguments);
  asio::io_context context(1);
  tcp::acceptor acceptor(context);
  acceptor.open(tcp::v4());
  acceptor.bind({asio::ip::address_v4::loopback(), 0});
  acceptor.listen(4096);
  peer::SayWhere(acceptor.local_endpoint().port());
  co_spawn(context, Accept(std::move(acceptor)), asio::detached);
  context.run();
}
