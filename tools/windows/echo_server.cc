// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/windows/echo_server.h"

#include <cerrno>
#include <chrono>
#include <thread>

#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/iocp/thread_socket.h"

namespace netpoll::windows {

EchoServer::~EchoServer() {
  if (open_) Stop();
  Reap(true);
}

int EchoServer::Open(const sockaddr_in& address) {
  int error = driver_.Start();
  if (error == 0) error = Listen(listener_, address);
  open_ = error == 0;
  return error;
}

sockaddr_in EchoServer::address() const {
  sockaddr_in address{};
  int size = sizeof(address);
  ::getsockname(listener_.fd(), reinterpret_cast<sockaddr*>(&address), &size);
  return address;
}

int EchoServer::Serve(std::chrono::nanoseconds read_timeout) {
  for (;;) {
    Connection& connection = connections_.emplace_back(driver_);
    const IoResult result = listener_.Accept(connection.socket);
    if (result.ok()) {
      connection.thread =
          std::thread([&, read_timeout] { Echo(connection, read_timeout); });
      Reap(false);
      continue;
    }
    connections_.pop_back();
    if (result.status.closing()) return 0;
    // The client has gone already.
    const int error = result.status.error_number();
    if (error == ECONNRESET || error == ECONNABORTED) continue;
    return error;
  }
}

void EchoServer::Echo(Connection& connection,
                      std::chrono::nanoseconds read_timeout) {
  char buffer[4096];
  for (;;) {
    if (read_timeout.count() != 0) {
      connection.socket.SetDeadlineAfter(Mode::kRead, read_timeout);
    }
    const IoResult got = connection.socket.Read(buffer, sizeof(buffer));
    if (!got.ok() || got.bytes == 0) break;
    if (!connection.socket.Write(buffer, got.bytes).ok()) break;
  }
  connection.socket.Close();
  connection.over = true;
}

void EchoServer::Reap(bool all) {
  for (auto it = connections_.begin(); it != connections_.end();) {
    if (!all && !it->over) {
      ++it;
      continue;
    }
    it->socket.Close();
    it->thread.join();
    it = connections_.erase(it);
  }
}

}  // namespace netpoll::windows
