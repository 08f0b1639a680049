// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/explore.h"

#include <memory>
#include <string>

#include "netpoll/model/engine/crash.h"

namespace netpoll::model {
namespace {

// Stands for a world that was not built: a rule stopped that, or a crash.
class UnbuiltWorld : public World {
 public:
  explicit UnbuiltWorld(const std::string& rule) {
    AddThread("builder", [rule](Thread& thread) {
      thread.May("world.build");
      thread.Fail(rule);
    });
    Settle();
  }
};

std::unique_ptr<World> Make(const Scenario& scenario) {
  try {
    std::unique_ptr<World> world;
    const char* const crash = CrashOf([&] { world = scenario.make(); });
    if (crash == nullptr) return world;
    return std::make_unique<UnbuiltWorld>(crash);
  } catch (const StoppedWhileBuilt& stopped) {
    return std::make_unique<UnbuiltWorld>(stopped.rule);
  }
}

}  // namespace

void Exploration::Begin() {
  for (;;) {
    try {
      tables_.reset();
      world_ = Make(scenario_);
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

}  // namespace netpoll::model
