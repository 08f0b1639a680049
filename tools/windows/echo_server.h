// SPDX-License-Identifier: Apache-2.0
//
// An echo server: a thread for each connection, all on one poller.

#ifndef NETPOLL_TOOLS_WINDOWS_ECHO_SERVER_H_
#define NETPOLL_TOOLS_WINDOWS_ECHO_SERVER_H_

#include <atomic>
#include <chrono>
#include <list>
#include <thread>

#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/runtime/iocp/thread_driver.h"
#include "netpoll/runtime/iocp/thread_socket.h"

namespace netpoll::windows {

class EchoServer {
 public:
  EchoServer() = default;
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;
  ~EchoServer();

  // Listens on `address`. 0, or an errno; then it is only destroyed.
  int Open(const sockaddr_in& address);
  sockaddr_in address() const;

  // Serves until Stop, from any thread. 0, or the errno that ended it. A
  // client that sends nothing for `read_timeout` is closed; 0: never.
  int Serve(std::chrono::nanoseconds read_timeout);
  void Stop() { listener_.Close(); }

 private:
  using TheDriver = Driver<>;
  using TheSocket = Socket<TheDriver>;

  struct Connection {
    explicit Connection(TheDriver& driver) : socket(driver) {}
    TheSocket socket;
    std::thread thread;
    std::atomic<bool> over = false;
  };

  static void Echo(Connection& connection,
                   std::chrono::nanoseconds read_timeout);
  // Joins those that are over, or all.
  void Reap(bool all);

  TheDriver driver_;
  TheSocket listener_{driver_};
  std::list<Connection> connections_;
  bool open_ = false;
};

}  // namespace netpoll::windows

#endif  // NETPOLL_TOOLS_WINDOWS_ECHO_SERVER_H_
