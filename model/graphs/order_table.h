// SPDX-License-Identifier: Apache-2.0
//
// The memory order of every atomic access of core/, made weaker one at a time:
// either a configuration notices, with a law and a graph, or none does and the
// order is slack. All under RC11, the model of C++.

#ifndef NETPOLL_MODEL_GRAPHS_ORDER_TABLE_H_
#define NETPOLL_MODEL_GRAPHS_ORDER_TABLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "netpoll/core/access.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/weaken.h"

namespace netpoll::model {

const char* OrderName(Order order);

// One access, made weaker in one way.
struct WeakerOrder {
  Weakness order = Weakness::kNone;
  std::string configuration;  // That notices; empty: none does.
  std::string law;
  std::string sentence;  // The diagnosis.
  std::string replay;
  std::uint64_t graphs = 0;  // Looked at, over all configurations.
  bool complete = true;      // Slack: each configuration was searched through.

  bool killed() const { return !law.empty(); }
};

struct AccessOrders {
  std::string site;
  std::string operation;
  Order written = Order::kSeqCst;
  int configurations = 0;           // That have the access.
  std::vector<WeakerOrder> weaker;  // From the weakest on.
};

struct OrderTable {
  std::vector<AccessOrders> accesses;  // As they stand in the sources.
  std::vector<std::string> explored;   // Configurations.
  std::vector<std::string> too_large;
  std::vector<std::string> unmet;  // Sites that none of them reaches.
  std::string violation;           // Of what ships, in one of them.
};

struct OrderOptions {
  std::string site = "*";         // A glob.
  std::uint64_t graphs = 12'000;  // A configuration that has more is left out.
  int workers = 2;
  // Tried first, by "SITE OPERATION ORDER": configurations that are known to
  // notice, however large.
  std::map<std::string, std::string> hints;
  std::function<void(const AccessOrders&, int done, int all)> progress;
};

OrderTable SweepOrders(const std::vector<Scenario>& scenarios,
                       const OrderOptions& options);

// The file of core/ in which a site is.
std::string FileOfSite(const std::string& site);

// The table, for docs/orders.md; what the sources say of slack orders is read
// from `read` of a file's name.
std::string OrdersPage(const OrderTable& table,
                       std::string (*read)(const std::string& file));

// The rows of a page's table, and which configurations it says to notice.
struct OrderRows {
  std::vector<std::string> rows;
  std::map<std::string, std::string> hints;
};
OrderRows RowsOf(const std::string& page);

// `page` with the table between its markers, or empty: it has none.
std::string WithOrders(const std::string& page, const std::string& table);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_GRAPHS_ORDER_TABLE_H_
