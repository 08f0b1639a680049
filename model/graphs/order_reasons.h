// SPDX-License-Identifier: Apache-2.0
//
// Why an access of core/ ships a stronger order than any configuration asks
// for: read from the sources, where whoever edits the access meets it. In the
// comment at the top of its file:
//
//   // Stronger than a configuration asks for, because:
//   //   NAME, NAME: why, in as many
//   //     lines as it takes
//
// A NAME is a site, or a site and an operation ("commit.word cas"); `*` stands
// for anything.

#ifndef NETPOLL_MODEL_GRAPHS_ORDER_REASONS_H_
#define NETPOLL_MODEL_GRAPHS_ORDER_REASONS_H_

#include <string>
#include <string_view>
#include <vector>

#include "netpoll/model/graphs/order_table.h"

namespace netpoll::model {

struct OrderReason {
  std::vector<std::string> names;
  std::string why;

  bool Explains(const AccessOrders& access) const;
  // As docs/orders.md has it.
  std::string Line() const;
};

// Those of one source, in order.
std::vector<OrderReason> OrderReasonsIn(std::string_view source);

// Of a file's accesses: those that have a slack order and no reason, and names
// that explain none; a sentence each.
std::vector<std::string> OrdersUnexplained(
    const std::vector<AccessOrders>& accesses,
    const std::vector<OrderReason>& reasons);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_GRAPHS_ORDER_REASONS_H_
