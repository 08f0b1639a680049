// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/scenario.h"

#include <utility>

namespace netpoll::model {
namespace {

std::vector<Variant>& Registered() {
  static std::vector<Variant>& variants = *new std::vector<Variant>;
  return variants;
}

// Gives those that are weaker by a site their scenarios.
const std::vector<Variant>& Complete(std::vector<Variant>& variants) {
  const Variant* shipped = nullptr;
  for (const Variant& variant : variants) {
    if (variant.name == "shipped") shipped = &variant;
  }
  for (Variant& variant : variants) {
    if (shipped == nullptr || variant.weakened.how == Weakness::kNone) continue;
    for (const Scenario& scenario : shipped->scenarios) {
      variant.scenarios.push_back(Weaker(scenario, variant.weakened));
    }
  }
  return variants;
}

}  // namespace

Scenario Weaker(const Scenario& scenario, const Weakened& weakened) {
  Scenario weaker = scenario;
  weaker.make = [make = scenario.make, weakened] {
    std::unique_ptr<World> world = make();
    world->Weaken(weakened);
    return world;
  };
  return weaker;
}

const std::vector<Variant>& Variants() {
  static const std::vector<Variant>& variants = Complete(Registered());
  return variants;
}

VariantRegistrar::VariantRegistrar(Variant variant) {
  Registered().push_back(std::move(variant));
}

}  // namespace netpoll::model
