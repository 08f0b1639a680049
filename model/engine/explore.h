// SPDX-License-Identifier: Apache-2.0
//
// A scenario made ready to explore: its world and the tables of its threads.

#ifndef NETPOLL_MODEL_ENGINE_EXPLORE_H_
#define NETPOLL_MODEL_ENGINE_EXPLORE_H_

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "netpoll/model/engine/first_search.h"
#include "netpoll/model/engine/scenario.h"

namespace netpoll::model {

class Exploration {
 public:
  // Without `refinement`, steps are not compared with the reference model.
  explicit Exploration(const Scenario& scenario, bool refinement = true)
      : scenario_(scenario), refinement_(refinement) {
    Begin();
  }

  // Explores everything, or up to the first violation.
  SearchResult Run(const SearchLimits& limits = {});

  // Calls `work`, again from the start as long as it finds that the tables
  // have to be made anew.
  template <class Work>
  void WithTables(Work work) {
    for (;;) {
      try {
        work(*tables_);
        return;
      } catch (const SiteIsSeen& seen) {
        seen_.insert(seen.site);
        Begin();
      }
    }
  }

  // Sites whose old value somebody looks at after all.
  const std::set<std::string>& seen() const { return seen_; }
  // As if those had been found out already.
  void BeginWith(std::set<std::string> seen) {
    seen_ = std::move(seen);
    Begin();
  }

  World& world() { return *world_; }
  Tabulator& tables() { return *tables_; }
  const Scenario& scenario() const { return scenario_; }

 private:
  void Begin();

  const Scenario& scenario_;
  const bool refinement_;
  std::set<std::string> seen_;
  std::unique_ptr<World> world_;
  std::unique_ptr<Tabulator> tables_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_EXPLORE_H_
