// SPDX-License-Identifier: Apache-2.0
//
// The chat on an address: `chat 127.0.0.1:7000`, then `nc 127.0.0.1 7000`.

#include "netpoll/examples/chat.h"

#include <cstdio>
#include <string>

#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"

int main(int argc, char** argv) {
  netpoll::Runtime runtime({.threads = 2});
  const auto address =
      netpoll::SocketAddress::Parse(argc > 1 ? argv[1] : "127.0.0.1:7000");
  auto listener = address.ok() ? netpoll::Listener::Listen(runtime, *address)
                               : address.status();
  if (!listener.ok()) {
    std::fprintf(stderr, "%s\n", listener.status().ToString().c_str());
    return 1;
  }
  std::printf("listening on %s\n", listener->address().ToString().c_str());
  std::fflush(stdout);
  Chat chat(runtime);
  runtime.Spawn(chat.Serve(*listener));
  return runtime.Run().ok() ? 0 : 1;
}
