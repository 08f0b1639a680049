// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/tabulate.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace netpoll::model {
namespace {

// Accesses that a thread may make without a declaration. Whoever makes more
// goes round for ever and counts: each local state would be kept with all
// before it.
constexpr std::size_t kMostUndeclared = 4096;

// At what was left out of the state.
bool Looks(const Access& access) {
  return access.object != nullptr && access.object->left_out &&
         !(access.op == Op::kAdd && access.unseen);
}

// `wanted`, with a number if one of the others has that name: a sentence must
// say which of them it means.
std::string NewName(const std::string& wanted,
                    const std::vector<Object*>& others) {
  std::string name = wanted;
  const auto taken = [&](const Object* other) { return other->name == name; };
  for (int number = 2; std::any_of(others.begin(), others.end(), taken);
       ++number) {
    name = wanted + "#" + std::to_string(number);
  }
  return name;
}

}  // namespace

Tabulator::Tabulator(World& world, std::set<std::string> seen) : world_(world) {
  context_.world = &world;
  context_.seen_sites = std::move(seen);
  const int threads = static_cast<int>(world.threads().size());
  nodes_.resize(threads);
  by_key_.resize(threads);
  for (int thread = 0; thread < threads; ++thread) {
    start_.push_back(AddNode(thread, RunWith(thread, {}), -1, 0));
  }
}

RunResult Tabulator::RunWith(int thread, const std::vector<Value>& history,
                             std::vector<Run::Passed>* passed) {
  ++executions_;
  Run run(context_, thread, history);
  run.passed = passed;
  return run.Execute();
}

std::vector<Value> Tabulator::History(int thread, int node) const {
  std::vector<Value> history;
  for (int at = node; nodes_[thread][at].parent >= 0;
       at = nodes_[thread][at].parent) {
    history.push_back(nodes_[thread][at].via);
  }
  std::reverse(history.begin(), history.end());
  return history;
}

int Tabulator::Discover(int thread, int node, Value response) {
  std::vector<Value> history = History(thread, node);
  history.push_back(response);
  const RunResult result = RunWith(thread, history);
  const int next = AddNode(thread, result, node, response);
  Node& from = nodes_[thread][node];
  if (response >= from.next.size()) {
    from.next.resize(response + 1, -1);
    from.passes.resize(response + 1, 0);
  }
  from.next[response] = next;
  from.passes[response] = result.marks > from.marks ? 1 : 0;
  return next;
}

bool Tabulator::Knows(const Pair& pair) const {
  const Node& from = nodes_[pair.thread][pair.node];
  const KnownAccess& known = accesses_[from.access];
  Value response = pair.value;
  if (known.access.object != nullptr) {
    if (pair.value >= known.known.size() || !known.known[pair.value]) {
      return false;
    }
    if (!known.effects[pair.value].enabled) return true;
    response = known.effects[pair.value].response;
  }
  return response < from.next.size() && from.next[response] >= 0;
}

void Tabulator::Learn(const Pair& pair) {
  const int access = nodes_[pair.thread][pair.node].access;
  Value response = pair.value;
  if (accesses_[access].access.object != nullptr) {
    int broken;
    const Effect effect = EffectOf(access, pair.value, &broken);
    if (!effect.enabled) return;
    response = effect.response;
  }
  Next(pair.thread, pair.node, response);
}

int Tabulator::AddNode(int thread, const RunResult& result, int parent,
                       Value via) {
  const int access = InternAccess(result.pending);
  Key key = result.key;
  if (nodes_[thread].size() > std::numeric_limits<Value>::max()) {
    return std::numeric_limits<Value>::max();
  }
  if (!result.violation.empty()) key += u"!";
  if (result.stops) key += u".";
  const auto [found, added] =
      by_key_[thread].try_emplace(key, nodes_[thread].size());
  if (!added) {
    const Node& known = nodes_[thread][found->second];
    if (known.access != access || known.ghost != result.ghost) {
      incongruence_ = world_.threads()[thread].name + ": " +
                      accesses_[known.access].access.site + " or " +
                      result.pending.site + " in what is declared one state";
    }
    return found->second;
  }
  Node node;
  node.access = access;
  node.ghost = result.ghost;
  node.stops = result.stops;
  node.parent = parent;
  node.via = via;
  node.marks = result.marks;
  node.place = result.pending.place;
  const Op op = result.pending.op;
  node.fused = (op == Op::kGet || op == Op::kSet) && result.ghost.locks != 0;
  if (!result.violation.empty()) {
    node.violation = InternText(result.violation);
    node.subject = result.subject;
  } else if (Looks(result.pending)) {
    node.violation = InternText(
        "not a fair table: a count was left out of the state, and "
        "somebody looks at it");
  }
  // Every later one would have this one's number.
  if (nodes_[thread].size() == std::numeric_limits<Value>::max()) {
    node.violation = InternText("limit: a thread has too many local states");
  } else if (key.size() > kMostUndeclared) {
    node.violation = InternText("limit: a thread goes on and declares nothing");
  }
  nodes_[thread].push_back(std::move(node));
  return found->second;
}

int Tabulator::InternAccess(const Access& access) {
  for (std::size_t i = 0; i < accesses_.size(); ++i) {
    if (accesses_[i].access.SameAs(access)) return static_cast<int>(i);
  }
  KnownAccess known;
  known.access = access;
  known.watched = world_.attached().Watches(access) || world_.Watches(access);
  Object* const object = access.object;
  if (object != nullptr && object->slot < 0) {
    object->slot = slots_++;
    const std::string& wanted =
        object->name.empty() ? access.site : object->name;
    object->name = NewName(wanted, slot_objects_);
    slot_objects_.push_back(object);
  }
  accesses_.push_back(std::move(known));
  return static_cast<int>(accesses_.size()) - 1;
}

int Tabulator::InternText(const std::string& text) {
  const auto found = std::find(texts_.begin(), texts_.end(), text);
  if (found != texts_.end()) return static_cast<int>(found - texts_.begin());
  texts_.push_back(text);
  return static_cast<int>(texts_.size()) - 1;
}

void Tabulator::Learn(int id, Value value) {
  const Access access = accesses_[id].access;
  Effect effect{true, value, 0};
  int broken = -1;
  if (access.object != nullptr) {
    effect = access.object->Apply(access, value);
    if (access.unseen) effect.response = 0;
    if (effect.enabled && ask_reference_model) {
      const char* const law = world_.Ask([&](Observer& observer) {
        return observer.Refines(access, value, effect.next);
      });
      if (law != nullptr) broken = InternText(law);
    }
  }
  KnownAccess& known = accesses_[id];
  if (value >= known.known.size()) {
    known.known.resize(value + 1, 0);
    known.effects.resize(value + 1);
    known.broken.resize(value + 1, -1);
  }
  known.known[value] = 1;
  known.effects[value] = effect;
  known.broken[value] = broken;
}

std::string Tabulator::LockOrderCycle() const {
  // Few locks: close the relation and look at its diagonal.
  auto order = context_.lock_order;
  for (std::size_t before = 0; before != order.size();) {
    before = order.size();
    const auto now = order;
    for (const auto& [a, b] : now) {
      for (const auto& [c, d] : now) {
        if (b == c) order.insert({a, d});
      }
    }
  }
  for (const auto& [a, b] : order) {
    if (a == b) return "lock order: two locks are taken in both orders";
  }
  return "";
}

}  // namespace netpoll::model
