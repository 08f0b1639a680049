// SPDX-License-Identifier: Apache-2.0
//
// An echo server: `echo_server 127.0.0.1:7000`, then `nc 127.0.0.1 7000`.

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"

using netpoll::AcceptResult, netpoll::IoResult, netpoll::Listener,
    netpoll::Runtime, netpoll::Socket, netpoll::SocketAddress, netpoll::Task;

Task<> Echo(Runtime& runtime, Socket socket) {
  char buffer[4096];
  for (;;) {
    socket.SetReadDeadline(runtime.After(std::chrono::minutes(1)));
    IoResult got = co_await socket.Read(buffer);
    if (!got.ok() || got.bytes == 0) co_return;
    IoResult put = co_await socket.Write({buffer, got.bytes});
    if (!put.ok()) co_return;
  }
}

Task<> Serve(Runtime& runtime, Listener listener) {
  for (;;) {
    AcceptResult accepted = co_await listener.Accept();
    if (accepted.status.closing()) co_return;
    if (accepted.ok()) {
      runtime.Spawn(Echo(runtime, std::move(accepted.socket)));
      continue;
    }
    // No descriptors left, say: those who are there go on, others wait.
    std::fprintf(stderr, "accept: %s\n", accepted.status.ToString().c_str());
    if (!co_await runtime.Sleep(std::chrono::milliseconds(100))) co_return;
  }
}

int Fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  return 1;
}

int main(int argc, char** argv) {
  Runtime runtime({.threads = 2});
  auto address = SocketAddress::Parse(argc > 1 ? argv[1] : "127.0.0.1:7000");
  if (!address.ok()) return Fail(address.status().ToString());
  auto listener = Listener::Listen(runtime, *address);
  if (!listener.ok()) return Fail(listener.status().ToString());
  std::printf("listening on %s\n", listener->address().ToString().c_str());
  std::fflush(stdout);
  runtime.Spawn(Serve(runtime, *std::move(listener)));
  return runtime.Run().ok() ? 0 : 1;
}
