// SPDX-License-Identifier: Apache-2.0
//
// Service: accepts clients, runs a session for each, and drains in one call.
//
//   Task<> Echo(Client& client) {
//     char buffer[4096];
//     while (co_await client.NextRequest()) {
//       const IoResult got = co_await client.stream().Read(buffer);
//       if (!got.ok() || got.bytes == 0) co_return;
//       ...
//     }
//   }
//   Service service(runtime, *std::move(listener), &Echo);
//   runtime.Spawn(service.Serve());
//   ...
//   DrainResult end = co_await service.Drain({.requests = 5s, .cancel = 1s});
//
// Drain closes the listener and ends the sessions that wait for a request; lets
// those that have one end; then closes their sockets; then gives up, and says
// how many are left. Runtime::Stop ends everything at once, as ever.

#ifndef NETPOLL_RUNTIME_SERVICE_H_
#define NETPOLL_RUNTIME_SERVICE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "netpoll/runtime/listener.h"
#include "netpoll/runtime/stream.h"
#include "netpoll/runtime/task.h"

namespace netpoll {

class Runtime;

namespace internal {
class ServiceState;
}  // namespace internal

// A client, as long as its session lives.
class Client {
 public:
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Socket& stream() { return socket_; }
  // As accept said.
  const SocketAddress& peer() const { return peer_; }

  // co_await: until there is something to be read, the end included. False: the
  // session is to end, since the service drains, the socket is closed, or its
  // read deadline has passed. Who has read part of the next request already
  // does not ask.
  Task<bool> NextRequest();
  // Whether there is to be no request after this one.
  bool draining() const;

 private:
  friend internal::ServiceState;
  Client(internal::ServiceState& service, AcceptResult accepted)
      : service_(service),
        socket_(std::move(accepted.socket)),
        peer_(accepted.peer) {}

  internal::ServiceState& service_;
  Socket socket_;
  SocketAddress peer_;
  // Under the service's lock.
  bool idle_ = false;
  bool woken_ = false;  // By Drain, while it was idle.
  Client* next_ = nullptr;
  Client** link_ = nullptr;
};

struct ServiceOptions {
  // More clients wait in the system's queue; 0: no limit but the system's.
  std::size_t max_clients = 0;
};

struct DrainTimes {
  // How long requests that have begun may take,
  std::chrono::nanoseconds requests = std::chrono::seconds(5);
  // and how long sessions may take to end after that, their sockets closed.
  std::chrono::nanoseconds cancel = std::chrono::seconds(1);
};

struct [[nodiscard]] DrainResult {
  std::size_t cancelled = 0;  // Sessions whose sockets were closed,
  std::size_t left = 0;       // and that had not ended even then.
};

struct ServiceCounts {
  std::uint64_t accepted = 0;
  // Accepts that the system refused (no descriptors left; it is tried again),
  // and clients that there was no memory for.
  std::uint64_t refused = 0;
  std::size_t open = 0;
};

class Service {
 public:
  // Runs as a task of its own for each client; the socket closes at its end. An
  // exception that leaves it stops the runtime, as that of any such task.
  using Session = std::function<Task<>(Client&)>;

  Service(Runtime& runtime, Listener listener, Session session,
          ServiceOptions options = {});
  // Serve and all sessions have ended, or this stops the process.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Accepts, until Drain, Stop, the listener closes, or the scope in which it
  // is awaited is cancelled (cancel.h). Once.
  Task<> Serve();
  // As above; ends when all sessions have, or it has given up. One at a time; a
  // second one ends at once, with those that are open as `left`. In a scope
  // that is cancelled it waits no longer: it closes the sockets, and gives up.
  Task<DrainResult> Drain(DrainTimes times = {});

  const SocketAddress& address() const;
  ServiceCounts counts() const;

 private:
  const std::unique_ptr<internal::ServiceState> state_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_SERVICE_H_
