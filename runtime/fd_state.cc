// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/fd_state.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/bound_name.h"
#include "netpoll/runtime/closers.h"
#include "netpoll/runtime/host_poller.h"
#include "netpoll/runtime/open_list.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/sys.h"

namespace netpoll::internal {
namespace {

// Whether close(2) waits until the peer has everything, or for some time.
bool Lingers(int fd) {
  linger set{};
  socklen_t size = sizeof(set);
  return sys.getsockopt(fd, SOL_SOCKET, SO_LINGER, &set, &size) == 0 &&
         set.l_onoff != 0 && set.l_linger > 0;
}

}  // namespace

FdState::FdState(Scheduler& owner, PollDesc<StdEnv>* opened, int number)
    : scheduler(owner), desc(opened), fd(number) {}
FdState::~FdState() {
  delete retry[0];
  delete retry[1];
}

int FdState::Open(Scheduler& scheduler, int fd, Origin origin, FdState** state,
                  std::unique_ptr<BoundName>* file) {
  if (!scheduler.status().ok()) return ENODEV;
  const bool looked_at = origin == Origin::kProgram;
  const HostPoller::OpenResult opened = scheduler.poller().Open(
      fd, looked_at ? Pollable::kCheck : Pollable::kKnown);
  if (opened.error != 0) return opened.error;
  auto* const made = new (std::nothrow) FdState(scheduler, opened.desc, fd);
  if (made == nullptr) {
    // Nobody waits yet on what was just opened.
    static_cast<void>(scheduler.poller().Unblock(opened.desc));
    scheduler.poller().Close(opened.desc);
    return ENOMEM;
  }
  if (looked_at) made->Classify();
  if (file != nullptr) made->bound = std::move(*file);
  if (!scheduler.open_list().Add(made)) {
    // The runtime is stopping. The caller keeps its descriptor, and the file.
    if (file != nullptr) file->reset(made->bound.release());
    made->CloseNow(SystemFd::kKeep);
    made->Unref();
    return ECANCELED;
  }
  *state = made;
  return 0;
}

void FdState::Classify() {
  int type = 0;
  socklen_t size = sizeof(type);
  socket = sys.getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
  messages = socket && type != SOCK_STREAM;
}

void FdState::Released(bool last, WaiterList& wake) {
  if (!wake.empty()) scheduler.MakeRunnable(wake);
  if (last) End();
}

bool FdState::CloseNow(SystemFd then) {
  WaiterList wake;
  // What is closed may outlive its scheduler.
  if (!lock.Close(wake)) return false;
  if (scheduler.InChild()) {
    // Gives back the child's copy of the descriptor. What the kernel has
    // registered, and who waits, are the parent's; and no lock is taken, since
    // another thread of the parent may have held it.
    if (then == SystemFd::kClose) sys.close(fd);
    DropReference();
    return true;
  }
  at_end = then;
  // While it is open: its file is no other's. And before anybody is told.
  if (then == SystemFd::kClose && bound != nullptr) bound->Remove();
  PollResult parked = scheduler.poller().Unblock(desc);
  scheduler.MakeRunnable(wake);
  scheduler.MakeRunnable(parked);
  DropReference();
  return true;
}

void FdState::End() {
  if (scheduler.InChild()) return Unref();
  scheduler.open_list().Remove(this);
  EndedWith(scheduler.poller().Close(desc));
  if (at_end == SystemFd::kClose && socket && Lingers(fd)) {
    if (scheduler.closers().Start(&CloseOnItsThread, this)) return;
    // It may not block a worker: the system sends what is left on its own.
    const linger none{};
    sys.setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
  }
  CloseFd();
}

// The first error is told. Whatever it is, what comes next is done as well.
void FdState::EndedWith(int error) {
  if (end_error == 0) end_error = static_cast<std::uint16_t>(error);
}

void* FdState::CloseOnItsThread(void* self) {
  Closers::Quiet();
  auto* const fd = static_cast<FdState*>(self);
  Closers& closers = fd->scheduler.closers();
  fd->CloseFd();
  closers.Done();
  return nullptr;
}

void FdState::CloseFd() {
  // Not twice: interrupted or not, the descriptor is gone.
  if (at_end == SystemFd::kClose && sys.close(fd) != 0 && errno != EINTR)
    EndedWith(errno);
  const std::uintptr_t parked =
      closer.Exchange("closer.end", kEnded, Order::kAcqRel);
  if (parked != 0) {
    scheduler.MakeRunnable(reinterpret_cast<ResumeWaiter*>(parked));
  }
  Unref();
}

void RetryTimer::Retry(Timed* self) {
  FdState* const fd = static_cast<RetryTimer*>(self)->fd;
  const Mode direction = static_cast<RetryTimer*>(self)->direction;
  if (fd->lock.AddReference()) {
    PollResult result = fd->scheduler.poller().Nudge(fd->desc, direction);
    fd->scheduler.MakeRunnable(result);
    fd->DropReference();
  }
  fd->Unref();
}

RetryTimer* FdState::Retry(Mode direction) {
  RetryTimer*& timer = retry[direction == Mode::kRead ? 0 : 1];
  if (timer == nullptr) timer = new (std::nothrow) RetryTimer(this, direction);
  return timer;
}

void FdState::CloseAll(Scheduler& scheduler) {
  const auto keep = [](OpenList::Entry* entry) {
    static_cast<FdState*>(entry)->Ref();
  };
  FdState* told = nullptr;
  while (auto* const fd =
             static_cast<FdState*>(scheduler.open_list().Take(keep))) {
    const bool held = fd->lock.AddReference();
    fd->CloseNow(SystemFd::kClose);
    if (!held) {
      fd->Unref();
      continue;
    }
    fd->next = told;  // Nobody else's, once it was taken out.
    told = fd;
  }
  while (told != nullptr) {
    FdState* const fd = told;
    told = static_cast<FdState*>(std::exchange(fd->next, nullptr));
    fd->DropReference();
    fd->Unref();
  }
}

void FdState::SetDeadline(Mode mode, Deadline deadline) {
  if (!lock.AddReference()) return;
  DeadlineResult result = scheduler.poller().SetDeadline(desc, mode, deadline);
  if (!result.wake.ready.empty()) scheduler.MakeRunnable(result.wake);
  if (result.earliest_moved) scheduler.DeadlineMoved(deadline.value());
  DropReference();
}

}  // namespace netpoll::internal
