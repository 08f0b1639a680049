// SPDX-License-Identifier: Apache-2.0
//
// One client of a Server, for as long as its session lives: the socket, what
// is counted, and the time the client may take.
//
// Time. What a client is waited for is a turn: a session numbers its turns, and
// a turn's time runs from when it began, whatever comes meanwhile. A write that
// can't be done at once has its own, from when it had to wait to its last byte:
// a client that takes a byte now and then wins no more by it.
//
// Memory. A coroutine's frame has a place for each thing that it awaits, for as
// long as it lives, though it awaits one at a time. A session has thousands of
// frames, so what it awaits is small, and the operation itself is here, where
// the next one takes its place.

#ifndef NETPOLL_TOOLS_SERVER_CONNECTION_H_
#define NETPOLL_TOOLS_SERVER_CONNECTION_H_

#include <array>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <new>
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
  using Reading = decltype(std::declval<Socket&>().Read(std::span<char>()));
  using Writing = decltype(std::declval<Socket&>().Write(std::string_view()));

 public:
  class ReadOp {
   public:
    explicit ReadOp(Connection& connection) : connection_(connection) {}
    ReadOp(const ReadOp&) = delete;
    ReadOp& operator=(const ReadOp&) = delete;
    ~ReadOp() {
      if (connection_.reads_) connection_.operation_.reading.~Reading();
    }
    bool await_ready() {
      return !connection_.reads_ || reading().await_ready();
    }
    // Inline also where nothing else is: the operation looks who calls.
    template <class Promise>
    [[gnu::always_inline]] bool await_suspend(
        std::coroutine_handle<Promise> task) {
      return reading().await_suspend(task);
    }
    IoResult await_resume() const {
      return connection_.reads_ ? reading().await_resume()
                                : connection_.operation_.was_there;
    }

   private:
    Reading& reading() const { return connection_.operation_.reading; }
    Connection& connection_;
  };

  class WriteOp {
   public:
    explicit WriteOp(Connection& connection) : connection_(connection) {}
    WriteOp(const WriteOp&) = delete;
    WriteOp& operator=(const WriteOp&) = delete;
    ~WriteOp() { writing().~Writing(); }
    bool await_ready() { return writing().await_ready(); }
    // Once it is parked, nothing of this may be touched.
    template <class Promise>
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<Promise> task) {
      connection_.StartWrite();
      return writing().await_suspend(task);
    }
    bool await_resume() const {
      return connection_.EndWrite(writing().await_resume());
    }

   private:
    Writing& writing() const { return connection_.operation_.writing; }
    Connection& connection_;
  };

  Connection(Server& server, Socket socket)
      : Client(server, std::move(socket)) {}

  // co_await Read(buffer, false): as the socket's. `at_once`: what is there
  // without waiting; a timeout if nothing is. One operation at a time, with
  // Write's.
  ReadOp Read(std::span<char> buffer, bool at_once) {
    Begin(buffer, at_once);
    return ReadOp(*this);
  }
  template <std::size_t kSize>
  ReadOp Read(std::array<char, kSize>& buffer, bool at_once) {
    Begin(buffer, at_once);
    return ReadOp(*this);
  }

  // co_await Write(data): true when all is written. It takes no longer than the
  // server's write timeout. While the socket takes everything at once it costs
  // neither a look at the clock nor a timer. False ends the session, and how
  // is counted, as what was written is.
  WriteOp Write(std::string_view data) {
    ::new (&operation_.writing) Writing(socket().Write(data));
    return WriteOp(*this);
  }
  // The same, of the first `size` bytes of `buffer`.
  template <std::size_t kSize>
  WriteOp Write(const std::array<char, kSize>& buffer, std::size_t size) {
    return Write(std::string_view(buffer.data(), size));
  }

  // Call before each read. The time begins anew when `turn` differs from the
  // last: a session numbers its waits so that it changes exactly when the
  // client is given new time. Then draining() tells whether to read on.
  void StartTurn(std::uint64_t turn, Awaited awaited);

  // A read timed out. True: only because the server has begun to drain, and
  // the turn's time goes on.
  bool WokenToDrain();

  // Counts how a read or a write ended the session. A client that goes away,
  // however rudely, is no error.
  void Ended(IoStatus status);

  // Ends the output, and waits a little until the client has taken it: closing
  // at once, with input unread, would destroy what is under way.
  Task<void> Linger();

 private:
  // What is awaited, made here and ended by who awaits it.
  union Operation {
    Operation() {}
    ~Operation() {}
    IoResult was_there;
    Reading reading;
    Writing writing;
  };

  void Begin(std::span<char> buffer, bool at_once) {
    reads_ = !at_once;
    if (at_once) {
      operation_.was_there = ReadNow(buffer);
    } else {
      ::new (&operation_.reading) Reading(socket().Read(buffer));
    }
  }
  IoResult ReadNow(std::span<char> buffer);
  // About to wait, and it has ended, waited or not.
  void StartWrite();
  bool EndWrite(IoResult put);
  // How long the client may be waited for now; 0: for ever. Until when.
  std::chrono::nanoseconds Limit() const;
  Deadline TurnEnds() const;

  std::int64_t began_ = 0;    // The turn; 0: its time is not limited.
  std::uint32_t turn_ = ~0u;  // The low bits of its number.
  Awaited awaited_ = Awaited::kNext;
  bool reads_ = false;          // The read under way is an operation.
  bool write_limited_ = false;  // The write under way has a deadline.
  Operation operation_;
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_CONNECTION_H_
