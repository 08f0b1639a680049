// SPDX-License-Identifier: Apache-2.0
//
// What was explored, in numbers that anybody can compute again: the claim
// "every interleaving" is worth what this prints.

#ifndef NETPOLL_MODEL_ENGINE_PROOF_H_
#define NETPOLL_MODEL_ENGINE_PROOF_H_

#include <set>
#include <string>
#include <vector>

#include "netpoll/model/engine/congruence.h"
#include "netpoll/model/engine/explore.h"
#include "netpoll/model/engine/packed.h"
#include "netpoll/model/engine/paths.h"

namespace netpoll_model {

struct ProofOptions {
  int workers = 1;
  bool reduction = true;
  int walks = 50;  // Of the congruence check.
  SearchLimits limits;
};

struct Proof {
  std::string scenario;
  SearchResult search;   // While the tables were found.
  PackedResult full;     // Over minimised tables.
  PackedResult reduced;  // The same with partial-order reduction.
  PathCount paths;
  CongruenceResult congruence;
  // Moves of the semaphores that were taken: "prepare: nil -> wait".
  std::set<std::string> transitions;
  // Sites of the shipped code that were reached.
  std::set<std::string> sites;
  // Empty: every law held, and every search agrees with every other.
  std::string problem;

  bool holds() const { return problem.empty(); }
  // One line; no times in it.
  std::string Line() const;
};

// Explores the scenario to the end, in every way that there is.
Proof Prove(Exploration& exploration, const ProofOptions& options = {});

}  // namespace netpoll_model

#endif  // NETPOLL_MODEL_ENGINE_PROOF_H_
