// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/weak/event_graph.h"

namespace netpoll::model {

int EventGraph::Add(const GraphEvent& event) {
  const int number = alive_.FirstAbsent();
  if (number == EventSet::kMost) return number;
  if (number == static_cast<int>(events_.size())) {
    events_.push_back(event);
  } else {
    events_[number] = event;
  }
  alive_.Add(number);
  if (event.slot >= 0) SlotAt(event.slot).events.Add(number);
  return number;
}

void EventGraph::Remove(const EventSet& gone) {
  gone.Each([this](int number) {
    const GraphEvent& event = events_[number];
    if (event.placed) UnplaceWrite(number);
    if (event.slot >= 0) slots_[event.slot].events.Remove(number);
    if (event.stops) --stopped;
    alive_.Remove(number);
  });
  for (Place& place : threads) {
    while (place.last != GraphEvent::kNone && gone.Has(place.last)) {
      place.node = events_[place.last].node;
      place.last = events_[place.last].before;
      place.asleep = false;
    }
  }
}

void EventGraph::PlaceWrite(int number, int replaces) {
  GraphEvent& event = events_[number];
  Slot& slot = SlotAt(event.slot);
  const int next = ReplacedBy(event.slot, replaces);
  event.placed = true;
  event.write_stamp = ++stamp_;
  event.replaces = static_cast<std::int16_t>(replaces);
  event.replaced_by = static_cast<std::int16_t>(next);
  const auto me = static_cast<std::int16_t>(number);
  (replaces == GraphEvent::kInitial ? slot.first
                                    : events_[replaces].replaced_by) = me;
  (next == GraphEvent::kNone ? slot.last : events_[next].replaces) = me;
}

void EventGraph::UnplaceWrite(int number) {
  GraphEvent& event = events_[number];
  Slot& slot = SlotAt(event.slot);
  (event.replaces == GraphEvent::kInitial
       ? slot.first
       : events_[event.replaces].replaced_by) = event.replaced_by;
  (event.replaced_by == GraphEvent::kNone
       ? slot.last
       : events_[event.replaced_by].replaces) = event.replaces;
  event.placed = false;
}

bool EventGraph::Before(int slot_number, int a, int b) const {
  if (b == GraphEvent::kInitial) return false;
  for (int at = ReplacedBy(slot_number, a); at != GraphEvent::kNone;
       at = events_[at].replaced_by) {
    if (at == b) return true;
  }
  return false;
}

int EventGraph::LastWriteIn(int slot_number, const EventSet& events) const {
  int at = slot(slot_number).last;
  while (at != GraphEvent::kInitial && !events.Has(at)) {
    at = events_[at].replaces;
  }
  return at;
}

}  // namespace netpoll::model
