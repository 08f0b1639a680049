// SPDX-License-Identifier: Apache-2.0
//
// The search that everybody uses.

#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {

WeakResult ExploreGraphs(Tabulator& tables, MemoryModel model,
                         const WeakLimits& limits) {
  return ExploreAllGraphs(tables, model, limits);
}

}  // namespace netpoll::model
