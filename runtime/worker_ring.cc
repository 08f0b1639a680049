// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/worker_ring.h"

#include <linux/io_uring.h>
#include <poll.h>
#include <sys/socket.h>

#include <bit>
#include <cerrno>
#include <cstdint>
#include <string>

#include "netpoll/backends/io_uring/fatal_ring.h"
#include "netpoll/backends/io_uring/io_uring_sys.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/host_poller.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/ring_call.h"

namespace netpoll::internal {
namespace {

// How long a kernel that can't take a request is given, in nanoseconds; and how
// often.
constexpr std::int64_t kPause = 1'000'000;
constexpr int kPauses = 5000;

void Polls(io_uring_sqe& request, int fd, std::uint32_t events) {
  request.opcode = IORING_OP_POLL_ADD;
  request.fd = fd;
  // Two halves, each in the machine's order.
  request.poll32_events =
      std::endian::native == std::endian::big ? events << 16 : events;
}

}  // namespace

WorkerRing::~WorkerRing() {
  if (under_way_ == 0) return;
  StdEnv::Misuse("a worker's ring was destroyed while it carried out calls");
}

std::string WorkerRing::WhyNot() {
  Issuer trial;
  switch (const int error = trial.Init(1, 2); error) {
    case 0:
      return "";
    case EINVAL:
    case ENOSYS:
      return "the kernel has no rings of one thread, which came with Linux 6.1";
    case EPERM:
    case EACCES:
      return "the sysctl kernel.io_uring_disabled or a seccomp filter forbids "
             "it";
    default:
      return ErrnoName(error);
  }
}

int WorkerRing::Init(unsigned requests, unsigned completions) {
  return ring_.Init(requests, completions);
}

PollResult WorkerRing::EndAll() {
  PollResult result;
  while (under_way_ > 0) {
    io_uring_sqe& request = NextInAnyCase();
    request.opcode = IORING_OP_ASYNC_CANCEL;
    request.fd = -1;
    request.cancel_flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
    request.user_data = kSilent;
    Enter(Delta::Forever());
    TakeAll(result);
  }
  return result;
}

PollResult WorkerRing::Poll(Delta delta) {
  WatchPoller();
  Enter(news_ ? Delta::NonBlocking() : delta);
  PollResult result;
  TakeAll(result);
  if (news_) {
    news_ = false;
    // A break is taken by whoever would have slept.
    PollResult more =
        poller_.Poll(delta.blocking() ? Delta::Waited() : Delta::NonBlocking());
    result.Append(more);
  }
  return result;
}

PollResult WorkerRing::PollAll() {
  PollResult result;
  // More can't have been there when it began.
  constexpr std::int64_t kOthers = 256;
  for (std::int64_t most = under_way_ + kOthers; most > 0; --most) {
    Enter(Delta::NonBlocking());
    most -= TakeAll(result);
    if (!ring_.Pending()) break;
  }
  news_ = false;
  PollResult more = poller_.PollAll();
  result.Append(more);
  return result;
}

bool WorkerRing::Accept(RingCall& call, int fd, sockaddr* peer,
                        socklen_t* size) {
  io_uring_sqe* const request = Begin(call);
  if (request == nullptr) return false;
  request->opcode = IORING_OP_ACCEPT;
  request->fd = fd;
  request->addr = reinterpret_cast<std::uintptr_t>(peer);
  request->addr2 = reinterpret_cast<std::uintptr_t>(size);
  request->accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  return true;
}

bool WorkerRing::AwaitWritable(RingCall& call, int fd) {
  io_uring_sqe* const request = Begin(call);
  if (request == nullptr) return false;
  Polls(*request, fd, POLLOUT);
  return true;
}

// Whatever the kernel says, the call's own completion tells how it ended.
void WorkerRing::Recall(const RingCall& call) {
  io_uring_sqe& request = NextInAnyCase();
  request.opcode = IORING_OP_ASYNC_CANCEL;
  request.fd = -1;
  request.addr = reinterpret_cast<std::uintptr_t>(&call);
  request.flags = IOSQE_CQE_SKIP_SUCCESS;
  request.user_data = kSilent;
}

io_uring_sqe& WorkerRing::NextInAnyCase() {
  io_uring_sqe* request = Next();
  for (int left = kPauses; request == nullptr; request = Next()) {
    if (--left == 0) FatalRing(EBUSY);
    IoUringSys::Pause(kPause);
  }
  return *request;
}

// Makes room.
io_uring_sqe* WorkerRing::NextAfterEnter() {
  Enter(Delta::NonBlocking());
  return ring_.Next();
}

void WorkerRing::Enter(Delta delta) {
  switch (const int error = ring_.Enter(delta); error) {
    case 0:
    case EINTR:
    case ETIME:
      return;
    case EAGAIN:
    case EBUSY:
    case ENOMEM:
      // What it could not take is handed over the next time.
      if (delta.blocking()) IoUringSys::Pause(kPause);
      return;
    default:
      FatalRing(error);
  }
}

// Asks anew each time: what the poller has not handed out is told at once.
void WorkerRing::WatchPoller() {
  if (watched_ || news_) return;
  io_uring_sqe* const request = Next();
  if (request == nullptr) {
    news_ = true;  // Nobody will tell.
    return;
  }
  Polls(*request, poller_.PollFd(), POLLIN);
  request->user_data = kPollerKey;
  watched_ = true;
}

// How many there were.
int WorkerRing::TakeAll(PollResult& result) {
  int count = 0;
  io_uring_cqe completion;
  for (; ring_.Take(&completion); ++count) {
    if (completion.user_data == kPollerKey) {
      watched_ = false;
      news_ = true;
    } else if (completion.user_data != kSilent) {
      --under_way_;
      auto* const call = reinterpret_cast<RingCall*>(completion.user_data);
      PollDesc<StdEnv>& desc = call->of.desc;
      call->flight.End(completion.res, desc, desc.generation(), call->direction,
                       result);
    }
  }
  return count;
}

}  // namespace netpoll::internal
