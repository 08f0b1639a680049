// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "netpoll/model/graphs/order_reasons.h"
#include "netpoll/model/graphs/order_table.h"
#include "netpoll/model/report/coverage.h"
#include "netpoll/model/report/replay_string.h"
#include "netpoll/model/report/source.h"

namespace netpoll::model {
namespace {

constexpr std::string_view kBegin = "<!-- orders: begin -->\n";
constexpr std::string_view kEnd = "<!-- orders: end -->\n";

// "L2" of "L2: a task is parked".
std::string LawName(const std::string& law) {
  return law.substr(0, law.find(':'));
}

std::string CellOf(const AccessOrders& access, Weakness order) {
  for (const WeakerOrder& weaker : access.weaker) {
    if (weaker.order != order) continue;
    if (weaker.killed()) {
      return LawName(weaker.law) + " in " + weaker.configuration;
    }
    return weaker.complete ? "slack" : "cut off";
  }
  return "";
}

std::string Words(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

// What a file says of its slack orders.
std::string ReasonsOf(const std::string& source) {
  const std::vector<OrderReason> reasons = OrderReasonsIn(source);
  if (reasons.empty()) return "";
  std::string text = "\nStronger than a configuration asks for, because:\n\n";
  for (const OrderReason& reason : reasons) {
    text += reason.Line();
  }
  return text;
}

}  // namespace

std::string FileOfSite(const std::string& site) {
  const std::string place(PlaceOf(site));
  return place.substr(0, place.find(':'));
}

std::string OrdersPage(const OrderTable& table,
                       std::string (*read)(const std::string& file)) {
  std::string text;
  std::string file;
  int slack = 0;
  int killed = 0;
  for (const AccessOrders& access : table.accesses) {
    if (FileOfSite(access.site) != file) {
      if (!file.empty()) text += ReasonsOf(read(file));
      file = FileOfSite(access.site);
      text += "\n### " + file +
              "\n\n| access | ships | acq_rel | release | acquire | relaxed |\n"
              "|---|---|---|---|---|---|\n";
    }
    text += "| " + access.site + " " + access.operation + " | " +
            OrderName(access.written) + " |";
    for (const Weakness order : {Weakness::kAcqRel, Weakness::kRelease,
                                 Weakness::kAcquire, Weakness::kRelaxed}) {
      const std::string cell = CellOf(access, order);
      text += cell.empty() ? " |" : " " + cell + " |";
    }
    for (const WeakerOrder& weaker : access.weaker) {
      weaker.killed() ? ++killed : ++slack;
    }
    text += "\n";
  }
  if (!file.empty()) text += ReasonsOf(read(file));
  text += "\n" + std::to_string(table.accesses.size()) + " accesses, " +
          std::to_string(killed + slack) +
          " weaker orders: " + std::to_string(killed) + " killed, " +
          std::to_string(slack) + " slack.\n\nNot met, with the reason:\n\n";
  for (const std::string& site : table.unmet) {
    const char* const why = WhyNotMet(site);
    text += "- " + site + ": " +
            (why == nullptr ? "only in larger configurations" : why) + "\n";
  }
  text += "\nExplored: " + Words(table.explored) +
          ".\n\nToo large for this table: " + Words(table.too_large) + ".\n";
  return text;
}

OrderRows RowsOf(const std::string& page) {
  constexpr Weakness kColumns[] = {Weakness::kAcqRel, Weakness::kRelease,
                                   Weakness::kAcquire, Weakness::kRelaxed};
  OrderRows rows;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string_view> cells = Split(line, '|');
    if (cells.size() != 8 || line.starts_with("| access") ||
        line.starts_with("|---")) {
      continue;
    }
    rows.rows.push_back(line);
    for (int i = 0; i < 4; ++i) {
      std::string cell(cells[3 + i]);
      const auto in = cell.find(" in ");
      if (in == std::string::npos) continue;
      cell = cell.substr(in + 4);
      cell.pop_back();
      std::string access(cells[1].substr(1));
      rows.hints[access + Name(kColumns[i])] = cell;
    }
  }
  return rows;
}

std::string WithOrders(const std::string& page, const std::string& table) {
  const std::size_t begin = page.find(kBegin);
  const std::size_t end = page.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    return "";
  }
  return page.substr(0, begin + kBegin.size()) + table + page.substr(end);
}

}  // namespace netpoll::model
