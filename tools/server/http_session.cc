// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/http_session.h"

#include <cstdint>
#include <new>
#include <utility>

#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/server/connection.h"
#include "netpoll/tools/server/http_exchange.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {

Task<void> HttpSession(Server& server, Socket socket) {
  using Next = HttpExchange::Next;
  Connection connection(server, std::move(socket));
  ClientCounts& counts = connection.counts;
  // Answers are made of strings. Where there is no memory for one the client is
  // closed: an exception that left the session would stop the server.
  try {
    HttpExchange http(server.options().pages);
    for (;;) {
      const Next next = http.Advance(server.draining());
      counts.messages = http.requests();
      counts.errors = static_cast<std::uint32_t>(http.errors());
      if (!http.output().empty()) {
        const bool put = co_await connection.Write(http.output());
        http.ClearOutput();
        if (!put) break;
      }
      if (next == Next::kWrite) continue;
      if (next == Next::kLinger) co_await connection.Linger();
      if (next != Next::kRead) break;

      // New time for an idle connection, and for a request that has begun.
      const bool open = http.mid_request();
      connection.StartTurn(2 * counts.messages + (open ? 1 : 0),
                           !open               ? Awaited::kNext
                           : http.mid_header() ? Awaited::kHeader
                                               : Awaited::kBody);
      const IoResult got =
          co_await connection.Read(http.Room(), server.draining() && !open);
      if (got.status.timeout() && connection.WokenToDrain()) continue;
      if (!got.ok() || got.bytes == 0) {
        connection.Ended(got.status);
        break;
      }
      counts.bytes_in += got.bytes;
      http.Received(got.bytes);
    }
  } catch (const std::bad_alloc&) {
    server.NoMemory();
  }
}

}  // namespace netpoll::server
