// SPDX-License-Identifier: Apache-2.0
//
// The README's echo server, with nothing around it: what the runtime costs that
// serves it, beside the servers on other libraries (peers/), which count and
// limit nothing either.

#include <chrono>
#include <utility>

#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/bench/die.h"
#include "netpoll/tools/bench/peers/peer.h"

namespace netpoll::bench {
namespace {

// Compiled for each, so that who has no deadlines does not ask.
template <bool kDeadlines>
Task<> Echo(Socket socket) {
  char buffer[peer::kBuffer];
  for (;;) {
    if constexpr (kDeadlines) {
      socket.SetReadDeadline(
          Runtime::After(std::chrono::seconds(peer::kSeconds)));
    }
    const IoResult got = co_await socket.Read(buffer);
    if (!got.ok() || got.bytes == 0) co_return;
    const IoResult put = co_await socket.Write({buffer, got.bytes});
    if (!put.ok()) co_return;
  }
}

Task<> Accept(Runtime& runtime, Listener listener, bool deadlines) {
  for (;;) {
    AcceptResult accepted = co_await listener.Accept();
    if (!accepted.ok()) co_return;
    runtime.Spawn(deadlines ? Echo<true>(std::move(accepted.socket))
                            : Echo<false>(std::move(accepted.socket)));
  }
}

}  // namespace
}  // namespace netpoll::bench

int main(int count, char** arguments) {
  const bool deadlines = peer::WantsDeadlines(count, arguments);
  netpoll::Runtime runtime;
  auto listener = netpoll::Listener::Listen(
      runtime, *netpoll::SocketAddress::Parse("127.0.0.1:0"));
  if (!listener.ok()) netpoll::bench::Die("a listener");
  peer::SayWhere(listener->address().port());
  runtime.Spawn(
      netpoll::bench::Accept(runtime, *std::move(listener), deadlines));
  return runtime.Run().ok() ? 0 : 1;
}
