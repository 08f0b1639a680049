// SPDX-License-Identifier: Apache-2.0
//
// An echo server that drains: `draining_echo 127.0.0.1:7000`. SIGTERM or SIGINT
// closes the listener, lets what was begun end, and then says how it went.

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/service.h"
#include "netpoll/runtime/signals.h"
#include "netpoll/runtime/socket.h"

using namespace std::chrono_literals;
using netpoll::Client, netpoll::DrainResult, netpoll::IoResult,
    netpoll::Listener, netpoll::Runtime, netpoll::Service, netpoll::Signals,
    netpoll::SocketAddress, netpoll::Task;

Task<> Echo(Client& client) {
  char buffer[4096];
  for (;;) {
    const bool next = co_await client.NextRequest();
    if (!next) co_return;
    const IoResult got = co_await client.stream().Read(buffer);
    if (!got.ok() || got.bytes == 0) co_return;
    const IoResult put = co_await client.stream().Write({buffer, got.bytes});
    if (!put.ok()) co_return;
  }
}

Task<> DrainAtSignal(Runtime& runtime, Service& service, Signals signals) {
  (void)co_await signals.Next();
  const DrainResult end =
      co_await service.Drain({.requests = 5s, .cancel = 1s});
  std::printf("drained: %zu cut, %zu left\n", end.cancelled, end.left);
  if (end.left > 0) runtime.Stop();
}

int Fail(const absl::Status& why) {
  std::fprintf(stderr, "%s\n", why.ToString().c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (auto blocked = Signals::Block({SIGTERM, SIGINT}); !blocked.ok()) {
    return Fail(blocked);
  }
  Runtime runtime({.threads = 2});
  auto address = SocketAddress::Parse(argc > 1 ? argv[1] : "127.0.0.1:7000");
  if (!address.ok()) return Fail(address.status());
  auto listener = Listener::Listen(runtime, *address);
  if (!listener.ok()) return Fail(listener.status());
  auto signals = Signals::Open(runtime, {SIGTERM, SIGINT});
  if (!signals.ok()) return Fail(signals.status());
  std::printf("listening on %s\n", listener->address().ToString().c_str());
  std::fflush(stdout);
  Service service(runtime, *std::move(listener), &Echo);
  runtime.Spawn(service.Serve());
  runtime.Spawn(DrainAtSignal(runtime, service, *std::move(signals)));
  const absl::Status status = runtime.Run();
  return status.ok() ? 0 : Fail(status);
}
