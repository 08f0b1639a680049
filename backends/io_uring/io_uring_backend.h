// SPDX-License-Identifier: Apache-2.0
//
// io_uring in readiness mode: one multishot poll for a descriptor's life, the
// wake-up and the timeouts through the ring. Needs Linux 5.13. The contract is
// in backend.h.
//
// The ring is a plain one, so any thread opens, closes and breaks. One lock
// protects the registrations and both queues; it is free while anybody waits.
// Whoever holds it may fetch completions: what they say is kept with the
// registration until a Poll takes it. When a call returns and
//   - a break that no blocking Poll has taken, or
//   - a report that no Poll has taken
// is left, a completion of ours (the sign) is in the ring, so the wait of a
// Poll that begins or goes on ends, and the descriptor is readable. Who fetches
// the sign and is not the one to act on it posts it again.
//
// The kernel may refuse a request (EAGAIN, EBUSY, ENOMEM: no memory, or no room
// for what comes of it). It is handed over again, a few times at once. Then
//   - Open returns the error;
//   - a poll that has to be armed anew is armed by the next Poll;
//   - whoever owes the sign, and a Close, pause and try again, seconds long,
//     with the lock free in the pauses. A sign that can't be posted even then
//     stops the process; Close returns the error, and every later Poll tries
//     to end the poll that it left behind.
//
// A poll is handed over at once, not with the next wait: what comes of it is
// what Open returns, and the descriptor must tell of its events though nobody
// waits in the ring.
//
// Measured, and the reason for much of what follows:
//   - A completion of a poll is made by the thread that armed it, which an
//     interrupt sends into the kernel. Who looks at that moment sees nothing:
//     hence Ask. If that thread is gone, the poll ends
//     (ECANCELED) at its next event; a Poll arms it anew and reports both
//     directions.
//   - A poll holds the file until the thread that armed it has let go, which is
//     a moment after its last completion is seen: hence LetGo.
//   - A poll that finds no room for its completion ends. It is armed anew.
// A thread in an uninterruptible sleep delays the events of what it opened,
// and a Close of it; nobody else, since that Close waits without the lock.
// The kernel ends a ring a moment after its process: what was open in it, a
// listener's port for example, stays taken for some milliseconds.

#ifndef NETPOLL_BACKENDS_IO_URING_IO_URING_BACKEND_H_
#define NETPOLL_BACKENDS_IO_URING_IO_URING_BACKEND_H_

#include <linux/io_uring.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "netpoll/backends/backend.h"
#include "netpoll/backends/io_uring/fatal_ring.h"
#include "netpoll/backends/io_uring/io_uring_events.h"
#include "netpoll/backends/io_uring/io_uring_sys.h"
#include "netpoll/backends/io_uring/registrations.h"
#include "netpoll/backends/io_uring/requests.h"
#include "netpoll/backends/io_uring/ring_state.h"
#include "netpoll/backends/posix/check_pollable.h"
#include "netpoll/backends/posix/use_guard.h"
#include "netpoll/core/backend_traits.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
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
  static constexpr BackendTraits kTraits = {
      .has_poll_fd = true,
      // A completion waits for the thread that armed the poll.
      .asks_before_timeout = true,
      .marks_short_reads = true,
      .explains_init = true,
      .knows_children = true};

  explicit IoUringBackend(IoUringOptions options = {}) : options_(options) {}
  IoUringBackend(const IoUringBackend&) = delete;
  IoUringBackend& operator=(const IoUringBackend&) = delete;

  static int CheckPollable(Fd fd) { return CheckPollableFd(fd); }

  // Among others EPERM, EACCES and ENOSYS: see ExplainInit.
  int Init() {
    return guard_.Init([this] {
      return state_.Change([this](State& state) {
        const int error = state.ring.Init(options_.completions);
        fd_ = state.ring.fd();
        return error;
      });
    });
  }

  // Why Init returned `error`, where it says more than the errno's own text;
  // or null.
  static const char* ExplainInit(int error) {
    switch (error) {
      case EPERM:
      case EACCES:
        return "the sysctl kernel.io_uring_disabled or a seccomp filter "
               "forbids io_uring";
      case ENOSYS:
        return "there is no io_uring of Linux 5.13 or later, or a seccomp "
               "filter hides it";
      case ENOMEM:
        return "no more memory may be locked (ulimit -l); a ring that was "
               "closed gives its own back a little later";
      default:
        return nullptr;
    }
  }

  // EAGAIN, EBUSY or ENOMEM: the kernel could not take it just now.
  int Open(Fd fd, EventKey key) {
    guard_.Check();
    return Locked("uring.open.lock",
                  [&](State& state) { return state.Open(fd, key); });
  }

  // May wait until the thread that opened `fd` has passed through the kernel.
  // EAGAIN, EBUSY or ENOMEM: for seconds the kernel could not take the request,
  // and may hold `fd` until a later Poll has ended that.
  int Close(Fd fd, EventKey key) {
    guard_.Check();
    Leaving self;
    for (;;) {
      const bool done = Locked("uring.close.lock", [&](State& state) {
        if (self.registration == nullptr && !state.Retire(fd, key, self)) {
          self.error = ENOENT;
          return true;
        }
        return state.LetGo(self);
      });
      if (done) return self.error;
      RestBeforeNextTry(self);
    }
  }

  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    guard_.Check();
    Batch batch;
    bool done = Take(delta.blocking(), batch) || !delta.blocking();
    while (!done) {
      const bool stalled = !Wait(delta);
      done = Take(true, batch) || stalled || !delta.forever();
    }
    // Its report comes again and again until it is armed.
    if (batch.refused && delta.blocking()) Sys::Pause(kPause);
    for (std::size_t i = 0; i < batch.size; ++i) {
      const Item& item = batch.items[i];
      sink.Ready(item.key, item.report.mode, item.report.flags);
    }
  }

  // One poll(2).
  template <class Sink>
  void Ask(Fd fd, EventKey key, Mode mode, Sink& sink) {
    guard_.Check();
    pollfd asked{.fd = fd, .events = kRingEvents, .revents = 0};
    const bool answered = AskSystem(&asked, 1);
    const RingReport truth = Truth(answered, asked);
    const auto ready = static_cast<Mode>(static_cast<unsigned>(truth.mode) &
                                         static_cast<unsigned>(mode));
    if (static_cast<unsigned>(ready) != 0) sink.Ready(key, ready, truth.flags);
  }

  // Does not return before the break is posted: see the top of the file.
  void Break() {
    guard_.Check();
    if (!token_.Request()) return;
    Locked("uring.break.lock", [](State& state) { state.broken = true; });
  }

  std::uint64_t breaks_taken() const { return token_.cleared(); }
  bool IsPollDescriptor(Fd fd) const { return fd >= 0 && fd == fd_; }

  Fd PollFd() const { return fd_; }

  // Whether this is a child of fork of the process that made it.
  bool InChild() const { return guard_.InChild(); }

 private:
  static constexpr std::size_t kBatch = 128;
  // Pauses in nanoseconds: the first, and the longest.
  static constexpr std::int64_t kPause = 1'000'000;
  static constexpr std::int64_t kLongestPause = 10'000'000;

  using State = RingState<Env, Sys>;
  using Leaving = typename State::Leaving;

  struct Item {
    EventKey key = EventKey::FromBits(0);
    Registration* registration = nullptr;  // Valid under the lock.
    RingReport report{};
  };
  struct Batch {
    Item items[kBatch];
    std::size_t size = 0;
    bool refused = false;  // One of them can't be armed anew.
  };

  // Calls `work(state)` under the lock. Before that is free, the sign is
  // posted.
  template <class Work>
  auto Locked(Site site, Work work) {
    lock_.Acquire(site);
    if constexpr (std::is_void_v<decltype(state_.Change(work))>) {
      state_.Change(work);
      Leave();
    } else {
      const auto answer = state_.Change(work);
      Leave();
      return answer;
    }
  }

  void Leave() {
    for (int pauses = 0;; ++pauses) {
      const int error =
          state_.Change([](State& state) { return state.PostSign(); });
      lock_.Release("uring.leave.unlock");
      if (error == 0) return;
      if (pauses == State::kPauses) FatalRing(error);
      Sys::Pause(PauseAfter(pauses));
      lock_.Acquire("uring.leave.lock");
    }
  }

  // The pause after so many.
  static constexpr std::int64_t PauseAfter(int before) {
    return std::min(kLongestPause, kPause << std::min(before, 4));
  }

  // False: the kernel could not wait; the caller's loop polls again.
  bool Wait(Delta delta, unsigned count = 1) {
    const int error = Ring<Env, Sys>::Wait(fd_, delta, count);
    if (error == EAGAIN || error == EBUSY || error == ENOMEM) {
      Sys::Pause(delta.forever() ? kPause : std::min(kPause, delta.nanos()));
      return false;
    }
    if (error != 0 && error != ETIME && error != EINTR) FatalRing(error);
    return true;
  }

  // Without the lock. In slices, since somebody else may have fetched the
  // completion in between.
  void RestBeforeNextTry(Leaving& self) {
    const std::int64_t pause = PauseAfter(self.rests++);
    if (self.error != 0) return Sys::Pause(pause);
    static_cast<void>(
        Wait(Delta::AtMost(std::chrono::nanoseconds(pause)), self.wait_for));
  }

  // Takes what there is to report. True: that ends the poll.
  bool Take(bool blocking, Batch& batch) {
    return Locked("uring.take.lock", [&](State& state) {
      state.Fetch(kBatch);
      const bool woken = blocking && state.broken;
      if (woken) {
        state.broken = false;
        token_.Clear();
      }
      FillBatch(state, batch);
      state.EndLeftBehind();
      return woken || batch.size != 0;
    });
  }

  // False: no answer.
  static bool AskSystem(pollfd* asked, unsigned count) {
    int answered = -EINTR;
    for (int left = State::kTries; answered == -EINTR && left > 0; --left) {
      answered = Sys::Poll(asked, count);
    }
    return answered >= 0;
  }
  // Without an answer: what at worst costs a needless system call.
  static RingReport Truth(bool answered, const pollfd& asked) {
    if (answered) {
      return DecodeRingPoll(static_cast<std::uint16_t>(asked.revents));
    }
    return {{Mode::kReadWrite, {.no_more_edges = true}}};
  }

  // Everything below is called under the lock.

  static void FillBatch(State& state, Batch& batch) {
    while (batch.size < kBatch) {
      Item& item = batch.items[batch.size];
      item.registration = state.registrations.Take(&item.report);
      if (item.registration == nullptr) break;
      item.key = item.registration->key;
      ++batch.size;
    }
    AskAgain(batch);
    // Afterwards: one that can't be armed now waits for the next Poll.
    for (std::size_t i = 0; i < batch.size; ++i) {
      Registration& registration = *batch.items[i].registration;
      if (registration.armed || registration.dead) continue;
      if (state.Arm(registration) != 0) {
        state.registrations.Keep(registration, {{Mode::kReadWrite}});
        batch.refused = true;
      }
    }
  }

  // Asks poll(2) about the unsure reports, in one call.
  static void AskAgain(Batch& batch) {
    pollfd asked[kBatch];
    Item* items[kBatch];
    unsigned count = 0;
    for (std::size_t i = 0; i < batch.size; ++i) {
      Item& item = batch.items[i];
      if (!item.report.unsure) continue;
      items[count] = &item;
      asked[count++] = {
          .fd = item.registration->fd, .events = kRingEvents, .revents = 0};
    }
    if (count == 0) return;
    const bool answered = AskSystem(asked, count);
    for (unsigned i = 0; i < count; ++i) {
      RingReport& report = items[i]->report;
      const RingReport truth = Truth(answered, asked[i]);
      report.mode = static_cast<Mode>(static_cast<unsigned>(report.mode) |
                                      static_cast<unsigned>(truth.mode));
      report.flags.error = truth.flags.error;
      report.flags.no_more_edges |= truth.flags.no_more_edges;
    }
  }

  const IoUringOptions options_;
  UseGuard guard_;
  WakeToken<Env> token_;
  typename Env::Lock lock_;
  typename Env::template Var<State> state_;  // Protected by the lock.
  int fd_ = -1;  // The ring's, for who waits without the lock.
};

static_assert(PollerBackend<IoUringBackend<>>);

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IO_URING_IO_URING_BACKEND_H_
