// SPDX-License-Identifier: Apache-2.0
//
// Every behaviour that a memory model allows, of the same worlds that the
// search of interleavings explores: over execution graphs instead of states.
//
// A graph has the accesses that took place, who read from whom, and for each
// object the order of its writes. The tables (engine/tabulate.h) say what each
// thread does next and what it does with what it reads; here a read may take
// any write, and a write any place, that the model allows.
//
// What is what in a graph:
//   loads, stores, exchanges, adds, compare-exchanges   with their orders; a
//       compare-exchange that fails is a load (core/concurrency.h, OnFailure)
//   plain fields      not atomic: two threads at one, one of them writing, and
//                     neither before the other, is a data race
//   locks             taking reads "free" and nothing else, acquire; the
//                     release is a release store
//   steps of the environment (Thread::Call, Park, MakeRunnable)   acquire and
//                     release, atomic; they wait for a value at which they can
//                     be taken
//   choices           branches; what may never come also never comes
//
// Which laws are asked:
//   of a thread's own history, and Thread::Fail, misuse, crashes    everywhere
//   Refines       of each atomic step with the value that it reads; of a store
//                 with the value that it replaces, at rest
//   BeforeStep    of the state that the causes of the step alone lead to: for
//                 a step that wakes, what happens before it; for others, what
//                 it has read of, directly or not
//   AtRest, deadlock   in each graph in which nothing more must happen, with
//                 the last write of each object
//   Invariant     only under kSc, on one order of the steps of each graph: a
//                 weaker model has no states that all threads agree on

#ifndef NETPOLL_MODEL_WEAK_WEAK_SEARCH_H_
#define NETPOLL_MODEL_WEAK_WEAK_SEARCH_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/tabulate.h"

namespace netpoll::model {

enum class MemoryModel : std::uint8_t {
  kSc,   // Interleavings.
  kTso,  // x86 as compilers use it: a seq_cst store and every read-modify-write
         // drain the store buffer; all other orders are those of the machine.
  kRc11,  // C++20 without out-of-thin-air values (Lahav et al., 2017).
};

constexpr const char* Name(MemoryModel model) {
  constexpr const char* kNames[] = {"sc", "tso", "rc11"};
  return kNames[static_cast<int>(model)];
}

struct WeakLimits {
  // Graphs that are looked at, unfinished ones counted.
  std::uint64_t graphs = std::numeric_limits<std::uint64_t>::max();
  double seconds = std::numeric_limits<double>::infinity();
  // Called now and then: graphs looked at, graphs at rest.
  std::function<void(std::uint64_t, std::uint64_t)> progress;
  // Looks for a smaller counterexample in that many more graphs.
  std::uint64_t graphs_for_smaller = 20'000;
  // Only this part of the search of that many: what comes after a few events is
  // dealt out in turn. The counts of all parts add up to those of the whole.
  int part = 0;
  int parts = 1;
  // Put in here, if somebody wants them: the graphs at rest.
  std::set<std::string>* at_rest = nullptr;
};

// An access that took place.
struct WeakEvent {
  static constexpr int kInitial = -1;  // What the object held at first.

  int thread = 0;
  int node = 0;    // The local state before it,
  int access = 0;  // and its access, of the tables.
  int slot = -1;   // Of the object; -1: none.
  bool reads = false;
  bool writes = false;
  Value read = 0;
  Value written = 0;
  Value response = 0;
  int reads_from = kInitial;  // Events by their number in the graph.
  int replaces = kInitial;    // The write before it in its object's order.
};

struct WeakGraph {
  std::vector<WeakEvent> events;         // In an order that causes allow.
  std::vector<std::vector<int>> writes;  // By slot: in modification order.
  std::vector<int> nodes;                // By thread: where it is.
};

struct WeakResult {
  bool complete = false;
  std::string violation;  // Empty: every law held.
  WeakGraph graph;        // Of the violation: the smallest that was found.
  int failed = -1;        // The event that breaks the law; -1: the end does.
  std::uint64_t complete_graphs = 0;  // At rest, and all threads have ended;
  std::uint64_t blocked_graphs = 0;   // at rest, and somebody waits.
  std::uint64_t wasted_graphs = 0;    // Led to none of either.
  std::uint64_t explored = 0;         // Looked at, unfinished ones counted.
  std::uint64_t distinct = 0;         // Of those at rest.
  double seconds = 0;
  std::string cut_off;  // Why it is not complete, if that is no limit's doing.
};

// Each graph once, or nearly: `explored`, `wasted_graphs` and `distinct` say
// how near.
WeakResult ExploreGraphs(Tabulator& tables, MemoryModel model,
                         const WeakLimits& limits = {});

// The same by several workers, each with tables of its own; the same counts
// (but graphs that two of them come to would not be noticed as such).
WeakResult ExploreGraphsOf(const Scenario& scenario, MemoryModel model,
                           const WeakLimits& limits, int workers);

// All partial graphs, event by event, without any reduction: the oracle of the
// other, for small worlds.
WeakResult ExploreAllGraphs(Tabulator& tables, MemoryModel model,
                            const WeakLimits& limits = {});

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_WEAK_WEAK_SEARCH_H_
