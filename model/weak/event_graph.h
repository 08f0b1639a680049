// SPDX-License-Identifier: Apache-2.0
//
// An execution graph while it grows: what took place, who read from whom, and
// the order of each object's writes. Knows neither threads nor memory models.

#ifndef NETPOLL_MODEL_WEAK_EVENT_GRAPH_H_
#define NETPOLL_MODEL_WEAK_EVENT_GRAPH_H_

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "netpoll/model/engine/object.h"

namespace netpoll::model {

// A set of events, by their numbers.
class EventSet {
 public:
  static constexpr int kMost = 256;

  void Add(int event) { words_[event >> 6] |= Bit(event); }
  void Remove(int event) { words_[event >> 6] &= ~Bit(event); }
  bool Has(int event) const { return (words_[event >> 6] & Bit(event)) != 0; }
  bool empty() const {
    return (words_[0] | words_[1] | words_[2] | words_[3]) == 0;
  }
  int size() const {
    int size = 0;
    for (const std::uint64_t word : words_) size += std::popcount(word);
    return size;
  }
  EventSet& operator|=(const EventSet& other) {
    for (int i = 0; i < kWords; ++i) words_[i] |= other.words_[i];
    return *this;
  }
  EventSet operator&(const EventSet& other) const {
    EventSet both;
    for (int i = 0; i < kWords; ++i)
      both.words_[i] = words_[i] & other.words_[i];
    return both;
  }
  EventSet Without(const EventSet& other) const {
    EventSet rest;
    for (int i = 0; i < kWords; ++i) {
      rest.words_[i] = words_[i] & ~other.words_[i];
    }
    return rest;
  }
  // The least event that is not in it; kMost: none.
  int FirstAbsent() const {
    for (int i = 0; i < kWords; ++i) {
      if (~words_[i] != 0) return i * 64 + std::countr_one(words_[i]);
    }
    return kMost;
  }
  template <class Do>
  void Each(Do each) const {
    for (int i = 0; i < kWords; ++i) {
      for (std::uint64_t word = words_[i]; word != 0; word &= word - 1) {
        each(i * 64 + std::countr_zero(word));
      }
    }
  }

 private:
  static constexpr int kWords = kMost / 64;
  static std::uint64_t Bit(int event) {
    return std::uint64_t{1} << (event & 63);
  }
  std::array<std::uint64_t, kWords> words_ = {};
};

// One event. Numbers of events: kInitial is what an object held at first.
struct GraphEvent {
  static constexpr int kInitial = -1;
  static constexpr int kNone = -2;

  enum class Kind : std::uint8_t {
    kAccess,
    kBranch,   // A choice, or a stimulus that came.
    kBlocked,  // Waits for another write than the one that it reads from.
    kNever,    // Could come, and does not.
  };

  Kind kind = Kind::kAccess;
  bool reads = false;
  bool writes = false;
  bool placed = false;  // Its write is in its object's order.
  bool plain = false;
  bool acquires = false;
  bool releases = false;
  bool seq_cst = false;
  bool stops = false;  // The program ended with it: nobody reads from it.
  std::int16_t thread = 0;
  std::int16_t slot = -1;
  Value read = 0;
  Value written = 0;
  Value response = 0;
  int node = 0;  // The thread's local state before it.
  int access = 0;
  std::int16_t before = kNone;  // In its thread.
  std::int16_t reads_from = kInitial;
  std::int16_t replaces = kInitial;  // Neighbours in its object's order, if
  std::int16_t replaced_by = kNone;  // it is placed.
  int stamp = 0;  // When it came, and when its write was placed.
  int write_stamp = 0;
  int overtook = -1;  // The stamp of a step that waits because of this one.
  EventSet causes;    // Before it by program order and reads-from.
  EventSet past;      // Happens before it.

  bool read_modify_write() const { return reads && writes; }
};

class EventGraph {
 public:
  struct Slot {
    std::int16_t first = GraphEvent::kNone;  // kNone: only the initial value.
    std::int16_t last = GraphEvent::kInitial;
    EventSet events;  // All events at it.
  };
  struct Place {
    int node = 0;
    std::int16_t last = GraphEvent::kNone;  // Event.
    bool asleep = false;  // Its last event is blocked, or never.
  };

  const GraphEvent& operator[](int event) const { return events_[event]; }
  GraphEvent& at(int event) { return events_[event]; }
  const EventSet& alive() const { return alive_; }
  int size() const { return alive_.size(); }

  std::vector<Place> threads;
  int stopped = 0;  // Threads that stopped the program.

  const Slot& slot(int number) const {
    static const Slot kEmpty;
    return number < static_cast<int>(slots_.size()) ? slots_[number] : kEmpty;
  }
  int slots() const { return static_cast<int>(slots_.size()); }

  int NextStamp() { return ++stamp_; }
  // Gives it a number. kMost: there is no room.
  int Add(const GraphEvent& event);
  // Takes out those of `gone`. Others of their threads are taken out with them.
  void Remove(const EventSet& gone);
  // Puts the write into its object's order, after `replaces`.
  void PlaceWrite(int event, int replaces);
  void UnplaceWrite(int event);
  // The write that follows; of kInitial, the slot's first.
  int ReplacedBy(int slot_number, int event) const {
    return event == GraphEvent::kInitial ? slot(slot_number).first
                                         : events_[event].replaced_by;
  }
  // Whether write `a` comes before write `b` in the order of their object.
  bool Before(int slot_number, int a, int b) const;
  // The last write of the slot that is in `events`.
  int LastWriteIn(int slot_number, const EventSet& events) const;

 private:
  Slot& SlotAt(int number) {
    if (number >= slots()) slots_.resize(number + 1);
    return slots_[number];
  }

  std::vector<GraphEvent> events_;
  std::vector<Slot> slots_;
  EventSet alive_;
  int stamp_ = 0;
};

// Copies of graphs, whose memory is used again.
class GraphCopies {
 public:
  class Copy {
   public:
    Copy(GraphCopies& from, std::unique_ptr<EventGraph> graph)
        : from_(from), graph_(std::move(graph)) {}
    ~Copy() { from_.spare_.push_back(std::move(graph_)); }
    Copy(const Copy&) = delete;
    Copy& operator=(const Copy&) = delete;
    EventGraph& operator*() const { return *graph_; }
    EventGraph* operator->() const { return graph_.get(); }

   private:
    GraphCopies& from_;
    std::unique_ptr<EventGraph> graph_;
  };

  Copy Of(const EventGraph& graph) {
    if (spare_.empty()) {
      return Copy(*this, std::make_unique<EventGraph>(graph));
    }
    std::unique_ptr<EventGraph> copy = std::move(spare_.back());
    spare_.pop_back();
    *copy = graph;
    return Copy(*this, std::move(copy));
  }

 private:
  std::vector<std::unique_ptr<EventGraph>> spare_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_WEAK_EVENT_GRAPH_H_
