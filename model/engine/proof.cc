// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/proof.h"

#include <cstdio>
#include <cstring>

namespace netpoll_model {
namespace {

const char* StateName(const World& world, const Object& object, Value value) {
  constexpr const char* kNames[] = {"nil", "ready", "wait"};
  const std::uint64_t word = object.Bits(value);
  if (world.TaskOfWord(word) >= 0) return "parked";
  return word < 3 ? kNames[word] : "?";
}

void Cover(Tabulator& tables, Proof& proof) {
  for (int thread = 0; thread < tables.thread_count(); ++thread) {
    for (const Node& node : tables.nodes(thread)) {
      const KnownAccess& known = tables.known(node.access);
      const Access& access = known.access;
      proof.sites.insert(access.site);
      if (access.object == nullptr || access.object->role != Role::kSemaphore) {
        continue;
      }
      const std::string event(access.site, std::strcspn(access.site, "."));
      for (std::size_t v = 0; v < known.known.size(); ++v) {
        if (!known.known[v] || !known.effects[v].enabled ||
            known.effects[v].next == v) {
          continue;
        }
        proof.transitions.insert(
            event + ": " +
            StateName(tables.world(), *access.object, static_cast<Value>(v)) +
            " -> " +
            StateName(tables.world(), *access.object, known.effects[v].next));
      }
    }
  }
}

std::string Number(std::uint64_t value) { return std::to_string(value); }

}  // namespace

Proof Prove(Exploration& exploration, const ProofOptions& options) {
  Proof proof;
  proof.scenario = exploration.scenario().name;
  proof.search = exploration.Run(options.limits);
  if (!proof.search.violation.empty()) {
    proof.problem = proof.search.violation;
    return proof;
  }
  if (!proof.search.complete) {
    proof.problem = "cut off after " + Number(proof.search.states) +
                    " states: not everything was explored";
    return proof;
  }
  Tabulator& tables = exploration.tables();
  proof.full =
      PackedSearch(tables, {.workers = options.workers, .check_states = true});
  proof.paths = CountPaths(tables);
  if (options.reduction && proof.paths.acyclic) {
    proof.reduced =
        PackedSearch(tables, {.workers = options.workers, .reduction = true});
    if (proof.full.fits && proof.reduced.at_rest != proof.full.at_rest) {
      proof.problem = "the reduced search lost states at rest";
    }
  }
  if (!proof.full.violation.empty()) {
    proof.problem =
        "only the merged tables break a law: " + proof.full.violation;
  }
  Cover(tables, proof);
  proof.congruence = CheckCongruence(exploration, options.walks, 1);
  if (proof.congruence.differences != 0) {
    proof.problem = "a declaration is false: " + proof.congruence.first;
  }
  return proof;
}

std::string Proof::Line() const {
  if (!holds()) return scenario + " BROKEN " + problem;
  char digest[32];
  std::snprintf(digest, sizeof digest, "%016llx",
                static_cast<unsigned long long>(full.digest));
  std::string line = scenario + " complete; states " + Number(full.states) +
                     ", transitions " + Number(full.transitions) +
                     ", at rest " + Number(full.at_rest) + ", depth " +
                     std::to_string(full.depth) + ", local states " +
                     std::to_string(full.local_states) + ", digest " + digest;
  line += "; first search " + Number(search.states) + " / " +
          Number(search.transitions) + ", runs of the code " +
          Number(search.executions);
  if (reduced.states != 0) {
    line += "; reduced " + Number(reduced.states) + " / " +
            Number(reduced.transitions);
  }
  if (paths.acyclic) {
    line += "; acyclic, longest run " + std::to_string(paths.longest) +
            ", schedules " + paths.schedules;
  } else if (paths.counted) {
    line += "; states on or behind cycles " + Number(paths.on_cycles);
  }
  return line;
}

}  // namespace netpoll_model
