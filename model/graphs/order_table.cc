// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/graphs/order_table.h"

#include <fnmatch.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include "netpoll/model/engine/explore.h"
#include "netpoll/model/graphs/tell_graph.h"
#include "netpoll/model/report/source.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {
namespace {

// What a weaker order may cost beyond what ships.
constexpr std::uint64_t kRoom = 8;
// Graphs of a configuration that is known to notice.
constexpr std::uint64_t kLargest = 400'000;

using Name2 = std::pair<std::string, std::string>;  // Site and operation.

bool IsUpdate(const std::string& operation) {
  return operation != Name(Op::kLoad) && operation != Name(Op::kStore);
}

// The orders below `written`, from the weakest on.
std::vector<Weakness> Below(Order written, const std::string& operation) {
  std::vector<Weakness> below;
  for (const Weakness weaker : kWeakerOrders) {
    const int order =
        static_cast<int>(weaker) - static_cast<int>(Weakness::kRelaxed);
    const int now = static_cast<int>(written);
    if (order == now || (now < 4 && (order & now) != order)) continue;
    if (operation == Name(Op::kLoad) && (order & 2) != 0) continue;
    if (operation == Name(Op::kStore) && (order & 1) != 0) continue;
    if (order == 3 && !IsUpdate(operation)) continue;
    below.push_back(weaker);
  }
  return below;
}

bool AtLeast(Weakness a, Weakness b) {
  const int x = static_cast<int>(a) - static_cast<int>(Weakness::kRelaxed);
  const int y = static_cast<int>(b) - static_cast<int>(Weakness::kRelaxed);
  return (x & y) == y;
}

// A configuration as it ships.
struct Base {
  const Scenario* scenario = nullptr;
  std::uint64_t graphs = 0;
  std::string violation;
  bool complete = false;
  std::map<Name2, Order> accesses;  // Atomic ones.
  std::set<std::string> sites;      // All.
};

Base BaseOf(const Scenario& scenario, std::uint64_t most) {
  Base base;
  base.scenario = &scenario;
  Exploration exploration(scenario);
  exploration.WithTables([&](Tabulator& tables) {
    WeakLimits limits;
    limits.graphs = most;
    const WeakResult result = ExploreGraphs(tables, MemoryModel::kRc11, limits);
    base.graphs = result.explored;
    base.violation = result.violation;
    base.complete = result.complete;
    base.accesses.clear();
    base.sites.clear();
    for (int thread = 0; thread < tables.thread_count(); ++thread) {
      for (const Node& node : tables.nodes(thread)) {
        const Access& access = tables.access(node.access);
        base.sites.insert(access.site);
        const bool atomic = access.op <= Op::kCas;
        if (!atomic) continue;
        base.accesses[{access.site, Name(access.op)}] =
            static_cast<Order>(access.order);
      }
    }
  });
  return base;
}

// Explores one weakened configuration; true: it noticed.
bool Notices(const Base& base, const AccessOrders& access, WeakerOrder& tried) {
  const Weakened weakened = {access.site + " " + access.operation, tried.order};
  const Scenario weak = Weaker(*base.scenario, weakened);
  Exploration exploration(weak);
  bool noticed = false;
  exploration.WithTables([&](Tabulator& tables) {
    WeakLimits limits;
    limits.graphs = kRoom * base.graphs + 1000;
    const WeakResult result = ExploreGraphs(tables, MemoryModel::kRc11, limits);
    tried.graphs += result.explored;
    noticed = !result.violation.empty();
    if (!noticed) {
      tried.complete = tried.complete && result.complete;
      return;
    }
    GraphStory story =
        TellGraph(tables, result.graph, MemoryModel::kRc11, result.violation);
    story.variant = VariantOf(weakened);
    story.scenario = weak.name;
    tried.configuration = weak.name;
    tried.law = result.violation;
    tried.sentence = story.sentence;
    tried.replay = story.ReplayText();
  });
  return noticed;
}

// Weakest first: what is slack then is slack in all that is stronger.
void Sweep(const std::vector<const Base*>& bases,
           const std::map<std::string, const Base*>& hints,
           AccessOrders& access) {
  for (const Weakness weaker : Below(access.written, access.operation)) {
    WeakerOrder tried;
    tried.order = weaker;
    const WeakerOrder* slack = nullptr;
    std::string first;
    for (const WeakerOrder& before : access.weaker) {
      if (!AtLeast(weaker, before.order)) continue;
      if (before.killed()) {
        first = before.configuration;
      } else {
        slack = &before;
      }
    }
    if (slack != nullptr) {
      tried.complete = slack->complete;
      access.weaker.push_back(tried);
      continue;
    }
    std::vector<const Base*> order = bases;
    const auto hint =
        hints.find(access.site + " " + access.operation + " " + Name(weaker));
    if (hint != hints.end()) order.insert(order.begin(), hint->second);
    const auto from = order.begin() + (hint != hints.end() ? 1 : 0);
    std::stable_partition(from, order.end(), [&](const Base* base) {
      return base->scenario->name == first;
    });
    for (const Base* base : order) {
      if (Notices(*base, access, tried)) break;
    }
    access.weaker.push_back(tried);
  }
}

// Work shared out among threads, by number.
template <class Work>
void InThreads(int workers, int count, Work work) {
  std::atomic<int> next{0};
  const auto loop = [&] {
    for (int mine; (mine = next++) < count;) work(mine);
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < workers; ++i) threads.emplace_back(loop);
  loop();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

const char* OrderName(Order order) {
  constexpr const char* kNames[] = {"relaxed", "acquire", "release", "acq_rel",
                                    "seq_cst"};
  return kNames[static_cast<int>(order)];
}

OrderTable SweepOrders(const std::vector<Scenario>& scenarios,
                       const OrderOptions& options) {
  OrderTable table;
  std::vector<const Scenario*> small;
  for (const Scenario& scenario : scenarios) {
    if (scenario.small()) small.push_back(&scenario);
  }
  std::vector<Base> bases(small.size());
  InThreads(options.workers, static_cast<int>(small.size()),
            [&](int i) { bases[i] = BaseOf(*small[i], options.graphs); });
  std::map<Name2, Order> written;
  std::set<std::string> met;
  std::vector<const Base*> usable;
  for (const Base& base : bases) {
    if (!base.violation.empty() && table.violation.empty()) {
      table.violation = base.scenario->name + ": " + base.violation;
    }
    if (!base.complete) {
      table.too_large.push_back(base.scenario->name);
      continue;
    }
    table.explored.push_back(base.scenario->name);
    usable.push_back(&base);
    for (const auto& [name, order] : base.accesses) written[name] = order;
    met.insert(base.sites.begin(), base.sites.end());
  }
  std::stable_sort(
      usable.begin(), usable.end(),
      [](const Base* a, const Base* b) { return a->graphs < b->graphs; });
  std::vector<std::vector<const Base*>> with;
  std::set<std::string> listed;
  for (const SourceSite& site : SourceSites()) {
    if (!listed.insert(site.site).second) continue;  // Written twice.
    if (!std::string_view(site.place).starts_with("core/")) continue;
    if (::fnmatch(options.site.c_str(), std::string(site.site).c_str(), 0) !=
        0) {
      continue;
    }
    for (const auto& [name, order] : written) {
      if (name.first != site.site) continue;
      AccessOrders access{name.first, name.second, order, 0, {}};
      std::vector<const Base*> having;
      for (const Base* base : usable) {
        if (base->accesses.count(name) != 0) having.push_back(base);
      }
      access.configurations = static_cast<int>(having.size());
      table.accesses.push_back(std::move(access));
      with.push_back(std::move(having));
    }
    if (met.count(site.site) == 0)
      table.unmet.push_back(std::string(site.site));
  }
  std::vector<Base> hinted;
  hinted.reserve(options.hints.size());
  std::map<std::string, const Base*> hints;
  for (const auto& [weaker, configuration] : options.hints) {
    for (const Scenario* scenario : small) {
      if (scenario->name != configuration) continue;
      hinted.emplace_back().scenario = scenario;
      hinted.back().graphs = kLargest;
      hints[weaker] = &hinted.back();
    }
  }
  std::mutex mutex;
  int done = 0;
  const int all = static_cast<int>(table.accesses.size());
  InThreads(options.workers, all, [&](int i) {
    Sweep(with[i], hints, table.accesses[i]);
    const std::lock_guard<std::mutex> hold(mutex);
    ++done;
    if (options.progress) options.progress(table.accesses[i], done, all);
  });
  return table;
}

}  // namespace netpoll::model
