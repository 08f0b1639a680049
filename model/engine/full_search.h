// SPDX-License-Identifier: Apache-2.0
//
// The full search, over minimised tables. A state is one number of at most 127
// bits; a step adds a constant that a table holds. Nothing is hashed away: keys
// are exact.

#ifndef NETPOLL_MODEL_ENGINE_FULL_SEARCH_H_
#define NETPOLL_MODEL_ENGINE_FULL_SEARCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "netpoll/model/engine/key_set.h"
#include "netpoll/model/engine/minimise.h"

namespace netpoll::model {

struct FullOptions {
  int workers = 1;
  // One-thread persistent sets. Only for graphs without cycles.
  bool reduction = false;
  // Looks at every state once more: invariants and states at rest.
  bool check_states = false;
};

struct FullResult {
  bool fits = true;  // False: more than 127 bits; nothing was searched.
  std::string violation;
  std::uint64_t states = 0;
  std::uint64_t transitions = 0;
  std::uint64_t at_rest = 0;
  std::uint64_t digest = 0;  // Of the set of states.
  int local_states = 0;
  int bits = 0;
  int depth = 0;
  double seconds = 0;
};

// `tables` has been searched to the end and broke no law.
FullResult FullSearch(Tabulator& tables, const FullOptions& options);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_FULL_SEARCH_H_
