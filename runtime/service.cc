// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/service.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/exceptions.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/listener.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/wakeup.h"

namespace netpoll {
namespace internal {

class ServiceState {
 public:
  ServiceState(Runtime& runtime, Listener accepts, Service::Session session,
               ServiceOptions options)
      : runtime_(runtime),
        listener(std::move(accepts)),
        session_(std::move(session)),
        options_(options) {}

  Task<> Serve();
  Task<DrainResult> Drain(DrainTimes times);
  // False: the session is to end.
  bool BeginsToWait(Client& client);
  bool HasWaited(Client& client, IoStatus status);
  bool draining();
  ServiceCounts counts();
  // Whether nothing is under way.
  bool idle();
  bool has_session() const { return static_cast<bool>(session_); }

 private:
  Task<> RunSession(AcceptResult accepted);
  bool Admit(AcceptResult accepted);
  void Enter(Client& client);
  void Leave(Client& client);
  bool Full();
  Task<> Ended(Deadline deadline);

  Runtime& runtime_;

 public:
  Listener listener;

 private:
  const Service::Session session_;
  const ServiceOptions options_;
  netpoll::Wakeup room_;   // Somebody has left; for Serve.
  netpoll::Wakeup ended_;  // The last has, or Serve; for Drain.

  StdEnv::Lock lock_;  // Guards what follows.
  ServiceCounts counts_;
  bool serving_ = false;
  bool draining_ = false;
  bool cut_ = false;  // Drain has closed the sockets.
  Client* clients_ = nullptr;
};

bool ServiceState::draining() {
  const LockHolder hold(lock_, "service.draining");
  return draining_;
}

ServiceCounts ServiceState::counts() {
  const LockHolder hold(lock_, "service.counts");
  return counts_;
}

bool ServiceState::idle() {
  const LockHolder hold(lock_, "service.idle");
  return counts_.open == 0 && !serving_;
}

bool ServiceState::Full() {
  const LockHolder hold(lock_, "service.full");
  return options_.max_clients != 0 && counts_.open >= options_.max_clients &&
         !draining_;
}

Task<> ServiceState::Serve() {
  constexpr std::chrono::milliseconds kShortestPause{5};
  constexpr std::chrono::milliseconds kLongestPause{100};
  {
    const LockHolder hold(lock_, "service.serve");
    serving_ = true;
  }
  std::chrono::milliseconds pause = kShortestPause;
  for (bool on = true; on;) {
    while (on && Full()) on = (co_await room_.Wait()).ok();
    if (!on) break;
    AcceptResult accepted = co_await listener.Accept();
    if (accepted.status.closing() || accepted.status.timeout() ||
        accepted.status.cancelled()) {
      break;
    }
    if (accepted.ok() && Admit(std::move(accepted))) {
      pause = kShortestPause;
      continue;
    }
    {
      const LockHolder hold(lock_, "service.refused");
      ++counts_.refused;
    }
    // Nobody says when the system has a descriptor again.
    on = co_await runtime_.Sleep(pause);
    pause = std::min(2 * pause, kLongestPause);
  }
  const LockHolder hold(lock_, "service.served");
  serving_ = false;
  ended_.Wake();
}

// False: there is no memory for its session, and the client is closed.
bool ServiceState::Admit(AcceptResult accepted) {
  {
    const LockHolder hold(lock_, "service.admit");
    ++counts_.accepted;
    ++counts_.open;
  }
  NETPOLL_TRY {
    runtime_.Spawn(RunSession(std::move(accepted)));
    return true;
  }
  NETPOLL_CATCH(const std::bad_alloc&) {
    const LockHolder hold(lock_, "service.no_memory");
    --counts_.accepted;
    --counts_.open;
    return false;
  }
}

Task<> ServiceState::RunSession(AcceptResult accepted) {
  struct Presence {
    Presence(ServiceState& state, AcceptResult result)
        : service(state), client(state, std::move(result)) {
      service.Enter(client);
    }
    ~Presence() { service.Leave(client); }
    ServiceState& service;
    Client client;
  };
  Presence presence(*this, std::move(accepted));
  co_await session_(presence.client);
}

void ServiceState::Enter(Client& client) {
  const LockHolder hold(lock_, "service.enter");
  client.next_ = clients_;
  if (clients_ != nullptr) clients_->link_ = &client.next_;
  client.link_ = &clients_;
  clients_ = &client;
  if (cut_) client.socket_.CloseNow();
}

// The lock is held until all has been said: whoever finds nobody left may
// destroy the service.
void ServiceState::Leave(Client& client) {
  // Its descriptor makes room.
  client.socket_.CloseNow();
  const LockHolder hold(lock_, "service.leave");
  *client.link_ = client.next_;
  if (client.next_ != nullptr) client.next_->link_ = client.link_;
  --counts_.open;
  room_.Wake();
  if (counts_.open == 0) ended_.Wake();
}

bool ServiceState::BeginsToWait(Client& client) {
  const LockHolder hold(lock_, "service.waits");
  if (draining_) return false;
  client.idle_ = true;
  return true;
}

bool ServiceState::HasWaited(Client& client, IoStatus status) {
  const LockHolder hold(lock_, "service.waited");
  client.idle_ = false;
  // A request came at the moment of Drain: it may end.
  if (client.woken_ && status.ok()) {
    client.socket_.SetReadDeadline(Deadline::None());
  }
  return status.ok();
}

Task<> ServiceState::Ended(Deadline deadline) {
  for (bool on = true; on && !idle();) {
    on = (co_await WithTimeout(deadline, ended_.Wait())).ok();
  }
}

Task<DrainResult> ServiceState::Drain(DrainTimes times) {
  DrainResult result;
  {
    const LockHolder hold(lock_, "service.drain");
    if (draining_) {
      result.left = counts_.open;
      co_return result;
    }
    draining_ = true;
    for (Client* client = clients_; client != nullptr; client = client->next_) {
      if (!client->idle_) continue;
      client->woken_ = true;
      client->socket_.SetReadDeadline(Deadline::Past());
    }
  }
  listener.CloseNow();
  room_.Wake();
  co_await Ended(Runtime::After(times.requests));
  {
    const LockHolder hold(lock_, "service.cut");
    cut_ = true;
    for (Client* client = clients_; client != nullptr; client = client->next_) {
      client->socket_.CloseNow();
      ++result.cancelled;
    }
  }
  if (result.cancelled > 0) co_await Ended(Runtime::After(times.cancel));
  result.left = counts().open;
  co_return result;
}

}  // namespace internal

Task<bool> Client::NextRequest() {
  if (!service_.BeginsToWait(*this)) co_return false;
  const IoStatus status = co_await socket_.WaitReadable();
  co_return service_.HasWaited(*this, status);
}

bool Client::draining() const { return service_.draining(); }

Service::Service(Runtime& runtime, Listener listener, Session session,
                 ServiceOptions options)
    : state_(std::make_unique<internal::ServiceState>(
          runtime, std::move(listener), std::move(session), options)) {
  if (!state_->listener.valid()) {
    StdEnv::Misuse("a Service was made with an empty Listener");
  }
  if (!state_->has_session()) {
    StdEnv::Misuse("a Service was made without a session");
  }
}

Service::~Service() {
  if (!state_->idle()) {
    StdEnv::Misuse("a Service was destroyed before its sessions had ended");
  }
}

Task<> Service::Serve() { return state_->Serve(); }

Task<DrainResult> Service::Drain(DrainTimes times) {
  return state_->Drain(times);
}

const SocketAddress& Service::address() const {
  return state_->listener.address();
}

ServiceCounts Service::counts() const { return state_->counts(); }

}  // namespace netpoll
