// SPDX-License-Identifier: Apache-2.0
//
// netpoll orders: makes the memory order of each access of core/ weaker, and
// says what notices.
#include <atomic>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/model/engine/crash.h"
#include "netpoll/model/graphs/order_table.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/source.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/interruption.h"
#include "netpoll/tools/common/json.h"
#include "netpoll/tools/common/progress_line.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {
namespace {

using model::AccessOrders;
using model::OrderTable;
using model::WeakerOrder;

std::string Json(const AccessOrders& access, const WeakerOrder& weaker) {
  JsonObject json;
  json.Add("site", access.site)
      .Add("operation", access.operation)
      .Add("ships", model::OrderName(access.written))
      .Add("weaker", Name(weaker.order))
      .Add("killed", weaker.killed())
      .Add("complete", weaker.complete);
  if (weaker.killed()) {
    json.Add("configuration", weaker.configuration)
        .Add("law", weaker.law)
        .Add("diagnosis", weaker.sentence)
        .Add("replay", weaker.replay);
  }
  return "  " + json.text();
}

void PrintJson(const OrderTable& table) {
  const char* between = "[\n";
  for (const AccessOrders& access : table.accesses) {
    for (const WeakerOrder& weaker : access.weaker) {
      std::printf("%s%s", between, Json(access, weaker).c_str());
      between = ",\n";
    }
  }
  std::fputs("\n]\n", stdout);
}

void Print(const AccessOrders& access) {
  absl::PrintF("\n%s %s, %s, in %d configurations (%s)\n", access.site,
               access.operation, model::OrderName(access.written),
               access.configurations, model::PlaceOf(access.site));
  for (const WeakerOrder& weaker : access.weaker) {
    if (!weaker.killed()) {
      absl::PrintF("  %-8s slack%s\n", Name(weaker.order),
                   weaker.complete ? "" : ", as far as it was searched");
      continue;
    }
    absl::PrintF("  %-8s killed in %s: %s\n           %s\n", Name(weaker.order),
                 weaker.configuration, weaker.sentence,
                 model::ReplayCommand(weaker.replay));
  }
}

int NoSuchSite(const Flags& flags, const std::string& site) {
  std::vector<std::string_view> names;
  for (const model::SourceSite& known : model::SourceSites()) {
    if (std::string_view(known.place).starts_with("core/")) {
      names.push_back(known.site);
    }
  }
  return flags.Fail(
      absl::StrCat("no atomic access that the configurations reach is called ",
                   Quoted(site), DidYouMean(site, names)));
}

}  // namespace

int RunOrders(Arguments arguments) {
  model::OrderOptions options;
  bool json = false;
  auto graphs = static_cast<std::int64_t>(options.graphs);
  Flags flags("netpoll orders",
              "Makes the memory order of each access of core/ weaker, one at a "
              "time, under the\nmemory model of C++ (RC11), and says which "
              "configuration notices: its law, a\nsentence, and a string for "
              "netpoll replay. docs/orders.md has the table.");
  flags.Text("site", "GLOB", &options.site, "the accesses, such as 'cancel.*'");
  flags.Count("graphs", "N", &graphs, 1,
              "leave configurations out that have more graphs");
  flags.Count("workers", "N", &options.workers, 1, 256,
              "accesses explored at once");
  flags.Switch("json", &json, "print JSON");
  flags.Finding("what ships breaks a property");
  flags.Example("netpoll orders --site prepare.recheck");
  flags.Example("netpoll orders --json");
  if (const auto status = flags.Parse(arguments)) return *status;
  options.graphs = static_cast<std::uint64_t>(graphs);
  model::CatchCrashes();
  const ProgressLine line;
  std::atomic<int> explored{0};
  std::atomic<int> wanted{0};
  const Interruption interruption([&] {
    return absl::StrCat(explored.load(), " of ", wanted.load(),
                        " accesses explored");
  });
  options.progress = [&](const AccessOrders& access, int done, int all) {
    explored = done;
    wanted = all;
    line.Show(absl::StrFormat("%d of %d: %s", done, all, access.site));
  };
  const OrderTable table =
      SweepOrders(model::FindVariant("shipped")->scenarios, options);
  line.Clear();
  if (table.accesses.empty()) return NoSuchSite(flags, options.site);
  if (json) {
    PrintJson(table);
  } else {
    int killed = 0;
    int slack = 0;
    for (const AccessOrders& access : table.accesses) {
      Print(access);
      for (const WeakerOrder& weaker : access.weaker) {
        weaker.killed() ? ++killed : ++slack;
      }
    }
    absl::PrintF("\n%d accesses, %d weaker orders: %d killed, %d slack\n",
                 table.accesses.size(), killed + slack, killed, slack);
  }
  if (!table.violation.empty()) {
    return flags.Fail(absl::StrCat("what ships breaks ", table.violation));
  }
  return kExitOk;
}

}  // namespace netpoll::tools
