// SPDX-License-Identifier: Apache-2.0
//
// An echo server on libevent's events, without its buffers: a callback that
// reads and writes.

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "netpoll/tools/bench/peers/peer.h"

namespace {

constexpr timeval kDeadline{peer::kSeconds, 0};
bool deadlines = false;

struct Connection {
  event* readable = nullptr;
  event* writable = nullptr;
  int fd = -1;
  int begin = 0;
  int end = 0;
  char buffer[peer::kBuffer];
};

void Close(Connection* connection) {
  event_free(connection->readable);
  event_free(connection->writable);
  close(connection->fd);
  delete connection;
}

void Await(Connection* connection) {
  event_add(connection->readable, deadlines ? &kDeadline : nullptr);
}

// False: it is closed, or waits until it can go on.
bool Write(Connection* connection) {
  while (connection->begin < connection->end) {
    const ssize_t put =
        write(connection->fd, connection->buffer + connection->begin,
              static_cast<size_t>(connection->end - connection->begin));
    if (put < 0 && errno == EAGAIN) {
      event_del(connection->readable);
      event_add(connection->writable, nullptr);
      return false;
    }
    if (put <= 0) {
      Close(connection);
      return false;
    }
    connection->begin += static_cast<int>(put);
  }
  return true;
}

void OnReadable(evutil_socket_t fd, short what, void* context) {
  auto* const connection = static_cast<Connection*>(context);
  const ssize_t got = (what & EV_TIMEOUT) != 0
                          ? 0
                          : read(fd, connection->buffer, peer::kBuffer);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return Close(connection);
  connection->begin = 0;
  connection->end = static_cast<int>(got);
  // Its time begins anew by itself, as it is EV_PERSIST.
  Write(connection);
}

void OnWritable(evutil_socket_t, short, void* context) {
  auto* const connection = static_cast<Connection*>(context);
  if (Write(connection)) Await(connection);
}

void OnClient(evutil_socket_t listener, short, void* context) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  if (fd < 0) return;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  auto* const base = static_cast<event_base*>(context);
  auto* const connection = new Connection;
  connection->fd = fd;
  connection->readable =
      event_new(base, fd, EV_READ | EV_PERSIST, &OnReadable, connection);
  connection->writable = event_new(base, fd, EV_WRITE, &OnWritable, connection);
  Await(connection);
}

}  // namespace

int main(int count, char** arguments) {
  deadlines = peer::WantsDeadlines(count, arguments);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const where = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, where, size) != 0 || listen(listener, 4096) != 0 ||
      getsockname(listener, where, &size) != 0) {
    peer::Die("libevent: listen");
  }
  event_base* const base = event_base_new();
  event* const accepts =
      event_new(base, listener, EV_READ | EV_PERSIST, &OnClient, base);
  event_add(accepts, nullptr);
  peer::SayWhere(ntohs(address.sin_port));
  event_base_dispatch(base);
}
