// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/graphs/order_reasons.h"

#include <fnmatch.h>

#include <algorithm>
#include <sstream>

#include "netpoll/model/report/replay_string.h"

namespace netpoll::model {
namespace {

constexpr std::string_view kHead =
    "// Stronger than a configuration asks for, because:";
constexpr std::string_view kEntry = "//   ";
constexpr std::string_view kMore = "//     ";

bool Stands(const std::string& name, const AccessOrders& access) {
  const std::string whole = access.site + " " + access.operation;
  return ::fnmatch(name.c_str(), access.site.c_str(), 0) == 0 ||
         ::fnmatch(name.c_str(), whole.c_str(), 0) == 0;
}

bool HasSlack(const AccessOrders& access) {
  return std::any_of(
      access.weaker.begin(), access.weaker.end(),
      [](const WeakerOrder& weaker) { return !weaker.killed(); });
}

OrderReason ReasonOf(const std::string& text) {
  OrderReason reason;
  const auto colon = text.find(": ");
  if (colon == std::string::npos) return reason;
  for (std::string_view name :
       Split(std::string_view(text).substr(0, colon), ',')) {
    if (name.starts_with(" ")) name.remove_prefix(1);
    reason.names.emplace_back(name);
  }
  reason.why = text.substr(colon + 2);
  return reason;
}

}  // namespace

bool OrderReason::Explains(const AccessOrders& access) const {
  return std::any_of(
      names.begin(), names.end(),
      [&access](const std::string& name) { return Stands(name, access); });
}

std::string OrderReason::Line() const {
  std::string line = "-";
  for (const std::string& name : names) {
    line += (&name == &names.front() ? " " : ", ") + name;
  }
  return line + ": " + why + "\n";
}

std::vector<OrderReason> OrderReasonsIn(std::string_view source) {
  std::vector<std::string> entries;
  bool inside = false;
  std::istringstream lines{std::string(source)};
  for (std::string line; std::getline(lines, line);) {
    if (line == kHead) {
      inside = true;
    } else if (!inside || !line.starts_with(kEntry)) {
      inside = false;
    } else if (!line.starts_with(kMore)) {
      entries.push_back(line.substr(kEntry.size()));
    } else if (!entries.empty()) {
      entries.back() += " " + line.substr(kMore.size());
    }
  }
  std::vector<OrderReason> reasons;
  for (const std::string& entry : entries) reasons.push_back(ReasonOf(entry));
  return reasons;
}

std::vector<std::string> OrdersUnexplained(
    const std::vector<AccessOrders>& accesses,
    const std::vector<OrderReason>& reasons) {
  std::vector<std::string> wrong;
  for (const AccessOrders& access : accesses) {
    if (!HasSlack(access)) continue;
    if (std::any_of(reasons.begin(), reasons.end(),
                    [&access](const OrderReason& reason) {
                      return reason.Explains(access);
                    })) {
      continue;
    }
    wrong.push_back(access.site + " " + access.operation +
                    " could be weaker, and its file does not say why it isn't");
  }
  for (const OrderReason& reason : reasons) {
    for (const std::string& name : reason.names) {
      if (std::none_of(accesses.begin(), accesses.end(),
                       [&name](const AccessOrders& access) {
                         return HasSlack(access) && Stands(name, access);
                       })) {
        wrong.push_back(name + " has a reason, and no weaker order to explain");
      }
    }
  }
  return wrong;
}

}  // namespace netpoll::model
