// SPDX-License-Identifier: Apache-2.0
//
// The C interface over one poller of the process, made by netpollinit and never
// destroyed.

#include "netpoll/capi/netpoll.h"

#include <semaphore.h>
#include <time.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <string>

#include "netpoll/backends/backend_list.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/growable.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wait.h"
#include "netpoll/core/worker_glue.h"

namespace netpoll {
namespace {

// --- Tasks that are threads --------------------------------------------------

// A semaphore may be destroyed by whoever its post has woken, while the post
// has not yet returned; a mutex with a condition may not.
struct ThreadTask {
  ThreadTask() { sem_init(&woken, 0, 0); }
  ~ThreadTask() { sem_destroy(&woken); }
  sem_t woken;
};

void* ThreadSelf(void*) {
  static thread_local ThreadTask task;
  return &task;
}

void ThreadPark(void*, void* g, int (*commit)(void*), void* argument) {
  if (commit(argument) == 0) return;
  while (sem_wait(&static_cast<ThreadTask*>(g)->woken) != 0) {
  }
}

void ThreadReady(void*, void* g) {
  sem_post(&static_cast<ThreadTask*>(g)->woken);
}

// --- The poller --------------------------------------------------------------

constexpr netpollhooks kThreads = {nullptr, &ThreadSelf, &ThreadPark,
                                   &ThreadReady, nullptr};
// Written before netpollinit alone.
netpollhooks hooks = kThreads;

struct Env : StdEnv {
  [[noreturn]] static void Misuse(const char* rule) {
    if (hooks.broken != nullptr) hooks.broken(hooks.context, rule);
    StdEnv::Misuse(rule);
  }
};

using HostBackend = AnyOf<HostBackends>;
using HostPoller = Poller<HostBackend, Env>;
using Desc = HostPoller::Desc;

// A waiting task. It lives in the frame of its pollWait.
struct ParkedTask : Waiter {
  explicit ParkedTask(void* task) : g(task) {}
  void* const g;
};

// What is open, by number: netpollclose is given no pollDesc.
class OpenDescriptors {
 public:
  // 0; ENOMEM; or EEXIST, where the number was closed before netpollclose.
  int Add(Fd fd, Desc* desc) {
    const LockHolder hold(lock_, "capi.add");
    const auto at = static_cast<std::size_t>(fd);
    if (!open_.Reserve(at + 1)) return ENOMEM;
    if (open_[at] != nullptr) return EEXIST;
    open_[at] = desc;
    return 0;
  }
  Desc* Take(Fd fd) {
    const LockHolder hold(lock_, "capi.take");
    const auto at = static_cast<std::size_t>(fd);
    if (fd < 0 || at >= open_.capacity()) return nullptr;
    Desc* const desc = open_[at];
    open_[at] = nullptr;
    return desc;
  }

 private:
  StdEnv::Lock lock_;
  Growable<Desc*> open_;
};

alignas(HostPoller) unsigned char poller_memory[sizeof(HostPoller)];
HostPoller* process_poller = nullptr;  // Set by netpollinit.
OpenDescriptors* open_descriptors = nullptr;

HostPoller& ThePoller() {
  if (process_poller == nullptr)
    Env::Misuse("netpollinit was not called, or failed");
  if (process_poller->backend().InChild()) {
    Env::Misuse(
        "a child of fork used the poller of its parent; there is none for it");
  }
  return *process_poller;
}

void Require(const void* pointer, const char* rule) {
  if (pointer == nullptr) Env::Misuse(rule);
}
Desc* Of(pollDesc* pd) {
  Require(pd, "a pollDesc is NULL");
  return reinterpret_cast<Desc*>(pd);
}
gList& Of(gList* list) {
  Require(list, "a gList is NULL");
  return *list;
}

Mode Directions(int mode) {
  switch (mode) {
    case 'r':
      return Mode::kRead;
    case 'w':
      return Mode::kWrite;
    case 'r' + 'w':
      return Mode::kReadWrite;
    default:
      Env::Misuse("a mode is not 'r', 'w' or their sum");
  }
}
Mode OneDirection(int mode) {
  const Mode direction = Directions(mode);
  if (direction == Mode::kReadWrite) {
    Env::Misuse("a task waits in one direction, 'r' or 'w'");
  }
  return direction;
}

std::int64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// A descriptor's number as the system has it; -1 for one that none can be.
Fd FdOf(std::uintptr_t fd) {
  constexpr auto kMost =
      static_cast<std::uintptr_t>(std::numeric_limits<Fd>::max());
  return fd > kMost ? Fd{-1} : static_cast<Fd>(fd);
}

// Hands a list over to C, and back.
void Append(gList& list, PollResult& result) {
  while (Waiter* const waiter = result.ready.Pop()) {
    if (list.head == nullptr) {
      list.head = waiter;
    } else {
      static_cast<Waiter*>(list.tail)->next = waiter;
    }
    list.tail = waiter;
  }
}

void MakeReady(PollResult result) {
  while (Waiter* const waiter = result.ready.Pop()) {
    hooks.ready(hooks.context, static_cast<ParkedTask*>(waiter)->g);
  }
  process_poller->AdjustWaiters(result.waiters_delta);
}

struct Parking {
  Desc* desc;
  Mode direction;
  ParkedTask* task;
  bool committed = false;  // Or it tried to.
};

// Once it has committed, `argument` may be gone: so it is read before.
int CommitParking(void* argument) {
  static_cast<Parking*>(argument)->committed = true;
  const Parking parking = *static_cast<Parking*>(argument);
  return process_poller->Commit(parking.desc, parking.direction, parking.task)
             ? 1
             : 0;
}

}  // namespace
}  // namespace netpoll

// What follows has no namespace of its own.
using netpoll::Append, netpoll::Deadline, netpoll::DeadlineResult,
    netpoll::DefaultHostBackend, netpoll::Delta, netpoll::Desc, netpoll::Env,
    netpoll::Fd, netpoll::FdOf, netpoll::hooks, netpoll::HostPoller,
    netpoll::kThreads, netpoll::MakeReady, netpoll::Mode, netpoll::Directions,
    netpoll::Now, netpoll::Of, netpoll::OneDirection, netpoll::open_descriptors,
    netpoll::OpenDescriptors, netpoll::ParkedTask, netpoll::Parking,
    netpoll::process_poller, netpoll::poller_memory, netpoll::PollResult,
    netpoll::PollTurn, netpoll::Require, netpoll::ThePoller, netpoll::Waiter,
    netpoll::WaitStep;

extern "C" {

int netpollsethooks(const netpollhooks* wanted) {
  if (wanted == nullptr) return EINVAL;
  if (process_poller != nullptr) return EBUSY;
  const bool any = wanted->self != nullptr || wanted->park != nullptr ||
                   wanted->ready != nullptr;
  const bool all = wanted->self != nullptr && wanted->park != nullptr &&
                   wanted->ready != nullptr;
  if (any && !all) return EINVAL;
  hooks = *wanted;
  if (!any) {
    hooks.self = kThreads.self;
    hooks.park = kThreads.park;
    hooks.ready = kThreads.ready;
  }
  return 0;
}

int netpollinit(void) {
  if (process_poller != nullptr) return EALREADY;
  auto* const open = new (std::nothrow) OpenDescriptors;
  if (open == nullptr) return ENOMEM;
  auto* const made =
      ::new (poller_memory) HostPoller(DefaultHostBackend().c_str());
  if (const int error = made->Init(); error != 0) {
    made->~HostPoller();
    delete open;
    return error;
  }
  open_descriptors = open;
  process_poller = made;
  return 0;
}

int netpollopen(uintptr_t fd, pollDesc** pd) {
  HostPoller& the_poller = ThePoller();
  Require(pd, "netpollopen was given no place for the pollDesc: pd is NULL");
  *pd = nullptr;
  const Fd number = FdOf(fd);
  if (number < 0) return EBADF;
  const auto [desc, error] = the_poller.Open(number);
  if (error != 0) return error;
  if (const int refused = open_descriptors->Add(number, desc); refused != 0) {
    MakeReady(the_poller.Unblock(desc));
    the_poller.Close(desc);
    return refused;
  }
  *pd = reinterpret_cast<pollDesc*>(desc);
  return 0;
}

int netpollclose(uintptr_t fd) {
  HostPoller& the_poller = ThePoller();
  Desc* const desc = open_descriptors->Take(FdOf(fd));
  return desc == nullptr ? EBADF : the_poller.Close(desc);
}

int32_t netpollpoll(int64_t delta, gList* list) {
  HostPoller& the_poller = ThePoller();
  gList& ready = Of(list);
  const Delta wait = Delta::FromMilliseconds(delta);
  std::int64_t until = wait.blocking() ? the_poller.NextDeadline() : 0;
  if (wait.limited()) {
    const std::int64_t now = Now();
    if (wait.nanos() < until - now) until = now + wait.nanos();
  }
  PollResult result = PollTurn(the_poller, until, &Now);
  Append(ready, result);
  return result.waiters_delta;
}

void* gListPop(gList* list) {
  auto* const waiter = static_cast<Waiter*>(Of(list).head);
  if (waiter == nullptr) return nullptr;
  list->head = waiter->next;
  return static_cast<ParkedTask*>(waiter)->g;
}

void netpollgoready(void* g) {
  ThePoller();
  Require(g, "a task is NULL");
  hooks.ready(hooks.context, g);
}

void netpollAdjustWaiters(int32_t delta) {
  HostPoller& the_poller = ThePoller();
  if (delta <= 0) the_poller.AdjustWaiters(delta);
  if (delta > 0 || the_poller.waiters() < 0) {
    Env::Misuse(
        "netpollAdjustWaiters was given something else than the sum of what "
        "netpoll and netpollready answered, each once");
  }
}

int32_t netpollWaiters(void) { return ThePoller().waiters(); }

void netpollBreak(void) { ThePoller().Break(); }

int netpollIsPollDescriptor(uintptr_t fd) {
  return ThePoller().IsPollDescriptor(FdOf(fd)) ? 1 : 0;
}

int32_t netpollready(gList* list, pollDesc* pd, int mode) {
  HostPoller& the_poller = ThePoller();
  gList& ready = Of(list);
  PollResult result = the_poller.Nudge(Of(pd), Directions(mode));
  Append(ready, result);
  return result.waiters_delta;
}

int pollReset(pollDesc* pd, int mode) {
  return static_cast<int>(ThePoller().Reset(Of(pd), OneDirection(mode)));
}

int pollWait(pollDesc* pd, int mode) {
  HostPoller& the_poller = ThePoller();
  Desc* const desc = Of(pd);
  const Mode direction = OneDirection(mode);
  ParkedTask task(hooks.self(hooks.context));
  Require(task.g, "the hook `self` answered NULL");
  for (;;) {
    Parking parking{desc, direction, &task};
    const WaitStep begun = the_poller.Prepare(desc, direction);
    if (begun.ended) return static_cast<int>(begun.error);
    hooks.park(hooks.context, task.g, &netpoll::CommitParking, &parking);
    if (!parking.committed) {
      Env::Misuse("the hook `park` returned without a call of commit");
    }
    const WaitStep over = the_poller.Finish(desc, direction);
    if (over.ended) return static_cast<int>(over.error);
  }
}

void pollSetDeadline(pollDesc* pd, int64_t d, int mode) {
  HostPoller& the_poller = ThePoller();
  const Deadline deadline =
      d == 0  ? Deadline::None()
      : d < 0 ? Deadline::Past()
              : Deadline::After(Now(), std::chrono::nanoseconds(d));
  DeadlineResult set =
      the_poller.SetDeadline(Of(pd), Directions(mode), deadline);
  MakeReady(set.wake);
  if (set.earliest_moved) the_poller.Break();
}

void pollUnblock(pollDesc* pd) { MakeReady(ThePoller().Unblock(Of(pd))); }

}  // extern "C"
