// SPDX-License-Identifier: Apache-2.0
//
// One client of a Server, for as long as its session lives: the socket, what
// is counted, and the time the client may take.

#ifndef NETPOLL_TOOLS_SERVER_CONNECTION_H_
#define NETPOLL_TOOLS_SERVER_CONNECTION_H_

#include <cstdint>
#include <span>

#include "netpoll/core/delta.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {

class Connection {
 public:
  Connection(Server& server, Socket socket);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { server_.Leave(this); }

  Socket& socket() { return socket_; }
  Counts counts;

  // Call before each read. Starts the read timeout anew when `turn` differs
  // from the last: a session numbers its waits so that it changes exactly when
  // the client is given new time. Then draining() tells whether to read on.
  void StartTurn(std::uint64_t turn);

  // A read timed out. True: only because the server has begun to drain, and
  // the turn's time goes on.
  bool WokenToDrain();

  // What is there to be read, without waiting; a timeout if nothing is.
  IoResult ReadNow(std::span<char> buffer);

  // Counts how a read or a write ended the session. A client that goes away,
  // however rudely, is no error.
  void Ended(IoStatus status);

  // Ends the output, and waits a little until the client has taken it: closing
  // at once, with input unread, would destroy what is under way.
  Task<void> Linger();

 private:
  friend Server;

  Server& server_;
  Socket socket_;
  std::uint64_t turn_ = ~std::uint64_t{0};
  Deadline deadline_;
  // The server's list; under its mutex.
  Connection* next_ = nullptr;
  Connection* previous_ = nullptr;
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_CONNECTION_H_
