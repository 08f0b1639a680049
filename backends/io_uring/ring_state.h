// SPDX-License-Identifier: Apache-2.0
//
// Everything of the io_uring backend that its lock protects: the ring, what is
// open in it, and what has to be told. See io_uring_backend.h. Nothing here
// blocks; not thread-safe.

#ifndef NETPOLL_BACKENDS_IO_URING_RING_STATE_H_
#define NETPOLL_BACKENDS_IO_URING_RING_STATE_H_

#include <linux/io_uring.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "netpoll/backends/io_uring/fatal_ring.h"
#include "netpoll/backends/io_uring/io_uring_events.h"
#include "netpoll/backends/io_uring/registrations.h"
#include "netpoll/backends/io_uring/requests.h"
#include "netpoll/backends/io_uring/ring.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {

template <class Env, class Sys>
struct RingState {
  // How often a request that the kernel can't take just now is handed over, one
  // time after the other; and how often after a pause.
  static constexpr int kTries = 16;
  static constexpr int kPauses = 500;
  static constexpr EventKey kWakeKey = EventKey::Internal(0);
  static constexpr EventKey kKeptKey = EventKey::Internal(1);
  // Of requests whose completion says nothing.
  static constexpr EventKey kSilentKey = EventKey::Internal(2);

  // A Close that is under way.
  struct Leaving {
    Registration* registration = nullptr;
    bool asked = false;  // The kernel has been asked to end the poll.
    int error = 0;       // The last request was refused.
    int refusals = 0;    // So far.
    int rests = 0;
    std::uint32_t wait_for = 1;  // So many completions.
  };

  Ring<Env, Sys> ring;
  Registrations registrations;
  bool broken = false;       // A break that no blocking Poll has taken.
  bool sign_posted = false;  // The sign is in the ring.

  int Open(Fd fd, EventKey key) {
    Registration* added = nullptr;
    int error = registrations.Add(fd, key, &added);
    if (error != 0) return error;
    error = ArmNew(*added);
    if (error != 0) registrations.Remove(*added);
    return error;
  }

  // Begins a Close. False: nothing of that kind is open.
  bool Retire(Fd fd, EventKey key, Leaving& self) {
    Registration* const found = registrations.Find(key);
    if (found == nullptr || found->fd != fd) return false;
    registrations.Retire(*found);
    self.registration = found;
    return true;
  }

  // One step of a Close: ends the poll and takes the registration away. True:
  // done, the kernel does not hold the file, unless there is an error. False:
  // to be called again after a rest.
  bool LetGo(Leaving& self) {
    Registration& registration = *self.registration;
    FetchAll();
    self.error = 0;
    if (registration.armed && !self.asked) {
      self.error = Submit(CancelOf(registration.key.bits()));
      self.asked = self.error == 0;
      FetchAll();
    }
    // The thread that armed the poll has told of its end, and lets go of the
    // file next, before others' requests are taken again.
    const bool elsewhere = registration.armed_by != Sys::Thread();
    if (!registration.armed && elsewhere) {
      self.error = Submit(RingNothingRequest(kSilentKey, Silent()));
    }
    const bool refused = self.error != 0;
    if (refused ? self.refusals++ < kPauses : registration.armed) {
      // What the rest must see beyond.
      if (PostSign() == 0) self.wait_for = ring.Unfetched() + 1;
      return false;
    }
    if (registration.armed) LeaveBehind(registration.key);
    registrations.Remove(registration);
    return true;
  }

  // Asks once more for the end of what a Close could not end.
  void EndLeftBehind() {
    while (left_behind_ != 0) {
      if (Submit(CancelOf(left_behind_keys_[left_behind_ - 1])) != 0) return;
      --left_behind_;
    }
  }

  // 0, or as Submit.
  int Arm(Registration& registration) {
    if (ring.Full()) FetchAll();
    registration.armed = true;
    registration.armed_by = Sys::Thread();
    const int error =
        Submit(RingPollRequest(registration.fd, registration.key));
    if (error != 0) registration.armed = false;
    return error;
  }

  // Where a break or a report is left. One completion for both reasons: a
  // second one would be fetched again while the first is refused, and so for
  // ever. 0, or as Submit.
  int PostSign() {
    const bool owed = broken || registrations.waiting() != 0;
    if (!owed || sign_posted) return 0;
    const int error =
        Submit(RingNothingRequest(broken ? kWakeKey : kKeptKey, 0));
    sign_posted = error == 0;
    return error;
  }

  // Takes what the ring says, until that is something of `enough` descriptors;
  // all of it if the ring overflows: until it is empty, a poll that is armed
  // anew finds no room.
  void Fetch(std::size_t enough) {
    io_uring_cqe completion;
    while ((registrations.waiting() < enough || ring.Overflown()) &&
           ring.Next(&completion)) {
      Note(completion);
    }
  }

  template <class Visit>
  void EachField(Visit& visit) {
    visit(ring);
    visit(broken);
    visit(sign_posted);
    visit(left_behind_);
    visit.Array(left_behind_keys_, left_behind_);
    visit(registrations);
  }

 private:
  static constexpr std::size_t kMostLeftBehind = 64;

  void Note(const io_uring_cqe& completion) {
    const EventKey key = EventKey::FromBits(completion.user_data);
    if (key == kWakeKey || key == kKeptKey) sign_posted = false;
    Registration* const registration = registrations.Find(key);
    if (registration == nullptr) return;
    const RingReport report = DecodeRing(completion.res, completion.flags);
    if (report.ended) {
      registration->armed = false;
      registration->ended_with = completion.res;
    }
    registrations.Keep(*registration, report);
  }

  void FetchAll() {
    io_uring_cqe completion;
    while (ring.Next(&completion)) Note(completion);
  }

  // 0; or EAGAIN, EBUSY or ENOMEM: the kernel can't take it just now,
  // even after all completions were fetched.
  int Submit(const io_uring_sqe& request) {
    for (int left = kTries;; --left) {
      const int error = ring.Submit(request);
      if (error == 0) return 0;
      if (error != EAGAIN && error != EBUSY && error != ENOMEM &&
          error != EINTR) {
        FatalRing(error);
      }
      if (left == 1) return error == EINTR ? EAGAIN : error;
      FetchAll();
    }
  }

  // As epoll would, it refuses a descriptor that can't be polled (EPERM): the
  // poll of such a one is over at once. So is that of a device which has
  // nothing to wait on yet (a tun device before it is set up), which epoll
  // takes. And one that finds no room for its completion, but not twice in a
  // row.
  int ArmNew(Registration& registration) {
    for (int left = 3; left > 0; --left) {
      const std::uint32_t before = ring.LoadTail();
      const int error = Arm(registration);
      if (error != 0) return error;
      if (ring.Overflown() || ring.HasEnd(registration.key.bits(), before)) {
        FetchAll();
      }
      if (registration.armed) return 0;
      const int ended_with = registration.ended_with;
      if (ended_with < 0) return ended_with == -EINVAL ? EPERM : -ended_with;
    }
    return EPERM;
  }

  void LeaveBehind(EventKey key) {
    const std::size_t at = std::min(left_behind_, kMostLeftBehind - 1);
    left_behind_keys_[at] = key.bits();
    left_behind_ = at + 1;
  }

  io_uring_sqe CancelOf(std::uint64_t key) const {
    return RingCancelRequest(key, kSilentKey, Silent());
  }
  std::uint8_t Silent() const { return ring.skip_success(); }

  // Polls of closed descriptors that the kernel has kept. The last place is
  // used again.
  std::size_t left_behind_ = 0;
  std::uint64_t left_behind_keys_[kMostLeftBehind];
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IO_URING_RING_STATE_H_
