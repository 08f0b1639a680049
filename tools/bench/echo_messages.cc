// SPDX-License-Identifier: Apache-2.0
//
// What a server of the runtime does for a message that it echoes, so that
// tools/bench/instructions can count it: connections over the loopback, whose
// clients are here too, between two turns of RunOnce. All of them have sent,
// and the system has what they sent, before a turn begins: so each turn finds
// the same, however busy the machine is.

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/runtime_observer.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/bench/die.h"
#include "netpoll/tools/server/trace.h"
#include "netpoll/tools/server/trace_clock.h"

namespace netpoll::bench {
namespace {

constexpr std::size_t kConnections = 64;
constexpr int kRounds = 50;
constexpr int kFirstRounds = 5;  // Not counted.
constexpr std::size_t kSize = 64;

struct Server {
  bool deadlines = false;
  std::size_t echoed = 0;
  std::vector<int> fds;  // Of its connections.
};

Task<> Echo(Runtime& runtime, Socket socket, Server& server) {
  char buffer[4096];
  for (;;) {
    if (server.deadlines) {
      socket.SetReadDeadline(runtime.After(std::chrono::seconds(30)));
    }
    const IoResult got = co_await socket.Read(buffer);
    if (!got.ok() || got.bytes == 0) co_return;
    const IoResult put = co_await socket.Write({buffer, got.bytes});
    if (!put.ok()) co_return;
    ++server.echoed;
  }
}

Task<> Accept(Runtime& runtime, Listener listener, Server& server) {
  for (;;) {
    AcceptResult accepted = co_await listener.Accept();
    if (!accepted.ok()) co_return;
    server.fds.push_back(accepted.socket.fd());
    runtime.Spawn(Echo(runtime, std::move(accepted.socket), server));
  }
}

void Turn(Runtime& runtime) {
  if (!runtime.RunOnce(true).ok()) Die("a turn of the runtime");
}

void EchoUntil(Runtime& runtime, const Server& server, std::size_t echoed) {
  while (server.echoed < echoed) Turn(runtime);
}

void Await(int fd) {
  pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
  if (::poll(&readable, 1, 60'000) != 1) Die("a message does not arrive");
}

int ConnectTo(const SocketAddress& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, address.data(), address.size()) != 0) {
    Die("a client");
  }
  return fd;
}

// A message on each connection, there and back; `serve` sees to what the server
// does.
template <class Serve>
void Round(const std::vector<int>& clients, Server& server, Serve serve) {
  char message[kSize] = {};
  for (const int client : clients) {
    if (::send(client, message, kSize, 0) != kSize) Die("a client's send");
  }
  for (const int fd : server.fds) Await(fd);
  serve(server.echoed + kConnections);
  for (const int client : clients) {
    if (::recv(client, message, kSize, MSG_WAITALL) != kSize) {
      Die("a client's receive");
    }
  }
}

using Served = void (*)(Runtime&, const Server&, std::size_t echoed);

// A server with all its connections, and then the rounds, of which `echo` is
// what is counted.
void Measure(RuntimeObserver* observer, bool deadlines, Served echo) {
  Runtime runtime({.observer = observer});
  auto listener =
      Listener::Listen(runtime, *SocketAddress::Parse("127.0.0.1:0"));
  if (!listener.ok()) Die("a listener");
  const SocketAddress address = listener->address();
  Server server;
  server.deadlines = deadlines;
  runtime.Spawn(Accept(runtime, *std::move(listener), server));
  std::vector<int> clients;
  while (clients.size() < kConnections) {
    clients.push_back(ConnectTo(address));
    while (server.fds.size() < clients.size()) Turn(runtime);
  }
  for (int i = 0; i < kFirstRounds + kRounds; ++i) {
    Round(clients, server, [&](std::size_t echoed) {
      (i < kFirstRounds ? EchoUntil : echo)(runtime, server, echoed);
    });
  }
  runtime.Stop();
  for (const int client : clients) ::close(client);
  while (!runtime.RunOnce(true).value().ended) {
  }
}

}  // namespace
}  // namespace netpoll::bench

using netpoll::Runtime, netpoll::bench::Server;

// What is counted, each with all that it calls.
extern "C" {
[[gnu::noinline]] void np_echo(Runtime& runtime, const Server& server,
                               std::size_t echoed) {
  netpoll::bench::EchoUntil(runtime, server, echoed);
}
[[gnu::noinline]] void np_echo_by_deadline(Runtime& runtime,
                                           const Server& server,
                                           std::size_t echoed) {
  netpoll::bench::EchoUntil(runtime, server, echoed);
}
[[gnu::noinline]] void np_echo_traced(Runtime& runtime, const Server& server,
                                      std::size_t echoed) {
  netpoll::bench::EchoUntil(runtime, server, echoed);
}
}

int main() {
  using namespace netpoll::bench;  // NOLINT
  Measure(nullptr, false, &np_echo);
  Measure(nullptr, true, &np_echo_by_deadline);
  netpoll::server::TraceBy<netpoll::server::CounterClock> trace(1);
  Measure(&trace, false, &np_echo_traced);
  // Limits are of one compiler.
  std::printf("compiler: %s\nmessages: %zu\n", __VERSION__,
              kRounds * kConnections);
}
