// SPDX-License-Identifier: Apache-2.0
//
// netpoll fuzz: runs schedules at random, in configurations too large to
// explore.
#include <fnmatch.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/model/fuzz/session.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/source.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/model_files.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/json.h"
#include "netpoll/tools/common/progress_line.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {
namespace {

using model::Scenario;
using model::Session;
using model::Target;
using model::Variant;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kCanaryRuns = 1'000'000;
constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();

struct FuzzFlags {
  std::string only = "*";
  std::string mutant;
  std::string html;
  int seconds = 10;
  int seed = 1;
  bool json = false;
};

// How far the search is, about ten times a second.
class Progress {
 public:
  void Show(const Session& session, const Target& target) {
    if (!line_.on() || Clock::now() < next_) return;
    next_ = Clock::now() + std::chrono::milliseconds(100);
    const std::chrono::duration<double> taken = Clock::now() - start_;
    line_.Show(absl::StrFormat(
        "%d runs, %.0f runs/s, %d states, %d inputs kept", session.runs(),
        static_cast<double>(session.runs()) / (taken.count() + 1e-9),
        target.states_seen(), session.corpus()));
  }
  void Clear() { line_.Clear(); }

 private:
  const ProgressLine line_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_;
};

std::vector<const Scenario*> Selected(const Variant& variant,
                                      const std::string& only) {
  std::vector<const Scenario*> selected;
  for (const Scenario* scenario : model::Fuzzed(variant)) {
    if (::fnmatch(only.c_str(), scenario->name.c_str(), 0) == 0) {
      selected.push_back(scenario);
    }
  }
  return selected;
}

int NoSuchConfiguration(const Flags& flags, const Variant& variant,
                        const std::string& only) {
  std::vector<std::string_view> names;
  for (const Scenario& scenario : variant.scenarios) {
    names.push_back(scenario.name);
  }
  return flags.Fail(absl::StrCat("no configuration is named ", Quoted(only),
                                 DidYouMean(only, names)));
}

// Runs needed to find the canary, or 0: it was not found.
std::uint64_t FindCanary(std::uint64_t seed) {
  Target target(model::Fuzzed(*model::Canary()));
  Session session(target, seed);
  return RunUntilBroken(session, kCanaryRuns).broken() ? session.runs() : 0;
}

struct Report {
  std::uint64_t seed = 0;
  std::uint64_t canary_runs = 0;
  std::uint64_t runs = 0;
  std::uint64_t states = 0;
  double seconds = 0;
};

void PrintJson(const Report& report, const model::Story& story) {
  JsonObject json;
  json.Add("seed", report.seed)
      .Add("canary_runs", report.canary_runs)
      .Add("runs", report.runs)
      .Add("states", report.states)
      .Add("seconds", report.seconds, 3)
      .Add("holds", !story.broken());
  if (story.broken()) {
    json.Add("configuration", story.scenario)
        .Add("violation", story.violation)
        .Add("diagnosis", Diagnose(story).sentence)
        .Add("replay", model::ReplayStringOf(story));
  }
  std::printf("%s\n", json.text().c_str());
}

void Print(const Report& report, const model::Story& story) {
  if (story.broken()) {
    const int width = model::TerminalWidth(STDOUT_FILENO);
    std::printf("%s: %s\n", story.scenario.c_str(),
                model::Counterexample(story, width).c_str());
  }
  std::printf(
      "seed %llu: canary found after %llu runs; %llu runs, at least "
      "%llu states, %.1f s; %s\n",
      static_cast<unsigned long long>(report.seed),
      static_cast<unsigned long long>(report.canary_runs),
      static_cast<unsigned long long>(report.runs),
      static_cast<unsigned long long>(report.states), report.seconds,
      story.broken() ? "a property is broken"
                     : "no property was broken (sampled, not explored)");
}

}  // namespace

int RunFuzz(Arguments arguments) {
  FuzzFlags wanted;
  Flags flags(
      "netpoll fuzz",
      "Runs random schedules, guided by the states that nobody had seen "
      "before, also in\nconfigurations that are too large to explore. "
      "Finds a planted bug first: the canary.");
  flags.Count("seconds", "N", &wanted.seconds, 1, 1'000'000,
              "how long, after the canary was found");
  flags.Count("seed", "S", &wanted.seed, 0, std::numeric_limits<int>::max(),
              "the same seed makes the same runs");
  flags.Text("only", "GLOB", &wanted.only, "the configurations to run");
  flags.Text("mutant", "ROW", &wanted.mutant,
             "run this mutant instead of the shipped source");
  flags.Switch("json", &wanted.json, "print JSON");
  flags.Text("html", "FILE", &wanted.html,
             "write the counterexample as a page for a browser");
  flags.Finding("a property is broken, or the canary was not found");
  flags.Example("netpoll fuzz --seconds 60");
  flags.Example("netpoll fuzz --only 'huge-*' --seed 7");
  if (const auto status = flags.Parse(arguments)) return *status;
  const std::string name = wanted.mutant.empty() ? "shipped" : wanted.mutant;
  const Variant* const variant = FindVariantOrExplain(flags, name);
  if (variant == nullptr) return kExitBadUse;
  const std::vector<const Scenario*> selected = Selected(*variant, wanted.only);
  if (selected.empty()) {
    return NoSuchConfiguration(flags, *variant, wanted.only);
  }
  Report report;
  report.seed = static_cast<std::uint64_t>(wanted.seed);
  report.canary_runs = FindCanary(report.seed);
  if (report.canary_runs == 0) {
    std::printf(
        "seed %llu: the canary was not found: this fuzzer finds "
        "nothing\n",
        static_cast<unsigned long long>(report.seed));
    return kExitFinding;
  }
  Target target(selected);
  Session session(target, report.seed);
  Progress progress;
  const auto start = Clock::now();
  const auto end = start + std::chrono::seconds(wanted.seconds);
  const auto outcome = RunUntilBroken(session, kNoEnd, [&] {
    progress.Show(session, target);
    return Clock::now() < end;
  });
  progress.Clear();
  report.runs = session.runs();
  report.states = target.states_seen();
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  model::Story story;
  if (outcome.broken()) {
    story = model::TellTwice(name, *outcome.scenario, outcome.run.schedule);
  }
  if (wanted.json) {
    PrintJson(report, story);
  } else {
    Print(report, story);
  }
  if (!wanted.html.empty() && story.broken()) {
    const int status = WriteFile(flags, wanted.html, HtmlPage(story));
    if (status != kExitOk) return status;
  }
  return outcome.broken() ? kExitFinding : kExitOk;
}

}  // namespace netpoll::tools
