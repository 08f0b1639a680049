// SPDX-License-Identifier: Apache-2.0
//
// A named configuration of the matrix.

#ifndef NETPOLL_MODEL_ENGINE_SCENARIO_H_
#define NETPOLL_MODEL_ENGINE_SCENARIO_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "netpoll/model/engine/world.h"

namespace netpoll_model {

struct Scenario {
  std::string name;
  std::string about;
  bool deep = false;
  std::function<std::unique_ptr<World>()> make;
  bool huge = false;  // Too large to be explored to its end: fuzzed only.

  // Explored each time, in a matrix of mutants too.
  bool small() const { return !deep && !huge; }
};

// One compilation of the scenarios: the shipped source, or a mutant of it.
struct Variant {
  std::string name;
  std::string about;
  std::vector<Scenario> scenarios;
};

// Variants register themselves before main.
std::vector<Variant>& Variants();
struct VariantRegistrar {
  explicit VariantRegistrar(Variant variant);
};

}  // namespace netpoll_model

#endif  // NETPOLL_MODEL_ENGINE_SCENARIO_H_
