// SPDX-License-Identifier: Apache-2.0
//
// Answers datagrams with themselves, in batches: `udp_responder
// 127.0.0.1:7000`.

#include <array>
#include <cstdio>

#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"

using netpoll::BatchResult, netpoll::DatagramSocket, netpoll::IncomingDatagram,
    netpoll::OutgoingDatagram, netpoll::Runtime, netpoll::SocketAddress,
    netpoll::Task;

Task<> Respond(DatagramSocket socket) {
  constexpr std::size_t kBatch = 32;
  std::array<std::array<char, 2048>, kBatch> buffers;
  std::array<IncomingDatagram, kBatch> in;
  std::array<OutgoingDatagram, kBatch> out;
  for (std::size_t i = 0; i < kBatch; ++i) in[i].buffer = buffers[i];
  for (;;) {
    const BatchResult got = co_await socket.ReceiveBatch(in);
    if (got.status.closing()) co_return;
    for (std::size_t i = 0; i < got.count; ++i) {
      out[i] = {{in[i].buffer.data(), in[i].bytes}, in[i].from};
    }
    // Who can't be answered is passed over.
    for (std::size_t sent = 0; sent < got.count;) {
      const BatchResult put =
          co_await socket.SendBatch({&out[sent], got.count - sent});
      sent += put.count + (put.ok() ? 0 : 1);
    }
  }
}

int main(int argc, char** argv) {
  Runtime runtime;
  auto address = SocketAddress::Parse(argc > 1 ? argv[1] : "127.0.0.1:7000");
  auto socket =
      address.ok() ? DatagramSocket::Bind(runtime, *address) : address.status();
  if (!socket.ok()) {
    std::fprintf(stderr, "%s\n", socket.status().ToString().c_str());
    return 1;
  }
  std::printf("listening on %s\n", socket->address().ToString().c_str());
  std::fflush(stdout);
  runtime.Spawn(Respond(*std::move(socket)));
  return runtime.Run().ok() ? 0 : 1;
}
