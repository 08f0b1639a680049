// SPDX-License-Identifier: Apache-2.0
//
// Smaller automata: local states that no observation tells apart become one.
// Two states are merged when their next access and ghost are the same and,
// wherever both were observed to answer, they go to states that are merged.
// What only one of them was ever asked does not count: the other is never asked
// it, because the tables hold every pair that the whole search met. The merged
// search visits exactly the images of the states of the first one.

#ifndef NETPOLL_MODEL_ENGINE_MINIMISE_H_
#define NETPOLL_MODEL_ENGINE_MINIMISE_H_

#include <vector>

#include "netpoll/model/engine/tabulate.h"

namespace netpoll::model {

struct LocalClass {
  int access = 0;
  int member = 0;  // The local state that was found first.
  bool fused = false;
  bool stops = false;
  std::vector<int> next;  // By response; -1 never observed.
};

struct ClassTable {
  std::vector<LocalClass> classes;
  std::vector<int> class_of;  // By local state.
};

// One table for each thread. The search must have been complete.
std::vector<ClassTable> Minimise(const Tabulator& tables);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_MINIMISE_H_
