// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include "netpoll/core/deadline.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/server/client_log.h"

namespace netpoll::server {
namespace {

// Between two tries to accept while the system refuses.
constexpr std::chrono::milliseconds kShortestPause{5};
constexpr std::chrono::milliseconds kLongestPause{100};

// A client that says nothing is asked after a minute, and is gone when it has
// not answered four times: two minutes in all.
constexpr int kKeepIdle = 60;
constexpr int kKeepInterval = 15;
constexpr int kKeepCount = 4;

// Of the errors of accept: the client is still there at the next try. Otherwise
// (no memory, no more watches) it may have been closed.
bool StaysInQueue(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS;
}

}  // namespace

std::chrono::nanoseconds ServerOptions::LimitOf(bool in_header,
                                                bool in_request) const {
  std::chrono::nanoseconds limit = read_timeout;
  const auto apply = [&limit](std::chrono::nanoseconds other) {
    if (other.count() == 0) return;
    limit = limit.count() == 0 ? other : std::min(limit, other);
  };
  if (in_header) apply(header_timeout);
  if (in_request) apply(request_timeout);
  return limit;
}

void Server::Start(std::function<void()> when_done) {
  when_done_ = std::move(when_done);
  present_ = static_cast<int>(doors_.size());
  for (const auto& door : doors_) {
    if (options_.keepalive && !address().is_unix()) KeepAlive(door->listener);
    runtime_.Spawn(Accept(*door));
  }
}

// Those that are accepted inherit it.
void Server::KeepAlive(Listener& listener) {
  listener.WithFd([](int fd) {
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepIdle, sizeof(kKeepIdle));
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepInterval,
                 sizeof(kKeepInterval));
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kKeepCount, sizeof(kKeepCount));
  });
}

Task<void> Server::Accept(Door& door) {
  std::chrono::milliseconds pause = kShortestPause;
  bool refused_first = false;  // Whoever is first in the system's queue.
  for (;;) {
    for (bool waits = options_.max_connections > 0; waits && !HasRoom();) {
      waits = (co_await door.room.Wait()).ok();
    }
    AcceptResult accepted = co_await door.listener.Accept();
    if (accepted.ok() && Admit(std::move(accepted.socket))) {
      pause = kShortestPause;
      refused_first = false;
      continue;
    }
    if (accepted.status.closing()) break;
    const int error = accepted.ok() ? ENOMEM : accepted.status.error_number();
    const bool waits = StaysInQueue(error);
    Refused(error, waits && refused_first);
    refused_first = waits;
    // Nobody says when the system has a descriptor again.
    if (!co_await runtime_.Sleep(pause)) break;
    pause = std::min(2 * pause, kLongestPause);
  }
  Depart(std::unique_lock(mutex_));
}

// False: there is no memory for its session, and the client was closed.
bool Server::Admit(Socket socket) {
  {
    const std::lock_guard hold(mutex_);
    ++totals_.connections;
    ++open_;
    ++present_;
  }
  try {
    runtime_.Spawn(session_(*this, std::move(socket)));
    return true;
  } catch (const std::bad_alloc&) {
    const std::lock_guard hold(mutex_);
    --totals_.connections;
    --open_;
    --present_;
    return false;
  }
}

void Server::Refused(int error, bool same_client) {
  const std::lock_guard hold(mutex_);
  if (!same_client) ++totals_.refused;
  if (options_.log_refusals) refusals_.Add(error, Runtime::Now());
}

void Server::NoMemory() { Refused(ENOMEM, false); }

// Whoever leaves, last of all: the server may be gone after it.
void Server::Depart(std::unique_lock<std::mutex> hold) {
  if (--present_ > 0) return;
  const std::function<void()> when_done = std::move(when_done_);
  hold.unlock();
  if (when_done) when_done();
}

void Server::Drain() {
  {
    const std::lock_guard hold(mutex_);
    if (draining_.exchange(true)) return;
    for (Client* c = clients_; c != nullptr; c = c->next_) {
      c->socket().SetReadDeadline(Deadline::Past());
    }
  }
  for (const auto& door : doors_) door->listener.CloseNow();
  RoomMayBe();
}

void Server::Cut() {
  {
    const std::lock_guard hold(mutex_);
    totals_.cut = static_cast<std::uint64_t>(open_);
  }
  runtime_.Stop();
}

Totals Server::totals() const {
  const std::lock_guard hold(mutex_);
  Totals totals = totals_;
  totals.open = static_cast<std::uint64_t>(open_);
  for (const Client* c = clients_; c != nullptr; c = c->next_) {
    totals.counts.Add(c->counts);
  }
  return totals;
}

bool Server::HasRoom() const {
  const std::lock_guard hold(mutex_);
  return open_ < options_.max_connections || draining();
}

void Server::Enter(Client* client) {
  if (options_.log != nullptr) {
    const auto peer = client->socket().PeerAddress();
    client->arrival_ = std::make_unique<Client::Arrival>(Client::Arrival{
        peer.ok() ? peer->ToString() : "(gone)", Runtime::Now()});
  }
  const std::lock_guard hold(mutex_);
  client->next_ = clients_;
  if (clients_ != nullptr) clients_->previous_ = client;
  clients_ = client;
}

void Server::Leave(Client* client) {
  if (client->arrival_ != nullptr) {
    const Client::Arrival& arrival = *client->arrival_;
    options_.log->Add(
        arrival.peer, client->counts,
        1e-9 * static_cast<double>(Runtime::Now() - arrival.time));
  }
  {
    // Unlinked before the socket closes: Drain touches no dead one.
    const std::lock_guard hold(mutex_);
    Client* const previous = client->previous_;
    Client* const next = client->next_;
    (previous != nullptr ? previous->next_ : clients_) = next;
    if (next != nullptr) next->previous_ = previous;
    totals_.counts.Add(client->counts);
  }
  client->socket().CloseNow();  // Its descriptor makes room.
  std::unique_lock hold(mutex_);
  --open_;
  RoomMayBe();
  Depart(std::move(hold));
}

}  // namespace netpoll::server
