// SPDX-License-Identifier: Apache-2.0
//
// io_uring in completion mode: the ring of a worker. The calls that it carries
// out are begun by the worker's tasks, handed over by the io_uring_enter in
// which the worker waits, and end in it; one such call moves the messages of
// many connections. The poller that is beside it, for whatever waits for
// readiness, for deadlines and breaks, is watched by the ring: so the worker
// sleeps in one place.
//
// Only the worker's thread touches it.

#ifndef NETPOLL_RUNTIME_WORKER_RING_H_
#define NETPOLL_RUNTIME_WORKER_RING_H_

#include <linux/io_uring.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "netpoll/backends/io_uring/io_uring_sys.h"
#include "netpoll/backends/io_uring/issuer_ring.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/host_poller.h"
#include "netpoll/runtime/ring_call.h"

namespace netpoll::internal {

class WorkerRing {
 public:
  // Of the worker `me`, with its poller.
  WorkerRing(std::uint32_t me, HostPoller& poller) : me_(me), poller_(poller) {}
  WorkerRing(const WorkerRing&) = delete;
  WorkerRing& operator=(const WorkerRing&) = delete;
  // No call is under way.
  ~WorkerRing();

  // Why there can be none here, in a few words; empty: there can.
  static std::string WhyNot();

  // 0, or the errno. Room for so many requests that are gathered for one call,
  // and for so many completions, beyond which the kernel keeps them elsewhere.
  int Init(unsigned requests = kRequests, unsigned completions = kCompletions);
  // The worker is about to leave: ends the calls of tasks that began when it
  // was to leave already. They are begun anew, elsewhere.
  PollResult EndAll();

  // As the poller's, of both.
  PollResult Poll(Delta delta);
  PollResult PollAll();

  // Begin a call: False: there is no room for it now.
  bool Receive(RingCall& call, int fd, char* buffer, std::size_t size);
  bool Send(RingCall& call, int fd, const char* data, std::size_t size);
  // Moves the new descriptor's number; `peer` is written as accept4 does it.
  bool Accept(RingCall& call, int fd, sockaddr* peer, socklen_t* size);
  // Moves nothing. Ends when a write would not block, or has an error to tell.
  bool AwaitWritable(RingCall& call, int fd);
  // Asks for the end of a call that was begun. Its completion comes all the
  // same, and may still say that it moved something.
  void Recall(const RingCall& call);

 private:
  using Issuer = IssuerRing<StdEnv, IoUringSys>;

  static constexpr unsigned kRequests = 256;
  static constexpr unsigned kCompletions = 1024;
  // Not the address of a call.
  static constexpr std::uint64_t kSilent = 0;
  static constexpr std::uint64_t kPollerKey = 1;

  // Null: there is no room now.
  io_uring_sqe* Next() {
    io_uring_sqe* const request = ring_.Next();
    return request != nullptr ? request : NextAfterEnter();
  }
  [[gnu::cold, gnu::noinline]] io_uring_sqe* NextAfterEnter();
  io_uring_sqe* Begin(RingCall& call);
  void Enter(Delta delta);
  void WatchPoller();
  io_uring_sqe& NextInAnyCase();
  int TakeAll(PollResult& result);

  const std::uint32_t me_;
  HostPoller& poller_;
  Issuer ring_;
  std::int64_t under_way_ = 0;
  bool watched_ = false;  // The ring will tell when the poller has something.
  bool news_ = false;     // It has told.
};

// --- What each message passes ------------------------------------------------

inline io_uring_sqe* WorkerRing::Begin(RingCall& call) {
  io_uring_sqe* const request = Next();
  if (request == nullptr) [[unlikely]]
    return nullptr;
  call.flight.Begin();
  call.BeginOn(me_);
  ++under_way_;
  request->user_data = reinterpret_cast<std::uintptr_t>(&call);
  return request;
}

// The kernel tries before it waits: to have it wait at once costs more in a
// busy server, where the next message has often come by then.
inline bool WorkerRing::Receive(RingCall& call, int fd, char* buffer,
                                std::size_t size) {
  io_uring_sqe* const request = Begin(call);
  if (request == nullptr) [[unlikely]]
    return false;
  request->opcode = IORING_OP_RECV;
  request->fd = fd;
  request->addr = reinterpret_cast<std::uintptr_t>(buffer);
  request->len = static_cast<std::uint32_t>(
      std::min<std::size_t>(size, std::size_t{1} << 30));
  return true;
}

inline bool WorkerRing::Send(RingCall& call, int fd, const char* data,
                             std::size_t size) {
  io_uring_sqe* const request = Begin(call);
  if (request == nullptr) [[unlikely]]
    return false;
  request->opcode = IORING_OP_SEND;
  request->fd = fd;
  request->addr = reinterpret_cast<std::uintptr_t>(data);
  request->len = static_cast<std::uint32_t>(size);
  request->msg_flags = MSG_NOSIGNAL;
  return true;
}

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_WORKER_RING_H_
