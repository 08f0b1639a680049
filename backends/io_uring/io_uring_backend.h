// SPDX-License-Identifier: Apache-2.0
//
// io_uring in readiness mode: one multishot poll for a descriptor's life, the
// wake-up and the timeouts through the ring. Needs Linux 5.13. The contract is
// in backend.h.
//
// The ring is a plain one, so any thread opens, closes and breaks. One lock
// protects the registrations and both queues; it is free while a blocking Poll
// waits. Whoever holds it may fetch completions: what they say is kept with the
// registration until a Poll takes it. Whenever the lock is free,
//   - a break that no blocking Poll has taken, and
//   - reports that no Poll has taken
// each have a completion in the ring, so the wait of a Poll that begins or goes
// on ends, and the descriptor is readable. Who fetches such a completion and
// is not the one to act on it posts it again.
//
// A poll is handed over at once, not with the next wait: what comes of it is
// what Open returns, and the descriptor must tell of its events though nobody
// waits in the ring.
//
// Measured, and the reason for much of what follows:
//   - A completion of a poll is made by the thread that armed it, which an
//     interrupt sends into the kernel. If that thread is gone, the poll ends
//     (ECANCELED) at its next event; a Poll arms it anew and reports both
//     directions.
//   - A poll holds the file until the thread that armed it has let go, which is
//     a moment after its last completion is seen: hence LetGo.
//   - A poll that finds no room for its completion ends. It is armed anew.
// A thread in an uninterruptible sleep delays the events of what it opened,
// and a Close of it.

#ifndef NETPOLL_BACKENDS_IO_URING_IO_URING_BACKEND_H_
#define NETPOLL_BACKENDS_IO_URING_IO_URING_BACKEND_H_

#include <linux/io_uring.h>
#include <poll.h>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "netpoll/backends/backend.h"
#include "netpoll/backends/io_uring/decode_ring.h"
#include "netpoll/backends/io_uring/io_uring_sys.h"
#include "netpoll/backends/io_uring/registrations.h"
#include "netpoll/backends/io_uring/ring.h"
#include "netpoll/backends/posix/check_pollable.h"
#include "netpoll/backends/posix/fatal.h"
#include "netpoll/backends/posix/fork_guard.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/generation.h"
#include "netpoll/core/types.h"
#include "netpoll/core/wake_token.h"

namespace netpoll {

struct IoUringOptions {
  // How many completions the ring holds, 16 bytes each. More are not lost, but
  // cost a new poll each.
  unsigned completions = 4096;
};

template <class Env = StdEnv, class Sys = IoUringSys>
class IoUringBackend {
 public:
  static constexpr const char* kName = "io_uring";
  static constexpr bool kNeedsArm = false;
  static constexpr bool kHasPollFd = true;
  static constexpr bool kMarksShortReads = true;

  explicit IoUringBackend(IoUringOptions options = {}) : options_(options) {}
  IoUringBackend(const IoUringBackend&) = delete;
  IoUringBackend& operator=(const IoUringBackend&) = delete;

  static int CheckPollable(Fd fd) { return CheckPollableFd(fd); }

  // Among others EPERM and ENOSYS: see ExplainInit.
  int Init() { return ring_.Init(options_.completions); }

  // Why Init returned `error`, where it says more than the errno's own text;
  // or null.
  static const char* ExplainInit(int error) {
    if (error == EPERM) {
      return "the sysctl kernel.io_uring_disabled or a seccomp filter forbids "
             "io_uring";
    }
    if (error == ENOSYS) {
      return "there is no io_uring of Linux 5.13 or later, or a seccomp filter "
             "hides it";
    }
    if (error == ENOMEM) {
      return "no more memory may be locked (ulimit -l); a ring that was closed "
             "gives its own back a little later";
    }
    return nullptr;
  }

  int Open(Fd fd, EventKey key) {
    fork_guard_.Check();
    const LockHolder hold(lock_, "uring.open.lock");
    Registration* added = nullptr;
    int error = registrations_.Add(fd, key, &added);
    if (error != 0) return error;
    error = ArmNew(*added);
    if (error != 0) registrations_.Remove(*added);
    PostAgain();
    return error;
  }

  // May wait until the thread that opened `fd` has passed through the kernel.
  int Close(Fd fd, EventKey key) {
    fork_guard_.Check();
    const LockHolder hold(lock_, "uring.close.lock");
    Registration* const registration = registrations_.Find(key);
    if (registration == nullptr || registration->fd != fd) return ENOENT;
    const int error = LetGo(*registration);
    registrations_.Remove(*registration);
    PostAgain();
    return error;
  }

  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    fork_guard_.Check();
    Batch batch;
    bool done = Take(delta.blocking(), batch) || !delta.blocking();
    while (!done) {
      const bool stalled = !Wait(delta);
      done = Take(true, batch) || stalled || !delta.forever();
    }
    for (std::size_t i = 0; i < batch.size; ++i) {
      const Item& item = batch.items[i];
      sink.Ready(item.key, item.report.mode, item.report.flags);
    }
  }

  void Break() {
    fork_guard_.Check();
    if (!token_.Request()) return;
    const LockHolder hold(lock_, "uring.break.lock");
    wake_fetched_ = true;
    PostAgain();
  }

  bool IsPollDescriptor(Fd fd) const { return fd >= 0 && fd == ring_.fd(); }

  Fd PollFd() const { return ring_.fd(); }

 private:
  static constexpr std::size_t kBatch = 128;
  // How often a request is handed over that the kernel can't take just now.
  static constexpr int kTries = 16;
  static constexpr EventKey kWakeKey = EventKey::Internal(0);
  static constexpr EventKey kKeptKey = EventKey::Internal(1);
  // Of requests whose completion says nothing.
  static constexpr EventKey kSilentKey = EventKey::Internal(2);

  struct Item {
    EventKey key = kSilentKey;
    Registration* registration = nullptr;  // Valid under the lock.
    RingReport report{};
  };
  struct Batch {
    Item items[kBatch];
    std::size_t size = 0;
  };

  // False: the kernel could not wait; the caller's loop polls again.
  bool Wait(Delta delta) {
    const int error = ring_.Wait(delta);
    if (error == EAGAIN || error == EBUSY) return false;
    if (error != 0 && error != ETIME && error != EINTR) {
      FatalSystemCall("io_uring_enter", error);
    }
    return true;
  }

  // Takes what there is to report. True: that ends the poll.
  bool Take(bool blocking, Batch& batch) {
    const LockHolder hold(lock_, "uring.take.lock");
    io_uring_cqe completion;
    // All of them if the ring overflows: until it is empty, a poll that is
    // armed anew finds no room.
    while ((registrations_.waiting() < kBatch || ring_.Overflown()) &&
           ring_.Next(&completion)) {
      Note(completion);
    }
    const bool woken = blocking && wake_fetched_;
    if (woken) {
      wake_fetched_ = false;
      token_.Clear();
    }
    FillBatch(batch);
    PostAgain();
    return woken || batch.size != 0;
  }

  // Everything below is called under the lock.

  void FillBatch(Batch& batch) {
    while (batch.size < kBatch) {
      Item& item = batch.items[batch.size];
      item.registration = registrations_.Take(&item.report);
      if (item.registration == nullptr) break;
      item.key = item.registration->key;
      ++batch.size;
    }
    AskAgain(batch);
    // Afterwards: one that can't be armed now waits for the next Poll.
    for (std::size_t i = 0; i < batch.size; ++i) {
      Registration& registration = *batch.items[i].registration;
      if (registration.armed || registration.dead) continue;
      if (Arm(registration) != 0) {
        registrations_.Keep(registration, {.mode = Mode::kReadWrite});
      }
    }
  }

  // Asks poll(2) about the unsure reports, in one call.
  void AskAgain(Batch& batch) {
    pollfd asked[kBatch];
    Item* items[kBatch];
    unsigned count = 0;
    for (std::size_t i = 0; i < batch.size; ++i) {
      Item& item = batch.items[i];
      if (!item.report.unsure) continue;
      items[count] = &item;
      asked[count++] = {
          .fd = item.registration->fd, .events = kEvents, .revents = 0};
    }
    if (count == 0) return;
    int answered = -EINTR;
    while (answered == -EINTR) answered = Sys::Poll(asked, count);
    for (unsigned i = 0; i < count; ++i) {
      RingReport& report = items[i]->report;
      // Without an answer: what at worst costs a needless system call.
      const RingReport truth =
          answered < 0
              ? RingReport{.mode = Mode::kReadWrite,
                           .flags = {.no_more_edges = true}}
              : DecodeRingPoll(static_cast<std::uint16_t>(asked[i].revents));
      report.mode = static_cast<Mode>(static_cast<unsigned>(report.mode) |
                                      static_cast<unsigned>(truth.mode));
      report.flags.error = truth.flags.error;
      report.flags.no_more_edges |= truth.flags.no_more_edges;
    }
  }

  void Note(const io_uring_cqe& completion) {
    const EventKey key = EventKey::FromBits(completion.user_data);
    if (key == kWakeKey) wake_fetched_ = true;
    if (key == kKeptKey) kept_posted_ = false;
    Registration* const registration = registrations_.Find(key);
    if (registration == nullptr) return;
    const RingReport report = DecodeRing(completion.res, completion.flags);
    if (report.ended) {
      registration->armed = false;
      registration->ended_with = completion.res;
    }
    registrations_.Keep(*registration, report);
  }

  void FetchAll() {
    io_uring_cqe completion;
    while (ring_.Next(&completion)) Note(completion);
  }

  // See the top of the file.
  void PostAgain() {
    while (wake_fetched_ || (registrations_.waiting() != 0 && !kept_posted_)) {
      const bool wake = wake_fetched_;
      (wake ? wake_fetched_ : kept_posted_) = !wake;
      const int error = Submit(Nothing(wake ? kWakeKey : kKeptKey, 0));
      if (error != 0) FatalSystemCall("io_uring_enter", error);
    }
  }

  // 0; or EAGAIN, EBUSY or ENOMEM: the kernel can't take it just now, even
  // after all completions were fetched.
  int Submit(const io_uring_sqe& request, unsigned wait = 0) {
    for (int left = kTries;; --left) {
      const int error = ring_.Submit(request, wait);
      if (error == 0) return 0;
      if (error != EAGAIN && error != EBUSY && error != ENOMEM) {
        FatalSystemCall("io_uring_enter", error);
      }
      if (left == 1) return error;
      FetchAll();
    }
  }

  int Arm(Registration& registration) {
    if (ring_.Full()) FetchAll();
    registration.armed = true;
    registration.armed_by = Sys::Thread();
    const int error = Submit(PollOf(registration));
    if (error != 0) registration.armed = false;
    return error;
  }

  // As epoll would, it refuses a descriptor that can't be polled (EPERM): the
  // poll of such a one is over at once. So is that of a device which has
  // nothing to wait on yet (a tun device before it is set up), which epoll
  // takes. And one that finds no room for its completion, but not twice in a
  // row.
  int ArmNew(Registration& registration) {
    for (int left = 3; left > 0; --left) {
      const std::uint32_t before = ring_.LoadTail();
      const int error = Arm(registration);
      if (error != 0) return error;
      if (ring_.Overflown() || ring_.HasEnd(registration.key.bits(), before)) {
        FetchAll();
      }
      if (registration.armed) return 0;
      const int ended_with = registration.ended_with;
      if (ended_with < 0) return ended_with == -EINVAL ? EPERM : -ended_with;
    }
    return EPERM;
  }

  // Removes the poll. Afterwards the kernel does not hold the file.
  int LetGo(Registration& registration) {
    if (registration.armed) {
      const int error = Submit(CancelOf(registration), 1);
      if (error != 0) return error;
      FetchAll();
      while (registration.armed) {
        static_cast<void>(Wait(Delta::Forever()));
        FetchAll();
      }
    }
    // The thread that armed the poll has told of its end, and lets go of the
    // file next, before others' requests are taken again.
    if (!::pthread_equal(registration.armed_by, Sys::Thread())) {
      const int error = Submit(Nothing(kSilentKey, ring_.skip_success()));
      if (error != 0) return error;
      FetchAll();
    }
    return 0;
  }

  static constexpr short kEvents = POLLIN | POLLOUT | POLLRDHUP | POLLPRI;

  static io_uring_sqe PollOf(const Registration& registration) {
    constexpr std::uint32_t kMask = kEvents;
    io_uring_sqe request{};
    request.opcode = IORING_OP_POLL_ADD;
    request.fd = registration.fd;
    request.len = IORING_POLL_ADD_MULTI;
    // Two halves, each in the machine's order.
    request.poll32_events = std::endian::native == std::endian::big
                                ? kMask << 16 | kMask >> 16
                                : kMask;
    request.user_data = registration.key.bits();
    return request;
  }

  // Not IORING_OP_POLL_REMOVE, which does nothing while an event is on its way.
  io_uring_sqe CancelOf(const Registration& registration) const {
    io_uring_sqe request{};
    request.opcode = IORING_OP_ASYNC_CANCEL;
    request.fd = -1;
    request.addr = registration.key.bits();
    request.flags = ring_.skip_success();
    request.user_data = kSilentKey.bits();
    return request;
  }

  static io_uring_sqe Nothing(EventKey key, std::uint8_t flags) {
    io_uring_sqe request{};
    request.opcode = IORING_OP_NOP;
    request.fd = -1;
    request.flags = flags;
    request.user_data = key.bits();
    return request;
  }

  const IoUringOptions options_;
  ForkGuard fork_guard_;
  WakeToken<Env> token_;
  typename Env::Lock lock_;
  // Protected by the lock.
  Ring<Env, Sys> ring_;
  Registrations registrations_;
  bool wake_fetched_ = false;  // A break's completion, and not yet acted on.
  bool kept_posted_ = false;   // The completion that tells of kept reports.
};

static_assert(PollerBackend<IoUringBackend<>>);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IO_URING_IO_URING_BACKEND_H_
