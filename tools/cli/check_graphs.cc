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
#include "netpoll/tools/cli/check_report.h"
#include "netpoll/tools/cli/model_files.h"
#include "netpoll/tools/common/interruption.h"
#include "netpoll/tools/common/json.h"
#include "netpoll/tools/common/progress_line.h"

namespace netpoll::tools {
namespace {

using model::GraphVerdict;

// The thread that the law speaks of, or nothing.
std::string WhoOf(const model::GraphStory& story) {
  return story.task < 0 ? "" : story.threads[story.task];
}

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
        .Add("diagnosis", verdict.story.sentence);
    const std::string who = WhoOf(verdict.story);
    if (!who.empty()) json.Add("task", who);
    json.Add("replay", verdict.story.ReplayText());
  }
  return json.Add("seconds", verdict.seconds, 3).text();
}

std::string InFull(const GraphVerdict& verdict) {
  std::string text =
      GraphCounterexample(verdict.story, model::TerminalWidth(STDOUT_FILENO));
  if (!verdict.doubt.empty()) {
    absl::StrAppend(&text, "The counterexample is in doubt: ", verdict.doubt,
                    "\n");
  }
  return text;
}

// What is told in the end: of what was broken, and of all.
struct GraphReport {
  std::vector<Broken> broken;
  std::vector<model::GraphStory> stories;  // Of them.
  std::vector<std::string> results;        // As JSON.
  int cut_off = 0;

  void Add(const GraphVerdict& verdict, const GraphCheck& wanted) {
    if (wanted.json) results.push_back(Json(verdict, wanted));
    if (!verdict.cut_off.empty()) ++cut_off;
    if (verdict.story.broken()) {
      broken.push_back({.configuration = verdict.scenario,
                        .violation = verdict.story.violation,
                        .who = WhoOf(verdict.story),
                        .steps = verdict.story.moments.size(),
                        .text = InFull(verdict)});
      stories.push_back(verdict.story);
    } else if (!verdict.cut_off.empty() && !wanted.json) {
      absl::PrintF("%-24s cut off: %s\n", verdict.scenario, verdict.cut_off);
    } else if (broken.empty() && !wanted.json) {
      std::fputs(GraphLine(verdict).c_str(), stdout);
      std::fflush(stdout);
    }
  }

  std::string Summary(const GraphCheck& wanted) const {
    return absl::StrCat(
        broken.empty() ? "every property holds in every execution"
                       : absl::StrCat("properties are broken in ",
                                      broken.size(), " configurations"),
        " under ", Name(wanted.memory),
        cut_off == 0 ? ""
                     : absl::StrCat(", but for ", cut_off,
                                    " configurations that were cut off: "
                                    "--graphs says after how many"));
  }

  std::string Text(const GraphCheck& wanted, const std::string& variant,
                   double seconds) const {
    JsonObject summary;
    summary.Add("configurations", results.size())
        .Add("broken", broken.size())
        .Add("cut_off", cut_off)
        .Add("seconds", seconds, 3);
    return CheckJson{.variant = variant,
                     .memory_model = std::string(Name(wanted.memory)),
                     .holds = broken.empty(),
                     .coverage = "null",
                     .summary = summary.text(),
                     .results = results}
        .Text();
  }
};

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
  if (!wanted.json) std::fputs(model::GraphHead().c_str(), stdout);
  GraphReport report;
  for (const model::Scenario& scenario : scenarios) {
    const GraphVerdict verdict =
        CheckGraphs(variant.name, scenario, wanted.memory, limits);
    line.Clear();
    report.Add(verdict, wanted);
    broken = static_cast<int>(report.broken.size());
    ++at;
  }
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  if (wanted.json) {
    std::fputs(report.Text(wanted, variant.name, taken.count()).c_str(),
               stdout);
  } else {
    if (!report.broken.empty()) {
      absl::PrintF("\n%s\n", VerdictText(report.broken, wanted.all,
                                         model::TerminalWidth(STDOUT_FILENO)));
    }
    absl::PrintF("source %s, %.1f s; %s\n", model::SourceDigest(),
                 taken.count(), report.Summary(wanted));
  }
  if (!wanted.html.empty() && !report.broken.empty()) {
    const int status =
        WriteFile(flags, wanted.html,
                  GraphHtmlPage(report.stories[Shortest(report.broken)]));
    if (status != kExitOk) return status;
  }
  return report.broken.empty() ? kExitOk : kExitFinding;
}

}  // namespace netpoll::tools
