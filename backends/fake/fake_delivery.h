// SPDX-License-Identifier: Apache-2.0
//
// The way of an event from a fake descriptor to the batch of a poll, and what
// the adversary does to it there. Plain data: fake_kernel.h holds it under its
// lock.
//
// An event on its way waits in a queue with the number of polls that it still
// sits out. Nothing is lost: whatever leaves a descriptor is reported by a
// later poll, at the latest kMostPolls polls after it could be.

#ifndef NETPOLL_BACKENDS_FAKE_FAKE_DELIVERY_H_
#define NETPOLL_BACKENDS_FAKE_FAKE_DELIVERY_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "netpoll/backends/fake/fake_adversary.h"
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"

namespace netpoll {

class FakeDelivery {
 public:
  static constexpr std::size_t kNoLimit = ~std::size_t{0};

  void set_trigger(FakeTrigger trigger) { trigger_ = trigger; }
  void set_max_events(std::size_t count) { max_events_ = count; }

  // Reports `event` as it is.
  void Inject(FakeEvent event) { queue_.push_back({event, 0}); }

  // Keeps what is due, with the keys of now, until Release.
  void Hold() { holding_ = true; }
  void Release() {
    holding_ = false;
    for (const FakeEvent& event : std::exchange(held_, {})) Inject(event);
  }

  // Its events are stale from here on. An operation's end is awaited before
  // the close, so none is left.
  void Closed(EventKey key) {
    if (trigger_ == FakeTrigger::kCompletion) {
      std::erase_if(queue_,
                    [key](const Waiting& w) { return w.event.key == key; });
      std::erase_if(held_, [key](FakeEvent e) { return e.key == key; });
    }
    closed_.push_back(key);
    if (closed_.size() > kKeysKept) closed_.pop_front();
  }

  // Whether an event waits for a later poll.
  bool waiting() const { return !queue_.empty(); }

  // What a poll reports.
  void Deliver(FakeFiles& files, FakeDice& dice,
               std::vector<FakeEvent>& events) {
    if (holding_) {
      files.Collect(held_, kNoLimit);
      return;
    }
    std::size_t limit = max_events_;
    const bool partial = dice.Draw(FakeDisturbance::kPartial);
    if (partial) limit = std::min(limit, 1 + dice.Below(2));
    TakeQueued(events, limit);
    TakeFresh(files, dice, events, limit);
    if (events.size() < limit) AddStrays(files, dice, events);
    if (partial && events.size() == limit &&
        (files.AnyDue() || !queue_.empty())) {
      dice.Count(FakeDisturbance::kPartial);
    }
    if (events.size() > 1 && dice.Roll(FakeDisturbance::kReorder)) {
      const std::size_t first = 1 + dice.Below(events.size() - 1);
      std::rotate(events.begin(),
                  events.begin() + static_cast<std::ptrdiff_t>(first),
                  events.end());
    }
  }

 private:
  static constexpr std::uint64_t kMostPolls = 8;
  static constexpr std::size_t kKeysKept = 8;

  struct Waiting {
    FakeEvent event;
    std::uint64_t polls;
  };

  void TakeQueued(std::vector<FakeEvent>& events, std::size_t limit) {
    std::deque<Waiting> rest;
    for (Waiting& waiting : queue_) {
      if (waiting.polls == 0 && events.size() < limit) {
        events.push_back(waiting.event);
        continue;
      }
      if (waiting.polls != 0) --waiting.polls;
      rest.push_back(waiting);
    }
    queue_ = std::move(rest);
  }

  void TakeFresh(FakeFiles& files, FakeDice& dice,
                 std::vector<FakeEvent>& events, std::size_t limit) {
    const std::size_t queued = events.size();
    files.Collect(events, limit);
    for (std::size_t i = queued; i < events.size();) {
      if (dice.Roll(FakeDisturbance::kDuplicate)) Enqueue(events[i], dice);
      if (dice.Roll(FakeDisturbance::kLate)) {
        Enqueue(events[i], dice);
        events.erase(events.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
  }

  void Enqueue(FakeEvent event, FakeDice& dice) {
    for (Waiting& other : queue_) {
      if (other.event.key != event.key) continue;
      if (trigger_ == FakeTrigger::kEdgeFilter &&
          other.event.mode != event.mode) {
        continue;
      }
      if (!dice.Roll(FakeDisturbance::kMerge)) continue;
      other.event = Merged(other.event, event);
      return;
    }
    queue_.push_back({event, dice.Below(kMostPolls)});
  }

  // A mask that says more than "error" is no pure error report.
  static FakeEvent Merged(FakeEvent a, FakeEvent b) {
    const unsigned mode = FakeBits(a.mode) | FakeBits(b.mode);
    return {a.key,
            static_cast<Mode>(mode),
            {.error = a.flags.error && b.flags.error,
             .no_more_edges = a.flags.no_more_edges || b.flags.no_more_edges}};
  }

  // Events without a cause.
  void AddStrays(FakeFiles& files, FakeDice& dice,
                 std::vector<FakeEvent>& events) {
    if (dice.Draw(FakeDisturbance::kSpurious)) {
      const auto wanted = static_cast<unsigned>(1 + dice.Below(3));
      if (const auto event = files.Spurious(dice.Below(kNoLimit), wanted)) {
        events.push_back(*event);
        dice.Count(FakeDisturbance::kSpurious);
      }
    }
    if (!closed_.empty() && dice.Roll(FakeDisturbance::kStale)) {
      events.push_back({closed_[dice.Below(closed_.size())],
                        Mode::kReadWrite,
                        {.error = dice.Below(2) != 0, .no_more_edges = true}});
    }
    if (dice.Roll(FakeDisturbance::kForeign)) {
      events.push_back({ForeignKey(dice), Mode::kReadWrite, {}});
    }
  }

  static EventKey ForeignKey(FakeDice& dice) {
    const auto number = static_cast<std::uint32_t>(dice.Below(4));
    switch (dice.Below(4)) {
      case 0:
        return EventKey::FromBits(0);
      case 1:
        return EventKey::Internal(number);
      case 2:  // A slot that may exist, in a life that it has not lived.
        return EventKey::ForSlot(number, 0x8000'0001u + number);
      default:  // A slot that does not exist.
        return EventKey::ForSlot(EventKey::kMaxIndex - number, 1);
    }
  }

  FakeTrigger trigger_ = FakeTrigger::kEdgeMask;
  std::deque<Waiting> queue_;
  std::vector<FakeEvent> held_;
  std::deque<EventKey> closed_;
  std::size_t max_events_ = kNoLimit;
  bool holding_ = false;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_FAKE_FAKE_DELIVERY_H_
