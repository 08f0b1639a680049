// SPDX-License-Identifier: Apache-2.0
//
// The automata of a world's threads, found on demand: for every (local state,
// observed value) that the search meets, the thread's function is run once.

#ifndef NETPOLL_MODEL_ENGINE_TABULATE_H_
#define NETPOLL_MODEL_ENGINE_TABULATE_H_

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "netpoll/model/engine/run.h"

namespace netpoll::model {

// A local state: the access that comes next, and how to get there.
struct Node {
  int access = 0;
  int violation = -1;  // Index of a text; -1 none.
  Subject subject;     // Of the violation.
  bool stops = false;  // The program has ended.
  bool fused = false;  // Belongs to the step before: a plain field.
  Ghost ghost;
  std::vector<std::int32_t> next;  // By response; -1 not known.
  std::vector<char> passes;        // By response: a declaration is passed.
  int parent = -1;
  Value via = 0;
  int marks = 0;     // Passed on the way here by parents.
  Place place = {};  // Of the access, on the way by parents.
};

// An Access with what has been learnt about its effects.
struct KnownAccess {
  Access access;
  bool watched = false;
  std::vector<Effect> effects;  // By value, if `known`.
  std::vector<char> known;
  std::vector<int> broken;  // By value: index of a text; -1 none.
};

class Tabulator {
 public:
  // `seen`: sites whose old value is an observation, see SiteIsSeen.
  explicit Tabulator(World& world, std::set<std::string> seen = {});

  World& world() { return world_; }
  int thread_count() const { return static_cast<int>(nodes_.size()); }

  int Start(int thread) const { return start_[thread]; }
  const Node& node(int thread, int id) const { return nodes_[thread][id]; }
  const std::vector<Node>& nodes(int thread) const { return nodes_[thread]; }
  const Access& access(int id) const { return accesses_[id].access; }
  const KnownAccess& known(int id) const { return accesses_[id]; }
  const std::string& text(int id) const { return texts_[id]; }

  // The local state after `response`; runs the code if that is not known yet.
  int Next(int thread, int node, Value response) {
    const Node& from = nodes_[thread][node];
    if (response < from.next.size() && from.next[response] >= 0) {
      return from.next[response];
    }
    return Discover(thread, node, response);
  }

  // Whether the thread passes a declaration (Thread::Mark) on that way.
  bool Passes(int thread, int node, Value response) const {
    return nodes_[thread][node].passes[response] != 0;
  }

  // What a thread does in a local state when it finds a value of the object
  // that it turns to next, or on a branch of a choice.
  struct Pair {
    std::uint16_t thread = 0;
    std::uint16_t node = 0;
    Value value = 0;
    friend auto operator<=>(const Pair&, const Pair&) = default;
  };
  bool Knows(const Pair& pair) const;
  // In the same order from the same start, the same numbers come out.
  void Learn(const Pair& pair);

  // What the access does to `value`; `broken` gets the index of a text if the
  // reference model does not know such a step.
  const Effect& EffectOf(int access, Value value, int* broken) {
    KnownAccess& known = accesses_[access];
    if (value >= known.known.size() || !known.known[value]) {
      Learn(access, value);
    }
    *broken = known.broken[value];
    return accesses_[access].effects[value];
  }

  // Values that a thread observed from its start to `node`.
  std::vector<Value> History(int thread, int node) const;
  // Runs the thread, which observes these values.
  RunResult RunWith(int thread, const std::vector<Value>& history,
                    std::vector<Run::Passed>* passed = nullptr);

  int slots() const { return slots_; }
  // The objects that have a place in the state, by slot.
  const std::vector<Object*>& slot_objects() const { return slot_objects_; }

  // Whether every step is compared with the reference model.
  bool ask_reference_model = true;

  std::uint64_t executions() const { return executions_; }
  // Not empty: a run behaved unlike another one with the same key.
  const std::string& incongruence() const { return incongruence_; }
  // A cycle in the order in which locks are taken, or empty.
  std::string LockOrderCycle() const;

 private:
  int Discover(int thread, int node, Value response);
  int AddNode(int thread, const RunResult& result, int parent, Value via);
  void Learn(int access, Value value);
  int InternAccess(const Access& access);
  int InternText(const std::string& text);

  World& world_;
  RunContext context_;
  std::vector<std::vector<Node>> nodes_;
  std::vector<std::unordered_map<Key, int>> by_key_;
  std::vector<int> start_;
  std::vector<KnownAccess> accesses_;
  std::vector<std::string> texts_;
  std::vector<Object*> slot_objects_;
  int slots_ = 0;
  std::uint64_t executions_ = 0;
  std::string incongruence_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_TABULATE_H_
