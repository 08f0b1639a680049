// SPDX-License-Identifier: Apache-2.0
//
// The runtime inside a bare loop around poll(2): an echo server whose loop also
// reads commands from standard input, "tasks" and "quit".
// usage: runtime_in_poll [ADDRESS]

#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"

using netpoll::AcceptResult, netpoll::IoResult, netpoll::Listener,
    netpoll::LoopRest, netpoll::Runtime, netpoll::Socket,
    netpoll::SocketAddress, netpoll::Task;

namespace {

int clients = 0;  // All of it runs on one thread.

Task<> Echo(Socket socket) {
  ++clients;
  std::array<char, 4096> buffer;
  for (;;) {
    IoResult got = co_await socket.Read(buffer);
    if (!got.ok() || got.bytes == 0) break;
    IoResult put = co_await socket.Write({buffer.data(), got.bytes});
    if (!put.ok()) break;
  }
  --clients;
}

Task<> Serve(Runtime& runtime, Listener listener) {
  for (;;) {
    AcceptResult accepted = co_await listener.Accept();
    if (accepted.status.closing()) co_return;
    if (accepted.ok()) {
      runtime.Spawn(Echo(std::move(accepted.socket)));
    } else if (!co_await runtime.Sleep(std::chrono::milliseconds(100))) {
      co_return;
    }
  }
}

void Command(Runtime& runtime, std::string_view line) {
  if (line == "tasks") {
    std::printf("%d clients\n", clients);
  } else if (line == "quit") {
    runtime.Stop();
  } else {
    std::printf("tasks or quit\n");
  }
  std::fflush(stdout);
}

// The loop's own matter. False: there will be no more.
bool ReadCommands(Runtime& runtime, std::string& typed) {
  char piece[256];
  const ssize_t size = ::read(STDIN_FILENO, piece, sizeof(piece));
  if (size <= 0) return false;
  typed.append(piece, static_cast<std::size_t>(size));
  for (std::size_t end; (end = typed.find('\n')) != std::string::npos;) {
    Command(runtime, std::string_view(typed).substr(0, end));
    typed.erase(0, end + 1);
  }
  return true;
}

int Fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  Runtime runtime;
  auto address = SocketAddress::Parse(argc > 1 ? argv[1] : "127.0.0.1:7000");
  if (!address.ok()) return Fail(address.status().ToString());
  auto listener = Listener::Listen(runtime, *address);
  if (!listener.ok()) return Fail(listener.status().ToString());
  std::printf("listening on %s\n", listener->address().ToString().c_str());
  std::fflush(stdout);
  runtime.Spawn(Serve(runtime, *std::move(listener)));

  std::string typed;
  pollfd watched[2] = {{runtime.descriptor(), POLLIN, 0},
                       {STDIN_FILENO, POLLIN, 0}};
  for (;;) {
    const auto rest = runtime.RunOnce();
    if (!rest.ok()) return Fail(rest.status().ToString());
    if (rest->ended) return 0;
    ::poll(watched, 2, rest->Milliseconds());
    if (watched[1].revents == 0) continue;
    if (ReadCommands(runtime, typed)) continue;
    watched[1].fd = -1;  // No more commands: it ends.
    runtime.Stop();
  }
}
