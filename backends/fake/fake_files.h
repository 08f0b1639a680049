// SPDX-License-Identifier: Apache-2.0
//
// The descriptors of the fake system, and what they have to report under each
// trigger profile. Plain data: fake_kernel.h holds it under its lock.
//
// A descriptor has, per direction as bits of Mode:
//   ready   a system call would succeed
//   edges   an edge that no poll has reported yet
//   armed   a report was asked for (level profile), or an operation is under
//   way
//           that ends when the direction is ready (completion profile)
// Only a registered descriptor, one with a key, reports.

#ifndef NETPOLL_BACKENDS_FAKE_FAKE_FILES_H_
#define NETPOLL_BACKENDS_FAKE_FAKE_FILES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {

// How the system announces readiness.
enum class FakeTrigger : std::uint8_t {
  // epoll: an edge in either direction reports all that is ready then; edges
  // that no poll has seen are merged.
  kEdgeMask,
  // kqueue: each direction is an event of its own; one descriptor may come
  // twice in a batch.
  kEdgeFilter,
  // Event ports, poll(2): what is armed and ready is reported, and disarmed.
  kLevel,
  // IOCP, io_uring: an event is the end of one operation, which somebody began
  // (FakeKernel::Submit).
  kCompletion,
};

constexpr const char* Name(FakeTrigger trigger) {
  constexpr const char* kNames[] = {"FakeEdgeMask", "FakeEdgeFilter",
                                    "FakeLevel", "FakeCompletion"};
  return kNames[static_cast<int>(trigger)];
}

struct FakeEvent {
  EventKey key;
  Mode mode;
  EventFlags flags;
};

constexpr unsigned FakeBits(Mode mode) { return static_cast<unsigned>(mode); }

struct FakeFile {
  bool open = false;
  unsigned ready = 0;
  unsigned edges = 0;
  unsigned armed = 0;
  EventFlags flags;
  std::optional<EventKey> key;
};

class FakeFiles {
 public:
  static constexpr Fd kFirstFd = 1000;

  void set_trigger(FakeTrigger trigger) { trigger_ = trigger; }

  // The lowest number that is free.
  Fd Make() {
    std::size_t index = 0;
    while (index < files_.size() && files_[index].open) ++index;
    if (index == files_.size()) files_.emplace_back();
    files_[index] = FakeFile{};
    files_[index].open = true;
    return kFirstFd + static_cast<Fd>(index);
  }

  // Null unless open.
  FakeFile* Find(Fd fd) {
    if (fd < kFirstFd) return nullptr;
    const auto index = static_cast<std::size_t>(fd - kFirstFd);
    if (index >= files_.size() || !files_[index].open) return nullptr;
    return &files_[index];
  }

  // A report of directions that are not ready, of some descriptor; nothing if
  // its system can't make one. `wanted`: bits of Mode.
  std::optional<FakeEvent> Spurious(std::uint64_t random, unsigned wanted) {
    if (files_.empty()) return std::nullopt;
    FakeFile& file = files_[random % files_.size()];
    if (!file.key.has_value()) return std::nullopt;
    unsigned mode = wanted & ~file.ready;
    if (trigger_ == FakeTrigger::kLevel) {
      mode &= file.armed;
      file.armed &= ~mode;
    }
    if (trigger_ == FakeTrigger::kEdgeFilter && mode == 3) mode = 1;
    if (mode == 0) return std::nullopt;
    return FakeEvent{*file.key, static_cast<Mode>(mode), {}};
  }

  // Whether Collect would find something.
  bool AnyDue() const {
    for (const FakeFile& file : files_) {
      if (file.key.has_value() && Due(file) != 0) return true;
    }
    return false;
  }

  int Registered() const {
    int count = 0;
    for (const FakeFile& file : files_) count += file.key.has_value() ? 1 : 0;
    return count;
  }

  // Appends what is to be reported now, up to `limit` events in all.
  void Collect(std::vector<FakeEvent>& events, std::size_t limit) {
    for (FakeFile& file : files_) {
      if (events.size() >= limit) return;
      if (!file.key.has_value()) continue;
      if (trigger_ == FakeTrigger::kEdgeFilter ||
          trigger_ == FakeTrigger::kCompletion) {
        CollectByDirection(file, events, limit);
      } else {
        CollectMask(file, events);
      }
    }
  }

 private:
  bool edges() const {
    return trigger_ == FakeTrigger::kEdgeMask ||
           trigger_ == FakeTrigger::kEdgeFilter;
  }

  // The directions that a report is due for.
  unsigned Due(const FakeFile& file) const {
    if (!edges()) return file.armed & file.ready;
    if (trigger_ == FakeTrigger::kEdgeFilter) return file.edges & file.ready;
    return file.edges != 0 ? file.ready : 0;
  }

  void CollectMask(FakeFile& file, std::vector<FakeEvent>& events) const {
    const unsigned due = Due(file);
    if (edges()) {
      file.edges = 0;
    } else {
      file.armed &= ~due;
    }
    if (due == 0) return;
    events.push_back({*file.key, static_cast<Mode>(due), file.flags});
  }

  void CollectByDirection(FakeFile& file, std::vector<FakeEvent>& events,
                          std::size_t limit) const {
    file.edges &= file.ready;  // What was consumed before the poll is no event.
    for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
      if ((Due(file) & FakeBits(direction)) == 0) continue;
      if (events.size() >= limit) return;
      (edges() ? file.edges : file.armed) &= ~FakeBits(direction);
      events.push_back({*file.key, direction, file.flags});
    }
  }

  FakeTrigger trigger_ = FakeTrigger::kEdgeMask;
  std::vector<FakeFile> files_;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_FAKE_FAKE_FILES_H_
