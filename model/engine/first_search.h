// SPDX-License-Identifier: Apache-2.0
//
// Breadth-first search of every interleaving of a world. Finds the automata on
// the way; the first violation that it meets has a shortest schedule.

#ifndef NETPOLL_MODEL_ENGINE_FIRST_SEARCH_H_
#define NETPOLL_MODEL_ENGINE_FIRST_SEARCH_H_

#include <vector>

#include "netpoll/model/engine/search_result.h"
#include "netpoll/model/engine/walk.h"

namespace netpoll::model {

// The first states with their parents, the rest by SearchByKeys; with parents
// again if a law is broken.
SearchResult FirstSearch(Tabulator& tables, const SearchLimits& limits = {});

// All of it with parents and with states spelled out: slower, and what a
// violation's schedule comes from.
SearchResult SearchWithParents(Tabulator& tables,
                               const SearchLimits& limits = {});

// The shortest schedule among those of the same length with the fewest
// switches between threads. `found` is the result of FirstSearch.
std::vector<Choice> FewestSwitches(Tabulator& tables,
                                   const SearchResult& found);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_FIRST_SEARCH_H_
