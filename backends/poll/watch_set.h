// SPDX-License-Identifier: Apache-2.0
//
// What the poll backend knows of its descriptors: which are registered, under
// which key, and which directions are armed. Plain data; the backend's lock
// guards it.
//
// A descriptor with nothing armed is not in the array for poll(2): a hang-up
// is reported whether it is asked for or not, and a poll that has reported it
// would return at once for ever.

#ifndef NETPOLL_BACKENDS_POLL_WATCH_SET_H_
#define NETPOLL_BACKENDS_POLL_WATCH_SET_H_

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "netpoll/backends/poll/poll_events.h"
#include "netpoll/backends/posix/open_set.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/growable.h"
#include "netpoll/core/types.h"

namespace netpoll {

class WatchSet {
 public:
  // What Remove found.
  enum class Removed : std::uint8_t { kUnknown, kIdle, kArmed };

  // Registers with nothing armed. 0, or: EBADF not a descriptor; EEXIST;
  // ENOMEM.
  int Add(Fd fd, EventKey key) {
    if (const int error = open_.Insert(fd, key); error != 0) return error;
    if (!places_.Reserve(static_cast<std::size_t>(fd) + 1) ||
        !armed_.Reserve(registered_ + 1)) {
      open_.Erase(fd, key);
      return ENOMEM;
    }
    ++registered_;
    return 0;
  }

  Removed Remove(Fd fd, EventKey key) {
    if (!Has(fd, key)) return Removed::kUnknown;
    const bool armed = PlaceOf(fd) != kNowhere;
    if (armed) TakeOut(fd);
    open_.Erase(fd, key);
    --registered_;
    return armed ? Removed::kArmed : Removed::kIdle;
  }

  // False if that changes nothing: `key` is not registered (any more), or the
  // direction is armed already.
  bool Arm(Fd fd, EventKey key, Mode direction) {
    if (!Has(fd, key)) return false;
    const PollEvents wanted = PollInterest(direction);
    if (PlaceOf(fd) == kNowhere) {
      armed_[size_++] = {.fd = fd, .events = wanted, .revents = 0};
      PlaceOf(fd) = static_cast<std::uint32_t>(size_);
      return true;
    }
    PollEvents& events = armed_[PlaceOf(fd) - 1].events;
    if ((events & wanted) == wanted) return false;
    events = static_cast<PollEvents>(events | wanted);
    return true;
  }

  // The directions of `mode` are reported, so they are armed no more; the
  // other stays. The key to report it under, or nothing if `fd` went away.
  std::optional<EventKey> Report(Fd fd, Mode mode) {
    if (PlaceOf(fd) == kNowhere) return {};
    PollEvents& events = armed_[PlaceOf(fd) - 1].events;
    events = static_cast<PollEvents>(events & ~PollInterest(mode));
    if (events == 0) TakeOut(fd);
    return open_.Find(fd);
  }

  std::size_t registered() const { return registered_; }
  // How many have something armed.
  std::size_t size() const { return size_; }

  template <class Visit>
  void EachField(Visit& visit) {
    visit(open_);
    visit(places_);
    visit(registered_);
    visit(size_);
    visit.Array(armed_.data(), size_);
  }

  void CopyTo(pollfd* out) { std::copy_n(armed_.data(), size_, out); }

 private:
  static constexpr std::uint32_t kNowhere = 0;

  bool Has(Fd fd, EventKey key) const {
    return key.bits() != 0 && open_.Find(fd) == key;
  }

  // In armed_, from 1 on, or kNowhere: nothing is armed.
  std::uint32_t& PlaceOf(Fd fd) {
    return places_[static_cast<std::size_t>(fd)];
  }

  // The last one moves into the gap, and its place has to follow.
  void TakeOut(Fd fd) {
    const pollfd moved = armed_[--size_];
    armed_[PlaceOf(fd) - 1] = moved;
    PlaceOf(moved.fd) = PlaceOf(fd);
    PlaceOf(fd) = kNowhere;
  }

  OpenSet open_;
  Growable<std::uint32_t> places_;  // By descriptor.
  Growable<pollfd> armed_;          // Room for all that are registered.
  std::size_t size_ = 0;
  std::size_t registered_ = 0;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POLL_WATCH_SET_H_
