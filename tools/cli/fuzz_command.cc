// SPDX-License-Identifier: Apache-2.0
//
// netpoll fuzz: runs schedules at random, in configurations too large to
// explore.
#include <fnmatch.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/model/fuzz/corpus.h"
#include "netpoll/model/fuzz/session.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/source.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/model_files.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/interruption.h"
#include "netpoll/tools/common/json.h"
#include "netpoll/tools/common/progress_line.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {
namespace {

using model::CorpusFolder;
using model::Scenario;
using model::Session;
using model::Target;
using model::Variant;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kCanaryRuns = 1'000'000;

struct FuzzFlags {
  std::string only = "*";
  std::string mutant;
  std::string html;
  std::string corpus;
  std::string merge;
  int seconds = 10;
  int seed = 0;
  bool json = false;
};

// How far the search is, about ten times a second; and for whoever ends it.
class Progress {
 public:
  explicit Progress(std::uint64_t seed) : seed_(seed) {}

  void Show(const Session& session, const Target& target) {
    runs_ = session.runs();
    if (Clock::now() < next_) return;
    next_ = Clock::now() + std::chrono::milliseconds(100);
    states_ = target.states_seen();
    if (!line_.on()) return;
    const std::chrono::duration<double> taken = Clock::now() - start_;
    line_.Show(absl::StrFormat(
        "%d runs, %.0f runs/s, %s states, %d inputs kept", session.runs(),
        static_cast<double>(session.runs()) / (taken.count() + 1e-9),
        Rounded(static_cast<double>(states_)), session.corpus()));
  }
  void Clear() { line_.Clear(); }

  std::string Summary() const {
    return absl::StrCat("seed ", seed_, ", ", runs_.load(), " runs, at least ",
                        states_.load(),
                        " states, no property was broken until then");
  }

 private:
  const std::uint64_t seed_;
  std::atomic<std::uint64_t> runs_{0};
  std::atomic<std::uint64_t> states_{0};
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

// Inputs of earlier runs, and of this one.
class Corpus {
 public:
  Corpus(const FuzzFlags& wanted, Session& session, Target& target)
      : wanted_(wanted), session_(session), target_(target) {}

  // Runs what there is: first the folder's own, the shortest first, and what
  // adds no state goes; then the other's, and what adds some comes. Null if a
  // folder is none, after a sentence.
  std::optional<Target::Outcome> Load(const Flags& flags) {
    Target::Outcome outcome;
    for (const bool own : {true, false}) {
      if ((own ? wanted_.corpus : wanted_.merge).empty()) continue;
      CorpusFolder other(wanted_.merge);
      CorpusFolder& from = own ? folder_ : other;
      std::vector<CorpusFolder::Input> inputs;
      wrong_ = from.Read(target_, &inputs);
      for (const CorpusFolder::Input& input : inputs) {
        if (!wrong_.empty() || outcome.broken()) break;
        outcome = session_.Step(input.bytes);
        const bool adds = outcome.broken() || outcome.run.new_states > 0;
        if (own) {
          ++(adds ? kept_ : removed_);
          if (!adds) wrong_ = folder_.Remove(input);
        } else {
          Take(outcome);
        }
      }
      ignored_ += from.ignored();
      if (Failed(flags)) return std::nullopt;
    }
    return outcome;
  }

  void Take(const Target::Outcome& outcome) {
    if (wanted_.corpus.empty() || outcome.scenario == nullptr) return;
    if (!outcome.broken() && outcome.run.new_states == 0) return;
    bool written = false;
    if (wrong_.empty()) {
      wrong_ = folder_.Write(target_, outcome.plain, &written);
    }
    if (written) ++added_;
  }

  bool Failed(const Flags& flags) const {
    if (!wrong_.empty()) (void)flags.Fail(wrong_);
    return !wrong_.empty();
  }
  bool fine() const { return wrong_.empty(); }

  std::string Text() const {
    if (wanted_.corpus.empty()) return "";
    return absl::StrCat(
        "corpus ", wanted_.corpus, ": ", kept_, " inputs kept, ", removed_,
        " that add nothing removed, ", added_, " added",
        ignored_ == 0
            ? ""
            : absl::StrCat("; ", ignored_,
                           " other files and folders were left alone"),
        "\n");
  }
  JsonObject Json() const {
    JsonObject json;
    json.Add("kept", kept_).Add("removed", removed_).Add("added", added_);
    return json.Add("ignored", ignored_);
  }

 private:
  const FuzzFlags& wanted_;
  Session& session_;
  Target& target_;
  CorpusFolder folder_{wanted_.corpus};
  std::string wrong_;
  int kept_ = 0;
  int removed_ = 0;
  int added_ = 0;
  int ignored_ = 0;
};

void PrintJson(const Report& report, const Target& target, const Corpus& corpus,
               const model::Story& story) {
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
  std::vector<JsonObject> configurations;
  for (std::size_t i = 0; i < target.size(); ++i) {
    configurations.emplace_back()
        .Add("configuration", target.scenario(i).name)
        .Add("runs", target.runs(i))
        .Add("states", target.states_seen(i));
  }
  json.Add("configurations", configurations).Add("corpus", corpus.Json());
  std::printf("%s\n", json.text().c_str());
}

// Which configurations ran, and how often, as wide as a terminal is.
std::string Ran(const Target& target) {
  constexpr std::size_t kColumns = 79;
  std::string text = "runs of each configuration:\n";
  std::string line(1, ' ');
  for (std::size_t i = 0; i < target.size(); ++i) {
    const std::string one =
        absl::StrCat(" ", target.scenario(i).name, " ", target.runs(i),
                     i + 1 < target.size() ? "," : "\n");
    if (line.size() + one.size() > kColumns) {
      text += line + "\n";
      line.assign(1, ' ');
    }
    line += one;
  }
  return text + line;
}

void Print(const Report& report, const Target& target, const Corpus& corpus,
           const model::Story& story) {
  if (story.broken()) {
    const int width = model::TerminalWidth(STDOUT_FILENO);
    std::printf("\n%s: %s\n", story.scenario.c_str(),
                model::Counterexample(story, width).c_str());
  }
  std::fputs(Ran(target).c_str(), stdout);
  std::fputs(corpus.Text().c_str(), stdout);
  std::printf("%llu runs, at least %llu states, %.1f s; %s\n",
              static_cast<unsigned long long>(report.runs),
              static_cast<unsigned long long>(report.states), report.seconds,
              story.broken() ? "a property is broken"
                             : "no property was broken (sampled, not "
                               "explored)");
}

void AddSeed(Flags& flags, int* seed) {
  flags.Count("seed", "S", seed, 0, std::numeric_limits<int>::max(),
              "the same seed makes the same runs");
  flags.Default("seed", [seed] {
    *seed = static_cast<int>(std::random_device()() &
                             std::numeric_limits<int>::max());
    return std::string("another each time");
  });
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
  AddSeed(flags, &wanted.seed);
  flags.Text("only", "GLOB", &wanted.only, "the configurations to run");
  flags.Text("mutant", "ROW", &wanted.mutant,
             "run this mutant instead of the shipped source");
  flags.Text("corpus", "DIR", &wanted.corpus,
             "begin with the inputs in this folder, add those that lead to "
             "states nobody had seen, and remove those that no longer do");
  flags.Text("merge", "DIR", &wanted.merge,
             "... and add what is new in this one");
  flags.Switch("json", &wanted.json, "print JSON");
  flags.Text("html", "FILE", &wanted.html,
             "write the counterexample as a page for a browser");
  flags.Finding("a property is broken, or the canary was not found");
  flags.Example("netpoll fuzz --seconds 60");
  flags.Example("netpoll fuzz --only 'huge-*' --seed 7");
  flags.Example("netpoll fuzz --only huge-lock --corpus corpus --seconds 600");
  if (const auto status = flags.Parse(arguments)) return *status;
  if (wanted.corpus.empty() && !wanted.merge.empty()) {
    return flags.Refuse("--merge is for --corpus");
  }
  // It is only read: one that was mistyped must not be made.
  std::error_code unknown;
  if (!wanted.merge.empty() &&
      !std::filesystem::is_directory(wanted.merge, unknown)) {
    return flags.Refuse(
        absl::StrCat("there is no folder '", wanted.merge, "' to merge"));
  }
  const std::string name = wanted.mutant.empty() ? "shipped" : wanted.mutant;
  const Variant* const variant = FindVariantOrExplain(flags, name);
  if (variant == nullptr) return kExitBadUse;
  const std::vector<const Scenario*> selected = Selected(*variant, wanted.only);
  if (selected.empty()) {
    return NoSuchConfiguration(flags, *variant, wanted.only);
  }
  if (model::Canary() == nullptr) {
    return flags.Fail(
        "the canary is not in this program: does its row, "
        "model/mutants/canary/canary.mutant, still fit the source?");
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
  if (!wanted.json) {
    std::printf("seed %llu: canary found after %llu runs\n",
                static_cast<unsigned long long>(report.seed),
                static_cast<unsigned long long>(report.canary_runs));
  }
  Target target(selected);
  Session session(target, report.seed);
  Progress progress(report.seed);
  const Interruption interruption([&] { return progress.Summary(); });
  const auto start = Clock::now();
  Corpus corpus(wanted, session, target);
  const auto loaded = corpus.Load(flags);
  if (!loaded.has_value()) return kExitBadUse;
  Target::Outcome outcome = *loaded;
  const auto end = start + std::chrono::seconds(wanted.seconds);
  while (!outcome.broken() && corpus.fine() && Clock::now() < end) {
    outcome = session.Step();
    corpus.Take(outcome);
    progress.Show(session, target);
  }
  progress.Clear();
  report.runs = session.runs();
  report.states = target.states_seen();
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  model::Story story;
  if (outcome.broken()) {
    story = model::TellTwice(name, *outcome.scenario, outcome.run.schedule);
  }
  if (wanted.json) {
    PrintJson(report, target, corpus, story);
  } else {
    Print(report, target, corpus, story);
  }
  if (!wanted.html.empty() && story.broken()) {
    const int status = WriteFile(flags, wanted.html, HtmlPage(story));
    if (status != kExitOk) return status;
  }
  if (corpus.Failed(flags)) return kExitBadUse;
  return outcome.broken() ? kExitFinding : kExitOk;
}

}  // namespace netpoll::tools
