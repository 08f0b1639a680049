// SPDX-License-Identifier: Apache-2.0
//
// One client of a Server, for as long as its session lives: the socket, what
// is counted, and the time the client may take.
//
// Time. What a client is waited for is a turn: a session numbers its turns, and
// a turn's time runs from when it began, whatever comes meanwhile. A write that
// can't be done at once has its own, from when it had to wait to its last byte:
// a client that takes a byte now and then wins no more by it.

#ifndef NETPOLL_TOOLS_SERVER_CONNECTION_H_
#define NETPOLL_TOOLS_SERVER_CONNECTION_H_

#include <coroutine>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "netpoll/core/deadline.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/server/server.h"

namespace netpoll::server {

// What a client is waited for.
enum class Awaited : std::uint8_t { kNext, kHeader, kBody };

class Connection : public Client {
 public:
  // co_await Write(data): as the socket's, and it takes no longer than the
  // server's write timeout. While the socket takes everything at once it costs
  // neither a look at the clock nor a timer.
  class WriteOp {
   public:
    WriteOp(Connection& connection, std::string_view data)
        : connection_(connection), write_(connection.socket().Write(data)) {}
    bool await_ready() { return write_.await_ready(); }
    // Once it is parked, nothing of this may be touched.
    template <class Promise>
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<Promise> task) {
      connection_.StartWrite();
      return write_.await_suspend(task);
    }
    IoResult await_resume() const {
      connection_.EndWrite();
      return write_.await_resume();
    }

   private:
    Connection& connection_;
    decltype(std::declval<Socket&>().Write(std::string_view())) write_;
  };

  Connection(Server& server, Socket socket)
      : Client(server, std::move(socket)) {}

  WriteOp Write(std::string_view data) { return WriteOp(*this, data); }

  // Call before each read. The time begins anew when `turn` differs from the
  // last: a session numbers its waits so that it changes exactly when the
  // client is given new time. Then draining() tells whether to read on.
  void StartTurn(std::uint64_t turn, Awaited awaited);

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
  // About to wait, and it has ended, waited or not.
  void StartWrite();
  void EndWrite();

  std::uint64_t turn_ = ~std::uint64_t{0};
  Awaited awaited_ = Awaited::kNext;
  bool write_limited_ = false;  // The write under way has a deadline.
  std::int64_t began_ = 0;      // The turn, if its time is limited.
  Deadline deadline_;
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_CONNECTION_H_
