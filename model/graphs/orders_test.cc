// SPDX-License-Identifier: Apache-2.0
//
// The memory order of every access of core/ is in docs/orders.md, with what
// notices a weaker one. The page is made with the larger configurations too;
// here each kill is found again where the page says, and what is slack there is
// slack in the small ones. Configurations that came later are asked when the
// page is written anew.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/engine/crash.h"
#include "netpoll/model/graphs/order_reasons.h"
#include "netpoll/model/graphs/order_table.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/source/read_file.h"

namespace netpoll::model {
namespace {

const OrderTable& Table() {
  static const OrderTable& table = [] {
    CatchCrashes();
    OrderOptions options;
    const std::string page = ReadFile("docs/orders.md");
    options.hints = RowsOf(page).hints;
    // Those that the page was made with.
    std::vector<Scenario> scenarios;
    for (const Scenario& scenario : FindVariant("shipped")->scenarios) {
      for (const char* const end : {",", "."}) {
        if (page.find(" " + scenario.name + end) == std::string::npos) continue;
        scenarios.push_back(scenario);
        break;
      }
    }
    return *new OrderTable(SweepOrders(scenarios, options));
  }();
  return table;
}

const WeakerOrder* Find(const std::string& site, const std::string& operation,
                        Weakness order) {
  for (const AccessOrders& access : Table().accesses) {
    if (access.site != site || access.operation != operation) continue;
    for (const WeakerOrder& weaker : access.weaker) {
      if (weaker.order == order) return &weaker;
    }
  }
  return nullptr;
}

TEST(Orders, AreThoseOfThePage) {
  const std::vector<std::string> page = RowsOf(ReadFile("docs/orders.md")).rows;
  EXPECT_EQ(Table().violation, "");
  EXPECT_GT(page.size(), 70u);
  const std::vector<std::string> now =
      RowsOf(OrdersPage(Table(), ReadFile)).rows;
  EXPECT_GT(now.size(), 70u);
  for (const std::string& row : now) {
    EXPECT_EQ(std::count(page.begin(), page.end(), row), 1)
        << row << "\nbazel run //model/graphs:write_orders";
  }
}

TEST(Orders, OfTheDekkerPairAreAllNeeded) {
  const struct {
    const char* site;
    const char* operation;
    Weakness weaker;
  } kPair[] = {{"prepare.word", "cas", Weakness::kAcqRel},
               {"prepare.recheck", "load", Weakness::kAcquire},
               {"unblock.status", "cas", Weakness::kAcqRel},
               {"cancel.rg", "load", Weakness::kAcquire}};
  for (const auto& half : kPair) {
    const WeakerOrder* const weaker =
        Find(half.site, half.operation, half.weaker);
    ASSERT_NE(weaker, nullptr) << half.site;
    EXPECT_TRUE(weaker->law.starts_with("L2: ")) << half.site << weaker->law;
    EXPECT_NE(weaker->sentence.find("nobody looks again"), std::string::npos)
        << weaker->sentence;
  }
}

TEST(Orders, ThatAreSlackWereSearchedToTheEnd) {
  int slack = 0;
  for (const AccessOrders& access : Table().accesses) {
    for (const WeakerOrder& weaker : access.weaker) {
      if (weaker.killed()) continue;
      ++slack;
      EXPECT_TRUE(weaker.complete) << access.site << " " << access.operation;
    }
  }
  EXPECT_GT(slack, 0);
}

TEST(Orders, ThatAreStrongerThanNeededHaveAReasonInTheirFile) {
  std::map<std::string, std::vector<AccessOrders>> files;
  for (const AccessOrders& access : Table().accesses) {
    files[FileOfSite(access.site)].push_back(access);
  }
  EXPECT_GE(files.size(), 8u);
  const std::string page = ReadFile("docs/orders.md");
  int reasons = 0;
  for (const auto& [file, accesses] : files) {
    const std::vector<OrderReason> said = OrderReasonsIn(ReadFile(file));
    reasons += static_cast<int>(said.size());
    for (const OrderReason& reason : said) {
      EXPECT_NE(page.find(reason.Line()), std::string::npos)
          << file << ": docs/orders.md has not: " << reason.Line();
    }
    for (const std::string& wrong : OrdersUnexplained(accesses, said)) {
      ADD_FAILURE() << file << ": " << wrong;
    }
  }
  EXPECT_GT(reasons, 10);
}

TEST(OrderReasons, AreReadFromTheCommentAndMissedByName) {
  const std::vector<OrderReason> reasons = OrderReasonsIn(
      "// Stronger than a configuration asks for, because:\n"
      "//   a.*, b.word cas: once in\n"
      "//     a life\n"
      "//   c.word: as it is\n"
      "//\n"
      "//   d.word: not of them\n");
  ASSERT_EQ(reasons.size(), 2u);
  EXPECT_EQ(reasons[0].names, (std::vector<std::string>{"a.*", "b.word cas"}));
  EXPECT_EQ(reasons[0].why, "once in a life");
  const auto access = [](const char* site, const char* operation, bool killed) {
    WeakerOrder weaker;
    if (killed) weaker.law = "L1: a law";
    return AccessOrders{site, operation, Order::kSeqCst, 1, {weaker}};
  };
  EXPECT_EQ(
      OrdersUnexplained(
          {access("a.word", "load", false), access("b.word", "cas", false),
           access("b.word", "load", false), access("c.word", "load", true)},
          reasons),
      (std::vector<std::string>{
          "b.word load could be weaker, and its file does not say why it "
          "isn't",
          "c.word has a reason, and no weaker order to explain"}));
}

}  // namespace
}  // namespace netpoll::model
