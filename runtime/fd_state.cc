// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/fd_state.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/bound_name.h"
#include "netpoll/runtime/runtime.h"
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

FdState::FdState(Runtime& owner, HostPoller::Desc* opened, int number)
    : runtime(owner), desc(opened), fd(number) {}
FdState::~FdState() {
  delete retry[0];
  delete retry[1];
}

int FdState::Open(Runtime& runtime, int fd, bool check, FdState** state,
                  std::unique_ptr<BoundName>* file) {
  if (!runtime.status().ok()) return ENODEV;
  const HostPoller::OpenResult opened = runtime.poller().Open(fd, check);
  if (opened.error != 0) return opened.error;
  auto* const made = new (std::nothrow) FdState(runtime, opened.desc, fd);
  if (made == nullptr) {
    // Nobody waits yet on what was just opened.
    static_cast<void>(runtime.poller().Unblock(opened.desc));
    runtime.poller().Close(opened.desc);
    return ENOMEM;
  }
  if (check) made->Classify();
  if (file != nullptr) made->bound = std::move(*file);
  if (!runtime.Register(made)) {
    // The runtime is stopping. The caller keeps its descriptor, and the file.
    if (file != nullptr) file->reset(made->bound.release());
    made->CloseNow(true);
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
  if (!wake.empty()) runtime.MakeRunnable(wake);
  if (last) End();
}

bool FdState::CloseNow(bool keep_fd) {
  WaiterList wake;
  // What is closed may outlive its runtime.
  if (!lock.Close(wake)) return false;
  if (runtime.InChild()) {
    // Gives back the child's copy of the descriptor. What the kernel has
    // registered, and who waits, are the parent's; and no lock is taken, since
    // another thread of the parent may have held it.
    if (!keep_fd) sys.close(fd);
    DropReference();
    return true;
  }
  keep = keep_fd;
  // While it is open: its file is no other's. And before anybody is told.
  if (!keep && bound != nullptr) bound->Remove();
  PollResult parked = runtime.poller().Unblock(desc);
  runtime.MakeRunnable(wake);
  runtime.MakeRunnable(parked);
  DropReference();
  return true;
}

void FdState::End() {
  if (runtime.InChild()) return Unref();
  runtime.Unregister(this);
  EndedWith(runtime.poller().Close(desc));
  if (!keep && socket && Lingers(fd)) {
    if (runtime.CloseElsewhere(this)) return;
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

void FdState::CloseFd() {
  // Not twice: interrupted or not, the descriptor is gone.
  if (!keep && sys.close(fd) != 0 && errno != EINTR) EndedWith(errno);
  const std::uintptr_t parked =
      closer.Exchange("closer.end", kEnded, Order::kAcqRel);
  if (parked != 0) {
    runtime.MakeRunnable(reinterpret_cast<ResumeWaiter*>(parked));
  }
  Unref();
}

void RetryTimer::Retry(Timed* self) {
  FdState* const fd = static_cast<RetryTimer*>(self)->fd;
  const Mode direction = static_cast<RetryTimer*>(self)->direction;
  if (fd->lock.AddReference()) {
    PollResult result = fd->runtime.poller().Nudge(fd->desc, direction);
    fd->runtime.MakeRunnable(result);
    fd->DropReference();
  }
  fd->Unref();
}

RetryTimer* FdState::Retry(Mode direction) {
  RetryTimer*& timer = retry[direction == Mode::kRead ? 0 : 1];
  if (timer == nullptr) timer = new (std::nothrow) RetryTimer(this, direction);
  return timer;
}

void FdState::SetDeadline(Mode mode, Deadline deadline) {
  if (!lock.AddReference()) return;
  DeadlineResult result = runtime.poller().SetDeadline(desc, mode, deadline);
  if (!result.wake.ready.empty()) runtime.MakeRunnable(result.wake);
  if (result.earliest_moved) runtime.DeadlineMoved(deadline.value());
  DropReference();
}

void FdState::Link(FdState*& head) {
  next = head;
  if (head != nullptr) head->previous = this;
  head = this;
  linked = true;
}

void FdState::Unlink(FdState*& head) {
  if (!linked) return;
  linked = false;
  (previous != nullptr ? previous->next : head) = next;
  if (next != nullptr) next->previous = previous;
  next = previous = nullptr;
}

}  // namespace netpoll::internal
