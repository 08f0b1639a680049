// SPDX-License-Identifier: Apache-2.0
//
// An echo server on Asio's coroutines, one thread. A deadline is a timer of the
// connection's own, set anew before each read, that closes the socket.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <utility>

#include "netpoll/tools/bench/peers/peer.h"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

bool deadlines = false;

asio::awaitable<void> Echo(tcp::socket socket) {
  boost::system::error_code error;
  auto told = asio::redirect_error(asio::use_awaitable, error);
  socket.set_option(tcp::no_delay(true), error);
  asio::steady_timer timer(socket.get_executor());
  char buffer[peer::kBuffer];
  for (;;) {
    if (deadlines) {
      timer.expires_after(std::chrono::seconds(peer::kSeconds));
      timer.async_wait([&socket](const boost::system::error_code& cancelled) {
        if (!cancelled) socket.close();
      });
    }
    const std::size_t got =
        co_await socket.async_read_some(asio::buffer(buffer), told);
    if (error) co_return;
    co_await asio::async_write(socket, asio::buffer(buffer, got), told);
    if (error) co_return;
  }
}

asio::awaitable<void> Accept(tcp::acceptor acceptor) {
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
    co_spawn(acceptor.get_executor(), Echo(std::move(socket)), asio::detached);
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
