// SPDX-License-Identifier: Apache-2.0
//
// The descriptors that are open in the ring, by key and by number, and what
// the ring has said of each that no Poll has taken yet. So a completion may be
// fetched by anybody, a Close for example, and costs no memory to keep.
// Not thread-safe: the backend's lock protects it.

#ifndef NETPOLL_BACKENDS_IO_URING_REGISTRATIONS_H_
#define NETPOLL_BACKENDS_IO_URING_REGISTRATIONS_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "netpoll/backends/io_uring/io_uring_events.h"
#include "netpoll/backends/io_uring/sparse_array.h"
#include "netpoll/backends/posix/open_set.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {

struct Registration {
  EventKey key = EventKey::FromBits(0);  // 0: the place is free.
  Fd fd = -1;
  // The kernel has a poll of it. `ended_with`: how the last one ended.
  bool armed = false;
  bool dead = false;
  bool leaving = false;  // Being closed: nothing is reported any more.
  std::int32_t ended_with = 0;
  std::uint64_t armed_by = 0;  // The thread.
  // What waits for a Poll; in the list of ready ones while there is anything.
  bool waiting = false;
  bool unsure = false;
  std::uint8_t mode = 0;
  EventFlags flags{};
  Registration* previous = nullptr;
  Registration* next = nullptr;

  template <class Visit>
  void EachField(Visit& visit) {
    visit(key);
    visit(fd);
    visit(armed);
    visit(dead);
    visit(leaving);
    visit(ended_with);
    visit(armed_by);
    visit(waiting);
    visit(unsure);
    visit(mode);
    visit(flags.error);
    visit(flags.no_more_edges);
    visit(previous);
    visit(next);
  }
};

class Registrations {
 public:
  // 0, or: EBADF not a descriptor; EEXIST the descriptor or the slot is in use;
  // ENOMEM.
  int Add(Fd fd, EventKey key, Registration** added) {
    Registration* const place = of_slot_.Make(key.index());
    if (place == nullptr) return ENOMEM;
    if (place->key.valid_slot()) return EEXIST;
    if (const int error = open_.Insert(fd, key); error != 0) return error;
    *place = Registration{.key = key, .fd = fd};
    *added = place;
    return 0;
  }

  // Null if nothing is registered under the whole of `key`.
  Registration* Find(EventKey key) const {
    Registration* const place =
        key.valid_slot() ? of_slot_.Find(key.index()) : nullptr;
    return place != nullptr && place->key == key ? place : nullptr;
  }

  // Reports nothing of it any more. It keeps its place until Remove.
  void Retire(Registration& registration) {
    if (registration.waiting) Unlink(registration);
    registration.leaving = true;
  }

  void Remove(Registration& registration) {
    if (registration.waiting) Unlink(registration);
    open_.Erase(registration.fd, registration.key);
    registration = Registration{};
  }

  // Adds a report to what waits for a Poll.
  void Keep(Registration& registration, const RingReport& report) {
    if (registration.leaving) return;
    registration.mode |= static_cast<std::uint8_t>(report.mode);
    registration.flags.error |= report.flags.error;
    registration.flags.no_more_edges |= report.flags.no_more_edges;
    registration.unsure |= report.unsure;
    registration.dead |= report.dead;
    if (!registration.waiting) Link(registration);
  }

  // The one that has waited longest, with its reports in `report`; or null.
  Registration* Take(RingReport* report) {
    Registration* const first = first_;
    if (first == nullptr) return nullptr;
    Unlink(*first);
    *report = {{static_cast<Mode>(first->mode), first->flags}, first->unsure};
    first->mode = 0;
    first->flags = EventFlags{};
    first->unsure = false;
    return first;
  }

  // How many wait for a Poll.
  std::size_t waiting() const { return waiting_; }

  template <class Visit>
  void EachField(Visit& visit) {
    visit(first_);
    visit(last_);
    visit(waiting_);
    visit(open_);
    visit(of_slot_);
  }

 private:
  void Link(Registration& registration) {
    registration.waiting = true;
    registration.previous = last_;
    registration.next = nullptr;
    (last_ == nullptr ? first_ : last_->next) = &registration;
    last_ = &registration;
    ++waiting_;
  }

  void Unlink(Registration& registration) {
    Registration* const previous = registration.previous;
    Registration* const next = registration.next;
    (previous == nullptr ? first_ : previous->next) = next;
    (next == nullptr ? last_ : next->previous) = previous;
    registration.waiting = false;
    --waiting_;
  }

  SparseArray<Registration> of_slot_;
  OpenSet open_;
  Registration* first_ = nullptr;
  Registration* last_ = nullptr;
  std::size_t waiting_ = 0;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_IO_URING_REGISTRATIONS_H_
