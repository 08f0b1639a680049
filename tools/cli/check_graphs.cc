// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/check_graphs.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/model/graphs/check_graphs.h"
#include "netpoll/model/graphs/graph_pictures.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/source.h"
#include "netpoll/tools/cli/model_files.h"
#include "netpoll/tools/common/interruption.h"
#include "netpoll/tools/common/json.h"
#include "netpoll/tools/common/progress_line.h"

namespace netpoll::tools {
namespace {

using model::GraphVerdict;

std::string Json(const GraphVerdict& verdict, const GraphCheck& wanted) {
  JsonObject json;
  json.Add("configuration", verdict.scenario)
      .Add("memory_model", Name(wanted.memory))
      .Add("holds", verdict.ok())
      .Add("complete", verdict.result.complete)
      .Add("graphs", verdict.result.complete_graphs)
      .Add("blocked", verdict.result.blocked_graphs)
      .Add("explored", verdict.result.explored);
  if (!verdict.cut_off.empty()) json.Add("cut_off", verdict.cut_off);
  if (verdict.story.broken()) {
    json.Add("violation", verdict.story.violation)
        .Add("diagnosis", verdict.story.sentence)
        .Add("replay", verdict.story.ReplayText());
  }
  return "  " + json.Add("seconds", verdict.seconds, 3).text();
}

void Print(const GraphVerdict& verdict) {
  if (verdict.story.broken()) {
    absl::PrintF("\n%s: %s\n", verdict.scenario,
                 GraphCounterexample(verdict.story,
                                     model::TerminalWidth(STDOUT_FILENO)));
    if (!verdict.doubt.empty()) {
      absl::PrintF("The counterexample is in doubt: %s\n", verdict.doubt);
    }
    return;
  }
  if (!verdict.cut_off.empty()) {
    absl::PrintF("%-24s cut off: %s\n", verdict.scenario, verdict.cut_off);
    return;
  }
  std::fputs(GraphLine(verdict).c_str(), stdout);
}

}  // namespace

int CheckByGraphs(const Flags& flags, const GraphCheck& wanted,
                  const model::Variant& variant,
                  const std::vector<model::Scenario>& scenarios) {
  const auto start = std::chrono::steady_clock::now();
  const ProgressLine line;
  std::atomic<std::size_t> at{0};
  std::atomic<int> broken{0};
  const Interruption interruption([&] {
    return absl::StrCat(at.load(), " of ", scenarios.size(),
                        " configurations explored, ", broken.load(), " broken");
  });
  model::WeakLimits limits;
  limits.graphs = static_cast<std::uint64_t>(wanted.graphs);
  limits.progress = [&](std::uint64_t explored, std::uint64_t at_rest) {
    line.Show(absl::StrCat(at + 1, " of ", scenarios.size(), " ",
                           scenarios[at].name, ", ", explored, " graphs, ",
                           at_rest, " at rest"));
  };
  std::fputs(wanted.json ? "[\n" : model::GraphHead().c_str(), stdout);
  int cut_off = 0;
  model::GraphStory first;
  const char* between = "";
  for (const model::Scenario& scenario : scenarios) {
    const GraphVerdict verdict =
        CheckGraphs(variant.name, scenario, wanted.memory, limits);
    line.Clear();
    if (wanted.json) {
      std::printf("%s%s", between, Json(verdict, wanted).c_str());
      between = ",\n";
    } else {
      Print(verdict);
    }
    if (!verdict.cut_off.empty()) ++cut_off;
    if (verdict.story.broken() && broken++ == 0) first = verdict.story;
    ++at;
  }
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  if (wanted.json) {
    std::fputs("\n]\n", stdout);
  } else {
    absl::PrintF("source %s, %.1f s; %s under %s%s\n", model::SourceDigest(),
                 taken.count(),
                 broken == 0 ? "every property holds in every execution"
                             : absl::StrCat("properties are broken in ",
                                            broken.load(), " configurations"),
                 Name(wanted.memory),
                 cut_off == 0
                     ? ""
                     : absl::StrCat(", but for ", cut_off,
                                    " configurations that were cut off: "
                                    "--graphs says after how many"));
  }
  if (!wanted.html.empty() && first.broken()) {
    const int status = WriteFile(flags, wanted.html, GraphHtmlPage(first));
    if (status != kExitOk) return status;
  }
  return broken == 0 ? kExitOk : kExitFinding;
}

}  // namespace netpoll::tools
