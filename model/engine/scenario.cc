// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/scenario.h"

#include <utility>

namespace netpoll_model {

std::vector<Variant>& Variants() {
  static std::vector<Variant>& variants = *new std::vector<Variant>;
  return variants;
}

VariantRegistrar::VariantRegistrar(Variant variant) {
  Variants().push_back(std::move(variant));
}

}  // namespace netpoll_model
