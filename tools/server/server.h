// SPDX-License-Identifier: Apache-2.0
//
// Server: accepts clients and runs one session (a coroutine) for each, until
// it is told to drain.
//
//   listening -> draining -> done
//
// listening  Clients are accepted; above `max_connections` they wait in the
//            system's queue. When the system refuses (no descriptors left, or
//            no memory), the server says so, pauses and tries again: it does
//            not spin, and what it has goes on. When there is no memory for a
//            session the client is closed.
// draining   The listener is closed. Sessions end as soon as they have no open
//            request: an idle one is woken by a past read deadline, the others
//            look at draining() when they have answered.
// done       The last session has ended.

#ifndef NETPOLL_TOOLS_SERVER_SERVER_H_
#define NETPOLL_TOOLS_SERVER_SERVER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/wakeup.h"
#include "netpoll/tools/common/time_allowed.h"
#include "netpoll/tools/server/counts.h"
#include "netpoll/tools/server/pages.h"
#include "netpoll/tools/server/refusal_log.h"

namespace netpoll::server {

class Client;
class ClientLog;

struct Totals {
  std::uint64_t connections = 0;
  std::uint64_t open = 0;  // Of those, now.
  // Clients that the system let wait or dropped, and that there was no memory
  // for; each once, however often it was tried.
  std::uint64_t refused = 0;
  std::uint64_t cut = 0;  // Open when the runtime was stopped.
  Counts counts;
};

struct ServerOptions {
  // How long a client may keep the server waiting; 0: for ever. Dribbling
  // bytes wins no time. From when the connection becomes idle to the next
  // request, and from a request's first byte to its last;
  tools::TimeAllowed read_timeout;
  // from a request's first byte to the end of its header;
  tools::TimeAllowed header_timeout;
  // to its last byte;
  tools::TimeAllowed request_timeout;
  // and from when a write has to wait until the client has taken all of it.
  tools::TimeAllowed write_timeout;
  int max_connections = 0;  // 0: no limit but the system's.
  // Asks silent TCP clients now and then whether they are still there.
  bool keepalive = true;
  bool log_refusals = true;  // On standard error.
  ClientLog* log = nullptr;  // Of those that have left; outlives the server.
  const Pages* pages = nullptr;  // For HTTP; the same.

  // The shortest of those that apply to a wait; 0 if none does.
  std::chrono::nanoseconds LimitOf(bool in_header, bool in_request) const;
};

class Server {
 public:
  // What is run for each client; its first act is to make a Client.
  using Session = Task<void> (*)(Server& server, Socket socket);

  Server(Runtime& runtime, Listener listener, Session session,
         ServerOptions options)
      : runtime_(runtime), session_(session), options_(options) {
    AlsoAccept(std::move(listener));
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Another one that has the port too: before Start.
  void AlsoAccept(Listener listener) {
    doors_.push_back(std::make_unique<Door>(std::move(listener)));
  }

  // Spawns a task for each listener. `when_done` is called once, by some
  // worker.
  void Start(std::function<void()> when_done = {});

  // From any thread, any number of times.
  void Drain();
  // Stops the runtime, whoever is still served.
  void Cut();
  bool draining() const { return draining_.load(); }

  // By a session that ends because there is no memory to go on: its client is
  // refused.
  void NoMemory();

  // Until now.
  Totals totals() const;

  Runtime& runtime() { return runtime_; }
  const ServerOptions& options() const { return options_; }
  const SocketAddress& address() const {
    return doors_.front()->listener.address();
  }

 private:
  friend Client;

  struct Door {
    explicit Door(Listener opened) : listener(std::move(opened)) {}

    Listener listener;
    Wakeup room;  // HasRoom may have changed.
  };

  Task<void> Accept(Door& door);
  bool Admit(Socket socket);
  // Once more, if it is the client that the last try was for.
  void Refused(int error, bool same_client);
  static void KeepAlive(Listener& listener);
  void RoomMayBe() {
    for (const auto& door : doors_) door->room.Wake();
  }
  // Whether a connection may be accepted, or the server drains.
  bool HasRoom() const;
  void Enter(Client* client);
  void Leave(Client* client);
  void Depart(std::unique_lock<std::mutex> hold);

  Runtime& runtime_;
  std::vector<std::unique_ptr<Door>> doors_;
  const Session session_;
  const ServerOptions options_;
  std::function<void()> when_done_;
  std::atomic<bool> draining_{false};

  mutable std::mutex mutex_;  // Guards what follows.
  Totals totals_;
  RefusalLog refusals_;
  int open_ = 0;     // Sessions that have not ended.
  int present_ = 0;  // The same and the accepting tasks.
  Client* clients_ = nullptr;
};

// A client as its server sees it, for as long as its session lives: whom it
// wakes to drain, what it counts, what it closes. A session derives from it.
class Client {
 public:
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Socket& socket() { return socket_; }
  ClientCounts counts;

 protected:
  Client(Server& server, Socket socket)
      : server_(server), socket_(std::move(socket)) {
    server_.Enter(this);
  }
  ~Client() { server_.Leave(this); }

  Server& server() const { return server_; }

 private:
  friend Server;

  // For the log, if there is one.
  struct Arrival {
    std::string peer;
    std::int64_t time;
  };

  Server& server_;
  Socket socket_;
  std::unique_ptr<Arrival> arrival_;
  // The server's list; under its mutex.
  Client* next_ = nullptr;
  Client* previous_ = nullptr;
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_SERVER_H_
