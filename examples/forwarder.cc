// SPDX-License-Identifier: Apache-2.0
//
// Forwards connections to a host by name, both ways, without copying:
// `forwarder 127.0.0.1:7000 example.org 80`.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "netpoll/runtime/blocking_pool.h"
#include "netpoll/runtime/resolve.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/service.h"
#include "netpoll/runtime/splice.h"

using netpoll::BlockingPool, netpoll::Client, netpoll::Forward,
    netpoll::JoinHandle, netpoll::Listener, netpoll::Runtime, netpoll::Service,
    netpoll::Socket, netpoll::SocketAddress, netpoll::Task;

// One way. A failure ends the other way too; an end is passed on.
Task<> OneWay(Socket& from, Socket& to) {
  const netpoll::SpliceResult moved = co_await Forward(from, to);
  if (moved.ok()) {
    (void)to.ShutdownWrite();
  } else {
    from.CloseNow();
    to.CloseNow();
  }
}

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: forwarder ADDRESS HOST PORT\n");
    return 2;
  }
  const std::string host = argv[2];
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[3]));
  BlockingPool pool;
  Runtime runtime({.threads = 2});
  auto address = SocketAddress::Parse(argv[1]);
  auto listener =
      address.ok() ? Listener::Listen(runtime, *address) : address.status();
  if (!listener.ok()) {
    std::fprintf(stderr, "%s\n", listener.status().ToString().c_str());
    return 1;
  }
  std::printf("listening on %s\n", listener->address().ToString().c_str());
  std::fflush(stdout);
  auto session = [&](Client& client) -> Task<> {
    auto server = co_await ConnectByName(runtime, pool, host, port);
    if (!server.ok()) {
      std::fprintf(stderr, "%s\n", server.status().ToString().c_str());
      co_return;
    }
    JoinHandle<void> back = runtime.Spawn(OneWay(*server, client.stream()));
    co_await OneWay(client.stream(), *server);
    co_await std::move(back);
  };
  Service service(runtime, *std::move(listener), session);
  runtime.Spawn(service.Serve());
  return runtime.Run().ok() ? 0 : 1;
}
