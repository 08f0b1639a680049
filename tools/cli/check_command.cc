// SPDX-License-Identifier: Apache-2.0
//
// netpoll check: explores the matrix of configurations, and prints the
// certificate or the counterexample.
#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpoll/model/graphs/graph_schedule.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/source.h"
#include "netpoll/tools/cli/check_graphs.h"
#include "netpoll/tools/cli/check_progress.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/model_files.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/interruption.h"
#include "netpoll/tools/common/json.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {
namespace {

using model::Certificate;
using model::Scenario;
using model::Variant;
using model::Verdict;

constexpr char kInterleavings[] = "interleavings";

struct CheckFlags {
  std::string only = "*";
  std::string mutant;
  std::string html;
  int workers = 2;
  bool deep = false;
  bool json = false;
  bool no_reduction = false;
  std::string memory_model = kInterleavings;
  GraphCheck graphs;
};

std::vector<Scenario> Selected(const Variant& variant,
                               const CheckFlags& wanted) {
  std::vector<Scenario> selected;
  for (const Scenario& scenario : variant.scenarios) {
    if (scenario.huge || (scenario.deep && !wanted.deep)) continue;
    if (::fnmatch(wanted.only.c_str(), scenario.name.c_str(), 0) != 0) continue;
    selected.push_back(scenario);
  }
  return selected;
}

// Of a mutant's, unless some are named: those of runs of any length are looked
// at one by one, when all others hold, until one does not.
std::vector<Scenario> TakeClosed(std::vector<Scenario>* selected) {
  std::vector<Scenario> closed;
  std::copy_if(selected->begin(), selected->end(), std::back_inserter(closed),
               [](const Scenario& scenario) { return scenario.closed; });
  std::erase_if(*selected,
                [](const Scenario& scenario) { return scenario.closed; });
  return closed;
}

int NoSuchConfiguration(const Flags& flags, const Variant& variant,
                        const std::string& only) {
  bool deep = false;
  bool huge = false;
  std::vector<std::string_view> names;
  for (const Scenario& scenario : variant.scenarios) {
    names.push_back(scenario.name);
    if (::fnmatch(only.c_str(), scenario.name.c_str(), 0) != 0) continue;
    deep = deep || scenario.deep;
    huge = huge || scenario.huge;
  }
  if (huge) {
    return flags.Fail(absl::StrCat("configuration ", Quoted(only),
                                   " is too large to explore; netpoll fuzz "
                                   "runs it"));
  }
  if (deep) {
    return flags.Fail(absl::StrCat("configuration ", Quoted(only),
                                   " is explored with --deep only"));
  }
  return flags.Fail(absl::StrCat("no configuration is named ", Quoted(only),
                                 DidYouMean(only, names)));
}

std::string Json(const Verdict& verdict) {
  JsonObject json;
  json.Add("configuration", verdict.scenario)
      .Add("variant", verdict.variant)
      .Add("holds", verdict.ok())
      .Add("complete", verdict.result.complete)
      .Add("states", verdict.result.states)
      .Add("reduced_states", verdict.reduced_states)
      .Add("transitions", verdict.result.transitions);
  if (!verdict.ok()) {
    json.Add("violation", verdict.violation);
  } else {
    json.Add("at_rest", verdict.survey.at_rest);
    if (verdict.closed()) {
      json.Add("components", verdict.cycles.components)
          .Add("cyclic_components", verdict.cycles.cyclic)
          .Add("states_in_cycles", verdict.cycles.in_cycles);
    }
    if (verdict.survey.acyclic) {
      json.Add("interleavings", verdict.survey.interleavings.Text())
          .Add("longest", verdict.survey.longest);
    } else {
      json.AddNull("interleavings").AddNull("longest");
    }
    json.Add("digest",
             absl::StrCat(absl::Hex(verdict.survey.digest, absl::kZeroPad16)));
  }
  if (verdict.story.broken()) {
    json.Add("diagnosis", model::Diagnose(verdict.story).sentence)
        .Add("replay", model::ReplayStringOf(verdict.story));
  }
  return "  " + json.Add("seconds", verdict.seconds, 3).text();
}

class Output {
 public:
  Output(const CheckFlags& wanted, CheckProgressLine& progress)
      : wanted_(wanted),
        whole_(wanted.only == "*" && wanted.mutant.empty()),
        progress_(progress) {
    std::fputs(wanted.json ? "[\n" : Certificate::Head().c_str(), stdout);
  }

  void Add(const Verdict& verdict) {
    progress_.Done(verdict);
    if (wanted_.json) {
      std::printf("%s%s", any_ ? ",\n" : "", Json(verdict).c_str());
    } else if (verdict.ok()) {
      if (verdict.closed()) {
        closed_ += model::ClosedLine(verdict);
      } else {
        std::fputs(Certificate::Line(verdict).c_str(), stdout);
      }
    } else if (!verdict.violation.empty()) {
      std::printf(
          "\n%s: %s\n", verdict.scenario.c_str(),
          verdict.Counterexample(model::TerminalWidth(STDOUT_FILENO)).c_str());
    } else {
      std::printf("%s: cut off after %llu states\n", verdict.scenario.c_str(),
                  static_cast<unsigned long long>(verdict.result.states));
    }
    any_ = true;
    if (verdict.ok() && verdict.closed()) return;
    if (verdict.ok()) {
      certificate_.Add(verdict);
      if (verdict.reduced_states != 0) {
        reduced_ += verdict.reduced_states;
        reduced_from_ += verdict.result.states;
      }
      return;
    }
    ++failed_;
    if (first_.violation.empty()) first_ = verdict;
  }

  bool failed() const { return failed_ != 0; }

  int Finish(const Flags& flags, double seconds) {
    progress_.Clear();
    if (wanted_.json) {
      std::fputs("\n]\n", stdout);
    } else {
      std::fputs(certificate_.Total().c_str(), stdout);
      if (whole_) PrintCoverage();
      if (!closed_.empty()) {
        std::fputs((model::ClosedHead() + closed_).c_str(), stdout);
      }
      if (reduced_ != 0) {
        std::printf(
            "partial-order reduction: %llu states instead of %llu, the "
            "same states at rest\n",
            static_cast<unsigned long long>(reduced_),
            static_cast<unsigned long long>(reduced_from_));
      }
      std::printf("source %s, %.1f s; %s\n",
                  std::string(model::SourceDigest()).c_str(), seconds,
                  Summary().c_str());
    }
    if (!wanted_.html.empty() && first_.story.broken()) {
      const int status = WriteFile(flags, wanted_.html, HtmlPage(first_.story));
      if (status != kExitOk) return status;
    }
    const bool unexplained =
        whole_ && !certificate_.coverage().Unexplained().empty();
    return failed_ == 0 && !unexplained ? kExitOk : kExitFinding;
  }

 private:
  std::string Summary() const {
    if (failed_ != 0) {
      return absl::StrCat("properties are broken in ", failed_,
                          " configurations");
    }
    return absl::StrCat(
        "every property holds in every interleaving (sequentially consistent, "
        "no bound)",
        closed_.empty() ? "" : ", and in every run of any length");
  }

  // Of the whole matrix, what it does not meet must be explained.
  void PrintCoverage() {
    const model::Coverage coverage = certificate_.coverage();
    std::fputs(coverage.Text().c_str(), stdout);
  }

  const CheckFlags& wanted_;
  const bool whole_;
  CheckProgressLine& progress_;
  Certificate certificate_;
  std::string closed_;  // Lines of the closed configurations.
  Verdict first_;
  std::uint64_t reduced_ = 0;
  std::uint64_t reduced_from_ = 0;
  int failed_ = 0;
  bool any_ = false;
};

}  // namespace

int RunCheck(Arguments arguments) {
  CheckFlags wanted;
  Flags flags("netpoll check",
              "Explores every interleaving of every configuration of the "
              "matrix, on the shipped\nsource. Prints the certificate, or a "
              "shortest counterexample of a broken property.");
  flags.Text("only", "GLOB", &wanted.only, "the configurations to explore");
  flags.Switch("deep", &wanted.deep, "the large configurations as well");
  flags.Text("mutant", "ROW", &wanted.mutant,
             "explore this mutant instead of the shipped source");
  flags.Count("workers", "N", &wanted.workers, 1, 256,
              "configurations explored at once");
  flags.Switch("no-reduction", &wanted.no_reduction,
               "leave out the comparison with a reduced search");
  flags.Switch("json", &wanted.json, "print JSON");
  flags.Text("html", "FILE", &wanted.html,
             "write the first counterexample as a page for a browser");
  flags.Choice("memory-model", "MODEL", &wanted.memory_model,
               {kInterleavings, "sc", "tso", "rc11"},
               "explore execution graphs that this model allows instead: x86's "
               "(tso) or C++'s (rc11)");
  flags.Count("graphs", "N", &wanted.graphs.graphs, 1,
              "... and cut a configuration off that has more of them; a "
              "mutant's at 4000, unless told otherwise");
  flags.Finding("a property is broken: the counterexample was printed");
  flags.Example("netpoll check");
  flags.Example("netpoll check --memory-model rc11 --only 'read-*'");
  flags.Example("netpoll check --only 'read-*' --html broken.html");
  if (const auto status = flags.Parse(arguments)) return *status;
  const Variant* const variant = FindVariantOrExplain(
      flags, wanted.mutant.empty() ? "shipped" : wanted.mutant);
  if (variant == nullptr) return kExitBadUse;
  std::vector<Scenario> selected = Selected(*variant, wanted);
  if (selected.empty()) {
    return NoSuchConfiguration(flags, *variant, wanted.only);
  }
  // A weaker order is seen by no interleaving.
  const bool weaker = IsOrder(variant->weakened.how);
  if (wanted.memory_model != kInterleavings || weaker) {
    (void)model::ModelNamed(wanted.memory_model, &wanted.graphs.memory);
    wanted.graphs.json = wanted.json;
    wanted.graphs.html = wanted.html;
    // A bug shows in small ones.
    const bool given = std::any_of(
        arguments.begin(), arguments.end(),
        [](std::string_view word) { return word.starts_with("--graphs"); });
    if (!wanted.mutant.empty() && !given) wanted.graphs.graphs = 4'000;
    return CheckByGraphs(flags, wanted.graphs, *variant, selected);
  }
  std::vector<Scenario> closed;
  if (!wanted.mutant.empty() && wanted.only == "*") {
    closed = TakeClosed(&selected);
  }
  CheckProgressLine progress(selected, closed);
  const Interruption interruption([&] { return progress.Summary(); });
  model::CheckOptions options;
  options.reduction = !wanted.no_reduction;
  // A bug may make something count up for ever.
  if (!wanted.mutant.empty()) options.limits.states = 3'000'000;
  options.progress = [&](const model::CheckProgress& now) {
    progress.Show(now);
  };
  const auto start = std::chrono::steady_clock::now();
  Output output(wanted, progress);
  model::CheckAll(*variant, selected, options, wanted.workers,
                  [&](const Verdict& verdict) { output.Add(verdict); });
  for (const Scenario& scenario : closed) {
    if (output.failed()) break;
    output.Add(model::Check(variant->name, scenario, options));
  }
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  return output.Finish(flags, taken.count());
}

}  // namespace netpoll::tools
