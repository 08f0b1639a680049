// SPDX-License-Identifier: Apache-2.0
//
// The search over packed keys that finds the automata on its way. It goes
// through the same states in the same order as the breadth-first search with
// all its values spelled out, several times as fast; but it keeps no parents.

#ifndef NETPOLL_MODEL_ENGINE_SEARCH_BY_KEYS_H_
#define NETPOLL_MODEL_ENGINE_SEARCH_BY_KEYS_H_

#include "netpoll/model/engine/search_result.h"

namespace netpoll::model {

// Fills `result` with what was explored, to the end or up to the limit. False:
// a law is broken, or the states do not fit into a key; then only the other
// search has an answer.
bool SearchByKeys(Tabulator& tables, const SearchLimits& limits,
                  SearchResult* result);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_SEARCH_BY_KEYS_H_
