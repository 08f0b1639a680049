// SPDX-License-Identifier: Apache-2.0
//
// The floor of completions: an echo server that is nothing but a ring of one
// thread, which receives into a buffer of the connection and sends from it.

#ifndef NETPOLL_TOOLS_BENCH_RAW_RING_H_
#define NETPOLL_TOOLS_BENCH_RAW_RING_H_

#include <linux/io_uring.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "netpoll/backends/io_uring/io_uring_sys.h"
#include "netpoll/backends/io_uring/issuer_ring.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/tools/bench/die.h"
#include "netpoll/tools/bench/sockets.h"

namespace netpoll::bench {

// A ring that accepts, whatever `Server` does with what it accepted: that one
// derives from this, and has Completed(completion) and Accepted(fd).
template <class Server>
class AcceptingRing {
 public:
  [[noreturn]] void Run() {
    Accept();
    for (;;) {
      ring_.Enter(Delta::Forever());
      io_uring_cqe completion;
      while (ring_.Take(&completion)) server().Completed(completion);
    }
  }

 protected:
  explicit AcceptingRing(int listener) : listener_(listener) {
    errno = ring_.Init(256, 4096);
    if (errno != 0) DieErrno("io_uring_setup");
  }

  // `of`: what its completion has; 0 is the accept's.
  io_uring_sqe* Next(std::uint64_t of, std::uint8_t opcode, int fd) {
    io_uring_sqe* request = ring_.Next();
    while (request == nullptr) {
      ring_.Enter(Delta::NonBlocking());
      request = ring_.Next();
    }
    request->opcode = opcode;
    request->fd = fd;
    request->user_data = of;
    return request;
  }

  void AcceptCompleted(const io_uring_cqe& completion) {
    if (completion.res >= 0) server().Accepted(completion.res);
    if ((completion.flags & IORING_CQE_F_MORE) == 0) Accept();
  }

  IssuerRing<StdEnv, IoUringSys> ring_;

 private:
  Server& server() { return static_cast<Server&>(*this); }

  void Accept() {
    io_uring_sqe* const request = Next(0, IORING_OP_ACCEPT, listener_);
    request->ioprio = IORING_ACCEPT_MULTISHOT;
    request->accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  }

  const int listener_;
};

class RawRing : public AcceptingRing<RawRing> {
 public:
  explicit RawRing(int listener) : AcceptingRing(listener) {}

 private:
  friend AcceptingRing;

  struct Connection {
    int fd;
    bool sends;
    std::uint32_t begin, end;
    char buffer[16384];
  };

  io_uring_sqe* NextOf(Connection* of, std::uint8_t opcode) {
    return Next(reinterpret_cast<std::uintptr_t>(of), opcode, of->fd);
  }

  void Receive(Connection* to) {
    to->sends = false;
    io_uring_sqe* const request = NextOf(to, IORING_OP_RECV);
    request->addr = reinterpret_cast<std::uintptr_t>(to->buffer);
    request->len = sizeof(to->buffer);
  }

  void Send(Connection* from) {
    from->sends = true;
    io_uring_sqe* const request = NextOf(from, IORING_OP_SEND);
    request->addr =
        reinterpret_cast<std::uintptr_t>(from->buffer + from->begin);
    request->len = from->end - from->begin;
    request->msg_flags = MSG_NOSIGNAL;
  }

  void Completed(const io_uring_cqe& completion) {
    auto* const connection =
        reinterpret_cast<Connection*>(completion.user_data);
    if (connection == nullptr) return AcceptCompleted(completion);
    if (completion.res <= 0) {
      ::close(connection->fd);
      std::free(connection);
      return;
    }
    const auto moved = static_cast<std::uint32_t>(completion.res);
    if (!connection->sends) {
      connection->begin = 0;
      connection->end = moved;
      return Send(connection);
    }
    connection->begin += moved;
    connection->begin < connection->end ? Send(connection)
                                        : Receive(connection);
  }

  void Accepted(int fd) {
    SetNoDelay(fd);
    auto* const made =
        static_cast<Connection*>(std::malloc(sizeof(Connection)));
    if (made == nullptr) DieErrno("malloc");
    made->fd = fd;
    Receive(made);
  }
};

}  // namespace netpoll::bench

#endif  // NETPOLL_TOOLS_BENCH_RAW_RING_H_
