// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/fd_state.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/bound_name.h"
#include "netpoll/runtime/closers.h"
#include "netpoll/runtime/host_poller.h"
#include "netpoll/runtime/probes.h"
#include "netpoll/runtime/protocols/open_list.h"
#include "netpoll/runtime/ring_call.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/shard.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/worker.h"

namespace netpoll::internal {
namespace {

// Whether a ring can carry out the calls of what the program hands in: a
// non-blocking socket that moves a stream of bytes, or listens for such. Of
// what else there may be the runtime is told by readiness.
bool IsStream(int fd) {
  if (GetOption(fd, SO_TYPE) != SOCK_STREAM) return false;
  const int family = GetOption(fd, SO_DOMAIN);
  const bool known =
      family == AF_INET || family == AF_INET6 || family == AF_UNIX;
  return known && sys.examine_pollable(fd).error == 0;
}

// Whether close(2) waits until the peer has everything, or for some time.
bool Lingers(int fd) {
  linger set{};
  socklen_t size = sizeof(set);
  return sys.getsockopt(fd, SOL_SOCKET, SO_LINGER, &set, &size) == 0 &&
         set.l_onoff != 0 && set.l_linger > 0;
}

}  // namespace

struct FdState::Rare {
  explicit Rare(FdState* fd) : retries{{fd, Mode::kRead}, {fd, Mode::kWrite}} {}

  RetryTimer retries[2];
  // A Unix socket's file; goes when this is closed. Null if there is none.
  std::unique_ptr<BoundName> bound;
};

FdState::FdState(Scheduler& owner, Shard& where, PollDesc<StdEnv>* opened,
                 int number)
    : fd(number),
      generation(opened->generation()),
      scheduler(owner),
      poller(where),
      desc(opened) {}
FdState::~FdState() { delete rare_.Load("rare.end", Order::kAcquire); }

int FdState::Open(Scheduler& scheduler, int fd, Origin origin, FdState** state,
                  std::unique_ptr<BoundName>* file) {
  if (!scheduler.status().ok()) return ENODEV;
  const bool given = origin == Origin::kProgram;
  const bool called =
      scheduler.has_rings() &&
      (given ? IsStream(fd) : origin == Origin::kStreamMadeHere);
  Shard& poller = scheduler.PollerFor(given ? std::optional(fd) : std::nullopt);
  InRings& numbers = scheduler.PollerFor(fd).in_rings;
  const int known = called ? numbers.Insert(fd) : 0;
  // What was just made is open once, whatever was remembered.
  if (known != 0 && given) return known;
  const bool in_rings = called && known == 0;
  const auto give_up = [&](int error) {
    if (in_rings) numbers.Erase(fd);
    return error;
  };
  const HostPoller::OpenResult opened =
      poller.Open(fd, called  ? Pollable::kUnwatched
                      : given ? Pollable::kCheck
                              : Pollable::kKnown);
  if (opened.error != 0) return give_up(opened.error);
  scheduler.Count(&WorkerCounts::opens, 1);
  NETPOLL_PROBE1(open, fd);
  auto* made = new (std::nothrow) FdState(scheduler, poller, opened.desc, fd);
  if (made != nullptr && ((called && !made->HaveCalls()) ||
                          (file != nullptr && made->HaveRare() == nullptr))) {
    delete std::exchange(made, nullptr);
  }
  if (made == nullptr) {
    // Nobody waits yet on what was just opened.
    static_cast<void>(poller.Unblock(opened.desc));
    poller.Close(opened.desc, !called);
    return give_up(ENOMEM);
  }
  made->in_rings = in_rings;
  if (given && !called) made->Classify();
  Rare* const rare = file != nullptr ? made->HaveRare() : nullptr;
  if (rare != nullptr) rare->bound = std::move(*file);
  // If the runtime is stopping the caller keeps its descriptor, and the file.
  const bool entered = made->Enter([=] {
    if (rare != nullptr) *file = std::move(rare->bound);
    made->at_end = SystemFd::kKeep;
  });
  if (!entered) return ECANCELED;
  *state = made;
  return 0;
}

bool FdState::HaveCalls() {
  calls.reset(new (std::nothrow)
                  RingCalls(*this, *desc, [](FdState& its) { its.Unref(); }));
  if (calls == nullptr) return false;
  unwatched_.Store("fd.call", true, Order::kRelaxed);  // Nobody has it yet.
  reads_plainly = sends_plainly = false;
  return true;
}

int FdState::Watch() {
  const LockHolder hold(calls->watching, "watch.lock");
  if (!unwatched()) return 0;
  const int error = poller.Watch(desc);
  if (error == 0) unwatched_.Store("fd.watch", false, Order::kRelease);
  return error;
}

void FdState::Classify() {
  const int type = GetOption(fd, SO_TYPE);
  socket = type >= 0;
  sends_plainly = socket;
  if (socket && type != SOCK_STREAM) MovesMessages();
}

bool FdState::CloseNow(SystemFd then) {
  return FdLife::CloseNow([=, this] {
    if (LeftBehind()) {
      if (then == SystemFd::kClose) sys.close(fd);
      return;
    }
    at_end = then;
    // While it is open: its file is no other's.
    Rare* const rare = rare_.Load("rare.file", Order::kAcquire);
    if (then == SystemFd::kClose && rare != nullptr && rare->bound != nullptr) {
      rare->bound->Remove();
    }
  });
}

// The first error is told. Whatever it is, what comes next is done as well.
void FdState::EndedWith(int error) {
  if (end_error == 0) end_error = static_cast<std::uint16_t>(error);
}

void FdState::CloseAll(Scheduler& scheduler) {
  FdLife::CloseAll(scheduler.open_list());
}

// --- How it lives and ends ---------------------------------------------------

bool FdState::LeftBehind() const { return scheduler.InChild(); }

OpenList<StdEnv>& FdState::open_list() { return scheduler.open_list(); }

void FdState::Runnable(Waiter* waiter) { scheduler.MakeRunnable(waiter); }
void FdState::Runnable(WaiterList& list) { scheduler.MakeRunnable(list); }
void FdState::Runnable(PollResult& result) { scheduler.MakeRunnable(result); }

PollResult FdState::Unblock() {
  PollResult result = poller.Unblock(desc);
  scheduler.CountWoken(&WorkerCounts::closings, result);
  return result;
}

void FdState::Nudge(Mode direction) {
  PollResult result = poller.Nudge(desc, direction);
  scheduler.CountWoken(&WorkerCounts::nudges, result);
  scheduler.MakeRunnable(result);
}

void FdState::EndInPoller() {
  NETPOLL_PROBE1(close, fd);
  EndedWith(poller.Close(desc, !unwatched()));
  if (in_rings) scheduler.PollerFor(fd).in_rings.Erase(fd);
}

bool FdState::EndElsewhere() {
  if (at_end == SystemFd::kKeep || !socket || !Lingers(fd)) return false;
  if (scheduler.closers().Start(&CloseOnItsThread, this)) return true;
  // It may not block a worker: the system sends what is left on its own.
  const linger none{};
  sys.setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
  return false;
}

void* FdState::CloseOnItsThread(void* self) {
  Closers::Quiet();
  auto* const fd = static_cast<FdState*>(self);
  Closers& closers = fd->scheduler.closers();
  fd->EndHere();
  closers.Done();
  return nullptr;
}

void FdState::CloseSystem() {
  // Not twice: interrupted or not, the descriptor is gone.
  if (at_end == SystemFd::kClose && sys.close(fd) != 0 && errno != EINTR)
    EndedWith(errno);
}

void RetryTimer::Retry(Timed* self) {
  auto* const timer = static_cast<RetryTimer*>(self);
  timer->fd->RestIsDue(timer->direction);
}

FdState::Rare* FdState::HaveRare() {
  Rare* const there = rare_.Load("rare.there", Order::kAcquire);
  if (there != nullptr) return there;
  auto* const made = new (std::nothrow) Rare(this);
  if (made == nullptr ||
      rare_.CompareExchange("rare.make", nullptr, made, Order::kAcqRel)) {
    return made;
  }
  delete made;  // The other direction was faster.
  return rare_.Load("rare.other", Order::kAcquire);
}

RetryTimer* FdState::Retry(Mode direction) {
  Rare* const rare = HaveRare();
  if (rare == nullptr) return nullptr;
  return &rare->retries[direction == Mode::kRead ? 0 : 1];
}

void FdState::SetDeadline(Mode mode, Deadline deadline) {
  if (lock.closed()) [[unlikely]]
    return;  // The poller may be gone.
  DeadlineResult result = poller.SetDeadline(desc, mode, deadline, generation);
  if (!result.wake.ready.empty()) [[unlikely]] {
    scheduler.CountWoken(&WorkerCounts::timeouts, result.wake);
    scheduler.MakeRunnable(result.wake);
  }
  if (result.earliest_moved) [[unlikely]]
    scheduler.DeadlineMoved(deadline.value(), poller);
}

}  // namespace netpoll::internal
