// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/explore.h"

namespace netpoll_model {

void Exploration::Begin() {
  for (;;) {
    try {
      tables_.reset();
      world_ = scenario_.make();
      tables_ = std::make_unique<Tabulator>(*world_, seen_);
      tables_->ask_reference_model = refinement_;
      return;
    } catch (const SiteIsSeen& seen) {
      seen_.insert(seen.site);
    }
  }
}

SearchResult Exploration::Run(const SearchLimits& limits) {
  SearchResult result;
  WithTables([&](Tabulator& tables) { result = FirstSearch(tables, limits); });
  return result;
}

}  // namespace netpoll_model
