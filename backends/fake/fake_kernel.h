// SPDX-License-Identifier: Apache-2.0
//
// The system that the fake backend talks to: descriptors whose readiness, and
// events whose delivery, a test decides. For tests only.
//
//   FakeKernel<> kernel;
//   Poller<FakeBackend<>> poller(kernel);
//   const Fd fd = kernel.MakeFd();
//   desc = poller.Open(fd).desc;
//   kernel.SetReady(fd, Mode::kRead);                // an edge
//   kernel.Inject({old_key, Mode::kRead, {}});       // a stale event
//   poller.Poll(Delta::NonBlocking());
//
// For glue inside a loop of somebody else's: `readable` is what PollFd() would
// be, and set_poll_fd lends it a descriptor of the system's, see
// fake_poll_fd.h.
//
// A blocking poll blocks for real, until another thread does something that
// ends it. The clock is manual: a wait with a limit ends when somebody
// advances it; with set_auto_advance the wait advances it itself.
//
// What it does of its own accord is in fake_adversary.h.
//
// Its containers are plain fields under one lock: the fake is for threads and
// for single-threaded sequences, not for the explorer.

#ifndef NETPOLL_BACKENDS_FAKE_FAKE_KERNEL_H_
#define NETPOLL_BACKENDS_FAKE_FAKE_KERNEL_H_

#include <cerrno>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "netpoll/backends/fake/fake_adversary.h"
#include "netpoll/backends/fake/fake_delivery.h"
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/backends/fake/fake_lent_fd.h"
#include "netpoll/backends/fake/fake_tokens.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {

template <class Env = StdEnv>
class FakeKernel {
 public:
  explicit FakeKernel(std::uint64_t seed = 1) : dice_(seed) {}
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;

  // --- Descriptors ----------------------------------------------------------

  // The lowest number that is free, as the system does it.
  Fd MakeFd() {
    const LockHolder hold(lock_, "fake.make_fd");
    return files_.Make();
  }

  // The system's close: also ends a registration that is left.
  void CloseFd(Fd fd) {
    const LockHolder hold(lock_, "fake.close_fd");
    if (FakeFile* const file = files_.Find(fd)) *file = FakeFile{};
    TellReadable();
  }

  // Makes `fd` ready in the directions of `mode`, and that is an edge even if
  // it was ready. `flags` go with the reports from now on.
  void SetReady(Fd fd, Mode mode, EventFlags flags = {}) {
    Change("fake.set_ready", [&] {
      FakeFile* const file = files_.Find(fd);
      if (file == nullptr) return;
      file->ready |= FakeBits(mode);
      file->edges |= FakeBits(mode);
      file->flags.error = flags.error;
      file->flags.no_more_edges |= flags.no_more_edges;
    });
  }

  // A system call found that it would block.
  void ClearReady(Fd fd, Mode mode) {
    const LockHolder hold(lock_, "fake.clear_ready");
    if (FakeFile* const file = files_.Find(fd)) file->ready &= ~FakeBits(mode);
  }

  // The key under which `fd` is registered.
  std::optional<EventKey> KeyOf(Fd fd) {
    const LockHolder hold(lock_, "fake.key_of");
    FakeFile* const file = files_.Find(fd);
    return file == nullptr ? std::nullopt : file->key;
  }

  // --- The script -----------------------------------------------------------

  // Begins an operation in the directions of `mode`: its end is reported once,
  // when the descriptor is ready. Completion profile only.
  void Submit(Fd fd, Mode mode) {
    Change("fake.submit", [&] {
      FakeFile* const file = files_.Find(fd);
      if (file != nullptr) file->armed |= FakeBits(mode);
    });
  }

  // Reports `event` as it is: duplicate, spurious, stale, foreign.
  void Inject(FakeEvent event) {
    Change("fake.inject", [&] { delivery_.Inject(event); });
  }

  // Late events: from now on polls take what is due from the descriptors but
  // keep it, with the key of that moment, until Release.
  void Hold() {
    const LockHolder hold(lock_, "fake.hold");
    delivery_.Hold();
  }
  void Release() {
    Change("fake.release", [&] { delivery_.Release(); });
  }

  // At most `count` events per poll; the rest stays for the next.
  void set_max_events(std::size_t count) {
    const LockHolder hold(lock_, "fake.max_events");
    delivery_.set_max_events(count);
  }

  // The next `count` system calls of polls are interrupted.
  void Interrupt(int count = 1) {
    Change("fake.interrupt", [&] { interrupts_ += count; });
  }

  // The next registration, deregistration or post of a token fails so.
  void FailNextOpen(int error) { SetError(&open_error_, error); }
  void FailNextClose(int error) { SetError(&close_error_, error); }
  void FailNextPost(int error) {
    const LockHolder hold(lock_, "fake.fail_post");
    tokens_.FailNext(error);
  }

  // Tokens that no Break of the poller asked for, e.g. written by foreign
  // code; each ends one blocking poll.
  void PostTokens(int count) {
    Change("fake.post_tokens", [&] { tokens_.Add(count); });
  }

  // Some kernels let a non-blocking poll take the token out for a moment, and
  // put it back without telling a blocking poll that looked meanwhile.
  void TakeTokenOut() {
    const LockHolder hold(lock_, "fake.token_out");
    tokens_.set_in_transit(true);
    TellReadable();
  }
  void PutTokenBack(bool notify) {
    {
      const LockHolder hold(lock_, "fake.token_back");
      tokens_.set_in_transit(false);
      TellReadable();
    }
    if (notify) parker_.Unpark("fake.token_notify");
  }

  void set_adversary(FakeAdversary adversary) {
    const LockHolder hold(lock_, "fake.adversary");
    dice_.set_adversary(adversary);
  }

  // --- The clock ------------------------------------------------------------

  std::int64_t now() {
    const LockHolder hold(lock_, "fake.now");
    return now_;
  }
  void Advance(std::int64_t nanos) {
    Change("fake.advance", [&] { now_ = Sum(now_, nanos); });
  }
  void set_auto_advance(bool on) {
    const LockHolder hold(lock_, "fake.auto_advance");
    auto_advance_ = on;
  }

  // --- What happened --------------------------------------------------------

  // How often the adversary did that.
  int happened(FakeDisturbance what) {
    const LockHolder hold(lock_, "fake.happened");
    return dice_.happened(what);
  }
  // Whether polls have something left to report.
  bool quiet() {
    const LockHolder hold(lock_, "fake.quiet");
    return !delivery_.waiting() && !files_.AnyDue();
  }
  // Whether a poll would report something, or a blocking one take a token.
  bool readable() {
    const LockHolder hold(lock_, "fake.readable");
    return Readable();
  }
  // Whether a blocking poll sleeps at this moment.
  bool blocked() { return Read("fake.blocked", blocked_); }
  int tokens() { return Read("fake.tokens", tokens_).count(); }
  // Tokens that Break has posted so far: fewer than breaks.
  int posts() { return Read("fake.posts", tokens_).posts(); }
  int polls() { return Read("fake.polls", polls_); }
  int registered() {
    const LockHolder hold(lock_, "fake.registered");
    return files_.Registered();
  }

  // --- System calls of the backend ------------------------------------------

  void set_poll_fd(FakeLentFd lent) {
    const LockHolder hold(lock_, "fake.set_poll_fd");
    lent_ = lent;
    TellReadable();
  }
  Fd poll_fd() { return Read("fake.poll_fd", lent_).fd; }

  static constexpr Fd kWakeFd = 999;
  static constexpr Fd kFirstFd = FakeFiles::kFirstFd;

  struct Batch {
    std::vector<FakeEvent> events;
    bool token = false;
    bool carries_token = false;  // To be put back by Leave.
  };

  void Attach(FakeTrigger trigger) {
    files_.set_trigger(trigger);
    delivery_.set_trigger(trigger);
    dice_.set_trigger(trigger);
  }

  int Register(Fd fd, EventKey key) {
    int error = 0;
    Change("fake.register", [&] {
      FakeFile* const file = files_.Find(fd);
      error = std::exchange(open_error_, 0);
      if (error != 0) return;
      error = file == nullptr ? EBADF : file->key.has_value() ? EEXIST : 0;
      if (error == 0 && dice_.Roll(FakeDisturbance::kOpenFails)) {
        error = dice_.Below(2) != 0 ? ENOSPC : ENOMEM;
      }
      if (error != 0) return;
      file->key = key;
      file->edges = file->ready;  // Edges from before count.
      file->armed = 0;
    });
    return error;
  }

  // A deregistration that fails is one all the same, as after the system's
  // close.
  int Deregister(Fd fd, EventKey key) {
    const LockHolder hold(lock_, "fake.deregister");
    const int error = std::exchange(close_error_, 0);
    FakeFile* const file = files_.Find(fd);
    if (file == nullptr) return error != 0 ? error : EBADF;
    if (file->key != key) return error != 0 ? error : ENOENT;
    file->key.reset();
    file->armed = 0;
    delivery_.Closed(key);
    TellReadable();
    if (error == 0 && dice_.Roll(FakeDisturbance::kCloseFails)) return EIO;
    return error;
  }

  void Arm(Fd fd, EventKey key, Mode direction) {
    Change("fake.arm", [&] {
      FakeFile* const file = files_.Find(fd);
      if (file != nullptr && file->key == key)
        file->armed |= FakeBits(direction);
    });
  }

  int Post() {
    int error = 0;
    Change("fake.post", [&] { error = tokens_.Post(dice_); });
    return error;
  }

  // When a wait of `delta` that begins now ends by the clock.
  std::int64_t EndOf(Delta delta) {
    return delta.forever() ? kNever : Sum(now(), delta.nanos());
  }

  // One look: true if the poll returns with `batch`, false if it must Sleep.
  bool Look(Delta delta, std::int64_t end, Batch& batch) {
    const LockHolder hold(lock_, "fake.look");
    const bool over = LookHere(delta, end, batch);
    TellReadable();
    return over;
  }

  // After the last report of a poll.
  void Leave(const Batch& batch) {
    if (batch.carries_token) PutTokenBack(/*notify=*/true);
  }

  void Sleep() { parker_.Park("fake.sleep"); }

 private:
  static constexpr std::uint64_t kJump = 1'000'000;

  static std::int64_t Sum(std::int64_t a, std::int64_t b) {
    return b > kNever - a ? kNever : a + b;
  }

  bool LookHere(Delta delta, std::int64_t end, Batch& batch) {
    ++polls_;
    if (delta.blocking()) blocked_ = false;
    const bool limited = delta.limited();
    Disturb(delta);
    if (Interrupted(delta) && limited) return true;
    delivery_.Deliver(files_, dice_, batch.events);
    if (delta.blocking()) {
      batch.token = tokens_.Take();
    } else {
      batch.carries_token = tokens_.Borrow(dice_);
    }
    // With late events on their way, returning early keeps them coming.
    if (!delta.blocking() || batch.token || !batch.events.empty() ||
        delivery_.waiting()) {
      return true;
    }
    if (limited && auto_advance_ && now_ < end) now_ = end;
    if (limited && now_ >= end) return true;
    blocked_ = true;
    return false;
  }

  bool Readable() const {
    return tokens_.takeable() || delivery_.waiting() || files_.AnyDue();
  }
  void TellReadable() { lent_.Say(Readable()); }

  // Changes something that may end a blocking poll.
  template <class F>
  void Change(Site site, F change) {
    {
      const LockHolder hold(lock_, site);
      change();
      TellReadable();
    }
    parker_.Unpark("fake.notify");
  }

  template <class T>
  T Read(Site site, const T& field) {
    const LockHolder hold(lock_, site);
    return field;
  }

  void SetError(int* where, int error) {
    const LockHolder hold(lock_, "fake.set_error");
    *where = error;
  }

  bool Interrupted(Delta delta) {
    if (interrupts_ != 0) {
      --interrupts_;
      return true;
    }
    return delta.blocking() && dice_.Roll(FakeDisturbance::kInterrupt);
  }

  void Disturb(Delta delta) {
    if (!delta.blocking()) return;
    tokens_.Storm(dice_);
    if (!delta.forever() && dice_.Roll(FakeDisturbance::kClockJump)) {
      now_ = Sum(now_, static_cast<std::int64_t>(dice_.Below(kJump)));
    }
  }

  typename Env::Lock lock_;
  typename Env::Parker parker_;

  // Under the lock.
  FakeFiles files_;
  FakeDelivery delivery_;
  FakeDice dice_;
  FakeTokens tokens_;
  std::int64_t now_ = 1'000'000'000;
  int interrupts_ = 0;
  int polls_ = 0;
  int open_error_ = 0;
  int close_error_ = 0;
  bool blocked_ = false;
  bool auto_advance_ = false;
  FakeLentFd lent_;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_FAKE_FAKE_KERNEL_H_
