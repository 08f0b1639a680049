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
    if (fd < 0) return EBADF;
    const auto number = static_cast<std::size_t>(fd);
    if (!entries_.Reserve(number + 1)) return ENOMEM;
    if (entries_[number].key != 0) return EEXIST;
    if (!armed_.Reserve(registered_ + 1)) return ENOMEM;
    entries_[number] = {.key = key.bits(), .place = kNowhere};
    ++registered_;
    return 0;
  }

  Removed Remove(Fd fd, EventKey key) {
    Entry* const entry = Find(fd, key);
    if (entry == nullptr) return Removed::kUnknown;
    const bool armed = entry->place != kNowhere;
    if (armed) TakeOut(*entry);
    *entry = {};
    --registered_;
    return armed ? Removed::kArmed : Removed::kIdle;
  }

  // False if that changes nothing: `key` is not registered (any more), or the
  // direction is armed already.
  bool Arm(Fd fd, EventKey key, Mode direction) {
    Entry* const entry = Find(fd, key);
    if (entry == nullptr) return false;
    const PollEvents wanted = PollInterest(direction);
    if (entry->place == kNowhere) {
      armed_[size_++] = {.fd = fd, .events = wanted, .revents = 0};
      entry->place = static_cast<std::uint32_t>(size_);
      return true;
    }
    PollEvents& events = armed_[entry->place - 1].events;
    if ((events & wanted) == wanted) return false;
    events = static_cast<PollEvents>(events | wanted);
    return true;
  }

  // The directions of `mode` are reported, so they are armed no more; the
  // other stays. The key to report it under, or nothing if `fd` went away.
  std::optional<EventKey> Report(Fd fd, Mode mode) {
    Entry& entry = entries_[static_cast<std::size_t>(fd)];
    if (entry.place == kNowhere) return {};
    PollEvents& events = armed_[entry.place - 1].events;
    events = static_cast<PollEvents>(events & ~PollInterest(mode));
    if (events == 0) TakeOut(entry);
    return EventKey::FromBits(entry.key);
  }

  std::size_t registered() const { return registered_; }
  // How many have something armed.
  std::size_t size() const { return size_; }

  void CopyTo(pollfd* out) { std::copy_n(armed_.data(), size_, out); }

 private:
  // All zeros: nothing is registered.
  struct Entry {
    std::uint64_t key;
    std::uint32_t place;  // In armed_, from 1 on; 0: nothing is armed.
  };
  static constexpr std::uint32_t kNowhere = 0;

  Entry* Find(Fd fd, EventKey key) {
    const auto number = static_cast<std::size_t>(fd);
    if (fd < 0 || number >= entries_.capacity()) return nullptr;
    Entry& entry = entries_[number];
    const bool registered = entry.key != 0 && entry.key == key.bits();
    return registered ? &entry : nullptr;
  }

  // The last one moves into the gap, and its entry has to know.
  void TakeOut(Entry& entry) {
    const pollfd moved = armed_[--size_];
    armed_[entry.place - 1] = moved;
    entries_[static_cast<std::size_t>(moved.fd)].place = entry.place;
    entry.place = kNowhere;
  }

  Growable<Entry> entries_;  // By descriptor.
  Growable<pollfd> armed_;   // Room for all that are registered.
  std::size_t size_ = 0;
  std::size_t registered_ = 0;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POLL_WATCH_SET_H_
