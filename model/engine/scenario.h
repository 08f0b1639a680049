// SPDX-License-Identifier: Apache-2.0
//
// A named configuration of the matrix.

#ifndef NETPOLL_MODEL_ENGINE_SCENARIO_H_
#define NETPOLL_MODEL_ENGINE_SCENARIO_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "netpoll/model/engine/weaken.h"
#include "netpoll/model/engine/world.h"

namespace netpoll::model {

struct Scenario {
  std::string name;
  std::string about;
  bool deep = false;
  std::function<std::unique_ptr<World>()> make;
  bool huge = false;  // Too large to be explored to its end: fuzzed only.
  // Its threads loop for ever and nothing counts up: it stands for runs of any
  // length, and has laws of its cycles (fair_cycles.h).
  bool closed = false;
  // For the searches of interleavings: its system is one object, whose steps no
  // memory model takes apart.
  bool interleaved = false;
  std::string family = {};  // What it is one of; may be empty.

  // Of the bounded matrix: explored each time, for mutants too.
  bool small() const { return !deep && !huge && !closed; }
  // Of those of runs of any length that each mutant may meet.
  bool small_closed() const { return closed && !deep && !huge; }
};

// The same configuration with one access weaker than it is written.
Scenario Weaker(const Scenario& scenario, const Weakened& weakened);

// One compilation of the scenarios: the shipped source, or a mutant of it. One
// that is only weaker by a site has those of the shipped source, weakened.
struct Variant {
  std::string name;
  std::string about;
  std::vector<Scenario> scenarios;
  Weakened weakened = {};
  std::vector<std::string> files = {};  // Of the source, which it changes.
};

// Variants register themselves before main. This is for afterwards.
const std::vector<Variant>& Variants();
struct VariantRegistrar {
  explicit VariantRegistrar(Variant variant);
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_SCENARIO_H_
