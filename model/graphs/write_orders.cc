// SPDX-License-Identifier: Apache-2.0
//
// bazel run //model/graphs:write_orders: makes every access weaker in every way
// and writes the table of docs/orders.md anew: some minutes. What changed is
// for a reviewer to see.

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

#include "netpoll/model/engine/crash.h"
#include "netpoll/model/graphs/order_table.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/source/read_file.h"

int main() {
  using namespace netpoll::model;
  const char* const root = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (root == nullptr || chdir(root) != 0) {
    std::cerr << "write_orders: run it with bazel run\n";
    return 2;
  }
  CatchCrashes();
  constexpr char kPage[] = "docs/orders.md";
  OrderOptions options;
  options.graphs = 400'000;
  options.progress = [](const AccessOrders& access, int done, int all) {
    std::cerr << done << "/" << all << " " << access.site << "\n";
  };
  const OrderTable table =
      SweepOrders(FindVariant("shipped")->scenarios, options);
  if (!table.violation.empty()) {
    std::cerr << "write_orders: what ships breaks " << table.violation << "\n";
    return 1;
  }
  const std::string page =
      WithOrders(ReadFile(kPage), OrdersPage(table, ReadFile));
  if (page.empty()) {
    std::cerr << "write_orders: " << kPage << " lacks a marker\n";
    return 1;
  }
  std::ofstream(kPage) << page;
  return 0;
}
