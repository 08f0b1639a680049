// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/echo_session.h"

#include <array>
#include <utility>

#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/server/connection.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {

// In steady state: read, write, and a read that has to wait. Nothing is
// allocated, and no other system call is made.
Task<void> EchoSession(Server& server, Socket socket) {
  Connection connection(server, std::move(socket));
  std::array<char, kEchoBuffer> buffer;
  for (;;) {
    connection.StartTurn(connection.counts.messages, Awaited::kNext);
    // What came before the end is still echoed.
    const IoResult got = co_await connection.Read(buffer, server.draining());
    if (got.status.timeout() && connection.WokenToDrain()) continue;
    if (!got.ok() || got.bytes == 0) {
      connection.Ended(got.status);
      break;
    }
    connection.counts.bytes_in += got.bytes;
    const bool put = co_await connection.Write(buffer, got.bytes);
    if (!put) break;
    ++connection.counts.messages;
  }
}

}  // namespace netpoll::server
