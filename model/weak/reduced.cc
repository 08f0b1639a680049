// SPDX-License-Identifier: Apache-2.0
//
// The search that everybody uses: depth first, one thread at a time, no memory
// of graphs. A read takes one of the writes that are there; a write that comes
// later may be given to reads that came before it, and takes along what caused
// it. What is between is dropped, and that is done only where all of it was the
// plainest continuation (IsPlainest), of which there is one: so each graph is
// come to on one way. After the scheme of Kokologiannakis et al., 2022 ("truly
// stateless, optimal"), with this of our own: what waits is in no graph before
// there is a write at which it can go on; and of two atomic steps that want the
// same write, one that comes later may overtake the other, which waits then.

#include <vector>

#include "netpoll/model/weak/tally.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {
namespace {

using Kind = GraphEvent::Kind;

class Reduced {
 public:
  Reduced(Grower& grower, Tally& tally, const WeakLimits& limits)
      : grower_(grower), tally_(tally), limits_(limits) {}

  void Visit(const EventGraph& graph) {
    if (tally_.over()) return;
    const bool dealt = depth_ == kDealt && limits_.parts > 1;
    if (dealt && turn_++ % limits_.parts != limits_.part) return;
    ++depth_;
    if (Mine()) tally_.Look();
    GoOn(graph);
    --depth_;
  }

 private:
  // Visits on the way to those that are dealt out to parts.
  static constexpr int kDealt = 24;

  struct Option {
    int source;
    bool enabled;
    bool taken;  // Another atomic step has it.
  };

  // What comes before the first dealt one is the first part's.
  bool Mine() const { return limits_.part == 0 || depth_ > kDealt; }

  void GoOn(const EventGraph& graph) {
    const int pending = PendingWrite(graph);
    if (pending >= 0) return Write(graph, pending);
    const int thread = NextThread(graph);
    if (thread < 0) return Leaf(graph);
    const Access access = grower_.Next(graph, thread);
    if (Grower::IsBranch(access)) return Branch(graph, thread, access);
    Extend(graph, thread, access);
  }

  // --- Forwards -------------------------------------------------------------

  static int PendingWrite(const EventGraph& graph) {
    int pending = -1;
    graph.alive().Each([&](int number) {
      const GraphEvent& event = graph[number];
      if (!event.writes || event.placed) return;
      if (pending < 0 || event.stamp < graph[pending].stamp) pending = number;
    });
    return pending;
  }

  int NextThread(const EventGraph& graph) {
    for (int thread = 0; thread < grower_.tables().thread_count(); ++thread) {
      if (graph.threads[thread].asleep) continue;
      const Access& access = grower_.Next(graph, thread);
      if (access.op == Op::kEnd) continue;
      if (!Grower::Waits(access)) return thread;
      for (const Option& option : Options(graph, thread)) {
        if (option.enabled && !option.taken) return thread;
      }
    }
    return -1;
  }

  // The writes that the thread's next access may read from.
  std::vector<Option> Options(const EventGraph& graph, int thread) {
    GraphEvent event;
    grower_.Describe(graph, thread, GraphEvent::kInitial, &event);
    grower_.Relate(graph, event);
    std::vector<Option> options;
    if (event.plain) {
      return {{graph.slot(event.slot).last, true, false}};
    }
    for (const int source :
         grower_.WritesFrom(graph, event.slot, grower_.Floor(graph, event))) {
      const bool enabled = grower_.Describe(graph, thread, source, &event);
      options.push_back({source, enabled,
                         event.read_modify_write() &&
                             !Grower::MayReplace(graph, event, source)});
    }
    return options;
  }

  void Branch(const EventGraph& graph, int thread, const Access& access) {
    const int branches =
        access.op == Op::kChoose ? static_cast<int>(access.number) : 1;
    for (int branch = 0; branch < branches; ++branch) {
      const auto copy = copies_.Of(graph);
      EventGraph& next = *copy;
      const int event = grower_.AppendBranch(next, thread, branch);
      if (tally_.Accepts(next, event)) Visit(next);
    }
    if (access.optional) Sleep(graph, thread, Kind::kNever, GraphEvent::kNone);
  }

  void Extend(const EventGraph& graph, int thread, const Access& access) {
    GraphEvent event;
    grower_.Describe(graph, thread, GraphEvent::kInitial, &event);
    if (!event.reads) {
      const auto copy = copies_.Of(graph);
      EventGraph& next = *copy;
      const int number = grower_.Append(next, event);
      grower_.Advance(next, number);
      return Write(next, number);
    }
    const std::vector<Option> options = Options(graph, thread);
    for (const Option& option : options) {
      if (option.enabled) Read(graph, thread, option.source);
    }
    if (access.optional) {
      Sleep(graph, thread, Kind::kNever, GraphEvent::kNone);
    } else if (!options.back().enabled) {
      Sleep(graph, thread, Kind::kBlocked, options.back().source);
    }
  }

  void Read(const EventGraph& graph, int thread, int source) {
    GraphEvent event;
    grower_.Describe(graph, thread, source, &event);
    const auto copy = copies_.Of(graph);
    EventGraph& next = *copy;
    const int number = grower_.Append(next, event);
    grower_.Advance(next, number);
    if (event.writes) return Write(next, number);
    if (grower_.Fits(next, number) && tally_.Accepts(next, number)) Visit(next);
  }

  // The thread goes no further, as long as no other write comes to it.
  void Sleep(const EventGraph& graph, int thread, Kind kind, int source) {
    GraphEvent event;
    event.kind = kind;
    event.thread = static_cast<std::int16_t>(thread);
    event.node = graph.threads[thread].node;
    const Access& access = grower_.Next(graph, thread);
    event.access = grower_.tables().node(thread, event.node).access;
    event.before = graph.threads[thread].last;
    if (access.object != nullptr) {
      event.slot = static_cast<std::int16_t>(access.object->slot);
      event.reads = true;
    }
    event.reads_from = static_cast<std::int16_t>(source);
    const auto copy = copies_.Of(graph);
    EventGraph& next = *copy;
    const int number = grower_.Append(next, event);
    grower_.Advance(next, number);
    Visit(next);
  }

  // The places of a write, and the reads that it may be given to.
  void Write(const EventGraph& graph, int number) {
    const GraphEvent& event = graph[number];
    if (event.plain) {
      Place(graph, number, graph.slot(event.slot).last);
      return;
    }
    for (const int place :
         grower_.WritesFrom(graph, event.slot, grower_.Floor(graph, event))) {
      if (Grower::MayReplace(graph, event, place)) Place(graph, number, place);
    }
    graph.slot(event.slot).events.Each([&](int read) {
      if (read != number && graph[read].reads && !event.causes.Has(read)) {
        Revisit(graph, number, read);
      }
    });
  }

  void Place(const EventGraph& graph, int number, int place) {
    const auto copy = copies_.Of(graph);
    EventGraph& next = *copy;
    next.PlaceWrite(number, place);
    if (grower_.Fits(next, number) && tally_.Accepts(next, number)) Visit(next);
  }

  // --- At the end -----------------------------------------------------------

  void Leaf(const EventGraph& graph) {
    if (graph.stopped == 0 && Mine()) {
      if (AllReadLast(graph) && tally_.judge().Rests(graph)) {
        tally_.Rest(graph);
      } else {
        ++tally_.result().wasted_graphs;
      }
    }
    // Who waits may have been overtaken.
    for (int thread = 0; thread < grower_.tables().thread_count(); ++thread) {
      if (graph.threads[thread].asleep) continue;
      if (!Grower::Waits(grower_.Next(graph, thread))) continue;
      for (const Option& option : Options(graph, thread)) {
        if (option.enabled) Read(graph, thread, option.source);
      }
    }
  }

  // Whoever is blocked knows the last write.
  static bool AllReadLast(const EventGraph& graph) {
    bool all = true;
    for (const EventGraph::Place& place : graph.threads) {
      if (!place.asleep || graph[place.last].kind != Kind::kBlocked) continue;
      const GraphEvent& event = graph[place.last];
      all = all && graph.slot(event.slot).last == event.reads_from;
    }
    return all;
  }

  // --- Backwards ------------------------------------------------------------

  // What the write leaves of the graph that it came to last.
  struct Cut {
    const GraphEvent& write;
    int stamp;      // Of the read that gets the write.
    EventSet gone;  // Without the read.
    EventSet
        unplaced;  // Keep their place in their thread, but not their write.
  };

  static bool Kept(const Cut& cut, int number, int stamp) {
    return stamp < cut.stamp || cut.write.causes.Has(number);
  }

  static Cut CutAt(const EventGraph& graph, int write, int read) {
    Cut cut{graph[write], graph[read].stamp, {}, {}};
    graph.alive().Each([&](int number) {
      if (number == write || number == read) return;
      const GraphEvent& event = graph[number];
      if (!Kept(cut, number, event.stamp)) {
        cut.gone.Add(number);
      } else if (event.placed && !Kept(cut, number, event.write_stamp)) {
        cut.unplaced.Add(number);
      }
    });
    if (graph[read].placed) cut.unplaced.Add(read);
    return cut;
  }

  // Whether a write after `write`, in the order of their object, came before
  // `stamp` or comes with the new write.
  static bool Replaced(const EventGraph& graph, const Cut& cut, int slot,
                       int write, int stamp, int but) {
    for (int at = graph.ReplacedBy(slot, write); at != GraphEvent::kNone;
         at = graph[at].replaced_by) {
      if (at != but &&
          (graph[at].write_stamp < stamp || cut.write.causes.Has(at))) {
        return true;
      }
    }
    return false;
  }

  bool IsPlainestRead(const EventGraph& graph, const Cut& cut, int number) {
    const GraphEvent& event = graph[number];
    const Access& access = grower_.tables().access(event.access);
    if (access.optional) return event.kind == Kind::kNever;
    if (event.kind == Kind::kBranch) return event.response == 0;
    return !event.reads || !Replaced(graph, cut, event.slot, event.reads_from,
                                     event.stamp, number);
  }

  static bool IsPlainestWrite(const EventGraph& graph, const Cut& cut,
                              int number) {
    const GraphEvent& event = graph[number];
    if (!event.placed) return true;
    if (event.overtook >= 0) return false;
    bool given = false;  // To a read that came before it.
    graph.slot(event.slot).events.Each([&](int read) {
      given |= graph[read].reads && graph[read].reads_from == number &&
               graph[read].stamp < event.write_stamp;
    });
    return !given &&
           !Replaced(graph, cut, event.slot, number, event.write_stamp, number);
  }

  bool IsPlainest(const EventGraph& graph, const Cut& cut, int read) {
    bool plainest = IsPlainestRead(graph, cut, read);
    cut.gone.Each([&](int number) {
      plainest = plainest && IsPlainestRead(graph, cut, number) &&
                 IsPlainestWrite(graph, cut, number);
    });
    cut.unplaced.Each([&](int number) {
      plainest = plainest && IsPlainestWrite(graph, cut, number);
    });
    return plainest;
  }

  void Revisit(const EventGraph& graph, int write, int read) {
    const Cut cut = CutAt(graph, write, read);
    if (!IsPlainest(graph, cut, read)) return;
    const auto copy = copies_.Of(graph);
    EventGraph& next = *copy;
    next.Remove(cut.gone);
    cut.unplaced.Each([&](int number) { next.UnplaceWrite(number); });
    next.alive().Each([&](int number) {
      GraphEvent& event = next.at(number);
      if (event.overtook > cut.stamp) event.overtook = -1;
    });
    if (!Give(next, write, read)) return;
    const GraphEvent& event = next[write];
    for (const int place :
         grower_.WritesFrom(next, event.slot, grower_.Floor(next, event))) {
      if (!Grower::MayReplace(next, event, place)) continue;
      const auto placed = copies_.Of(next);
      placed->PlaceWrite(write, place);
      GoOnWith(*placed, write, read);
    }
  }

  // The read has the write now. False: nothing comes of it.
  bool Give(EventGraph& graph, int write, int read) {
    GraphEvent event = graph[read];
    const bool had_write = event.read_modify_write();
    const int had = event.reads_from;
    if (event.stops) --graph.stopped;
    event.stops = false;
    if (!grower_.DescribeAnew(graph, write, &event)) {
      if (graph[read].kind == Kind::kNever) return false;
      if (had_write && graph[write].read_modify_write() &&
          graph[write].reads_from == had) {
        EventSet overtaken;
        overtaken.Add(read);
        graph.at(read).stops = false;
        graph.at(write).overtook = event.stamp;
        graph.Remove(overtaken);
        return true;
      }
      event.kind = Kind::kBlocked;
      event.writes = false;
    }
    event.placed = false;
    grower_.Relate(graph, event);
    graph.at(read) = event;
    grower_.Advance(graph, read);
    return true;
  }

  void GoOnWith(const EventGraph& graph, int write, int read) {
    const bool overtaken = !graph.alive().Has(read);
    if (!overtaken && graph[read].kind == Kind::kAccess) {
      const int slot = graph[write].slot;
      const int floor = grower_.Floor(graph, graph[read]);
      if (floor >= 0 && floor != write && !graph.Before(slot, floor, write)) {
        return;
      }
    }
    if (!grower_.Allowed(graph) || !tally_.Accepts(graph, write)) return;
    if (!overtaken && graph[read].kind == Kind::kAccess &&
        !graph[read].writes && !tally_.Accepts(graph, read)) {
      return;
    }
    Visit(graph);
  }

  Grower& grower_;
  Tally& tally_;
  const WeakLimits& limits_;
  GraphCopies copies_;
  int depth_ = 0;
  int turn_ = 0;
};

}  // namespace

WeakResult ExploreGraphs(Tabulator& tables, MemoryModel model,
                         const WeakLimits& limits) {
  Grower grower(tables, model);
  return Searched(grower, limits, [&](Tally& tally) {
    Reduced(grower, tally, limits).Visit(grower.Empty());
  });
}

}  // namespace netpoll::model
