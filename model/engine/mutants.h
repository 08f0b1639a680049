// SPDX-License-Identifier: Apache-2.0
//
// Runs mutants through the matrix, and writes down who killed whom.

#ifndef NETPOLL_MODEL_ENGINE_MUTANTS_H_
#define NETPOLL_MODEL_ENGINE_MUTANTS_H_

#include <string>
#include <vector>

#include "netpoll/model/engine/explore.h"

namespace netpoll_model {

struct Kill {
  std::string scenario;
  std::string property;
  int length = 0;  // Steps of a shortest counterexample.
  std::vector<Choice> schedule;
};

struct MutantReport {
  std::string row;
  std::string about;
  std::vector<Kill> kills;  // In the order of the scenarios; none: it survives.
  // Killed only once the reference model was asked about every step.
  bool by_refinement = false;

  const Kill& shortest() const;
};

// Explores every small scenario, or those named, up to its first violation.
MutantReport RunMutant(const Variant& variant,
                       const std::vector<std::string>& only = {});

// "row | property | shortest length, scenario | every scenario that kills it"
std::string GoldenLine(const MutantReport& report);

}  // namespace netpoll_model

#endif  // NETPOLL_MODEL_ENGINE_MUTANTS_H_
