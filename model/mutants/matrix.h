// SPDX-License-Identifier: Apache-2.0
//
// Runs mutants against configurations, and writes down which kills which.

#ifndef NETPOLL_MODEL_MUTANTS_MATRIX_H_
#define NETPOLL_MODEL_MUTANTS_MATRIX_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "netpoll/model/engine/scenario.h"

namespace netpoll::model {

// One mutant in one configuration.
struct Cell {
  std::string configuration;
  std::string violation;  // Empty: it survived. A crash is a violation too.
  std::string replay;     // The string that `netpoll replay` takes.
  std::uint64_t states = 0;
  int length = 0;  // Of a shortest counterexample, in steps.
  bool complete = true;

  bool killed() const { return !violation.empty(); }
  // The law's name: "L1" of "L1: a task is parked although...".
  std::string law() const { return violation.substr(0, violation.find(':')); }
};

struct MutantResult {
  std::string name;
  std::string about;
  std::vector<Cell> cells;  // Of those configurations that were run.
  double seconds = 0;

  int kills() const;
  // The kill with the shortest counterexample; null if it survived.
  const Cell* shortest() const;
};

// The shipped source and the mutants that are linked into this program.
const Variant* Shipped();
std::vector<const Variant*> Mutants();

struct RunOptions {
  int workers = 2;
  bool bounded = true;  // Every configuration of the bounded matrix.
  // Of a mutant that is named here, only these of them.
  std::map<std::string, std::set<std::string>> bounded_in = {};
  // And the others up to so many states; 0: not at all.
  std::uint64_t states_elsewhere = 0;
  // Closed configurations, each in turn until one kills.
  bool closed = false;
  // Laws of cycles with the others of each, and not after all others.
  bool cycles_at_once = false;
  // Of a mutant that is named here, only this closed configuration.
  std::map<std::string, std::string> closed_in = {};
  std::uint64_t states = 3'000'000;  // Of one cell; beyond, it survives.
  // Called when a mutant is done: how many are, of how many.
  std::function<void(const MutantResult&, int, int)> progress;
};

// Each mutant runs in a process of its own, because a mutant may well crash.
// The results come in the order of `mutants`, whatever the number of workers.
std::vector<MutantResult> RunMutants(const std::vector<const Variant*>& mutants,
                                     const RunOptions& options);

// `reasons`: why a configuration stays that kills nothing alone.
using Reasons = std::map<std::string, std::string>;

// The golden file: kills of each mutant, then each configuration's worth.
std::string Golden(const std::vector<MutantResult>& results,
                   const std::vector<std::string>& configurations,
                   const Reasons& reasons);

// docs/mutants.md, between its markers.
std::string DocsTable(const std::vector<MutantResult>& results);

// closed_matrix.golden: for each mutant the closed configuration that kills it
// first, or why none does; `reasons` are by patterns of names.
struct ClosedRow {
  std::string configuration;  // Empty: it survives.
  std::string law;            // Or the reason.
  friend bool operator==(const ClosedRow&, const ClosedRow&) = default;
};
using ClosedRows = std::map<std::string, ClosedRow>;
ClosedRow ClosedRowOf(const MutantResult& result, const Reasons& reasons);
std::string ClosedGolden(const ClosedRows& rows);
ClosedRows ParseClosedGolden(const std::string& text);

// For the terminal: a line for each mutant, a column for each configuration.
std::string Grid(const std::vector<MutantResult>& results,
                 const std::vector<std::string>& configurations);

std::string Json(const std::vector<MutantResult>& results);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_MUTANTS_MATRIX_H_
