// SPDX-License-Identifier: Apache-2.0
//
// netpoll check: explores the matrix of configurations, and prints the
// certificate or the counterexample.
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
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "netpoll/model/engine/crash.h"
#include "netpoll/model/graphs/graph_schedule.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/trace_file.h"
#include "netpoll/tools/cli/check_folder.h"
#include "netpoll/tools/cli/check_graphs.h"
#include "netpoll/tools/cli/check_progress.h"
#include "netpoll/tools/cli/check_report.h"
#include "netpoll/tools/cli/choice.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/left_out.h"
#include "netpoll/tools/cli/model_files.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/interruption.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {
namespace {

using model::Scenario;
using model::Variant;
using model::Verdict;

constexpr char kInterleavings[] = "interleavings";

struct CheckFlags {
  Choice only;
  std::string mutant;
  std::string html;
  std::string trace;
  int workers = 2;
  bool deep = false;
  bool list = false;
  bool all = false;
  bool anew = false;
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
    if (wanted.only.Has(scenario.name)) selected.push_back(scenario);
  }
  return selected;
}

int List(const Variant& variant, const CheckFlags& wanted) {
  std::vector<Listed> list;
  for (const Scenario& scenario : variant.scenarios) {
    if (!wanted.only.Has(scenario.name)) continue;
    list.push_back({scenario.name, scenario.about,
                    scenario.huge     ? "netpoll fuzz alone"
                    : scenario.deep   ? "--deep"
                    : scenario.closed ? "runs of any length"
                                      : ""});
  }
  PrintList("configurations", list, wanted.json);
  return kExitOk;
}

// Unless some are named: those of runs of any length are looked at when all
// others hold; of a mutant's one by one, until one does not. What is broken may
// well count up there, for a long time.
std::vector<Scenario> TakeClosed(std::vector<Scenario>* selected) {
  std::vector<Scenario> closed;
  std::copy_if(selected->begin(), selected->end(), std::back_inserter(closed),
               [](const Scenario& scenario) { return scenario.closed; });
  std::erase_if(*selected,
                [](const Scenario& scenario) { return scenario.closed; });
  return closed;
}

int NoSuchConfiguration(const Flags& flags, const Variant& variant,
                        const std::string& glob) {
  bool deep = false;
  bool huge = false;
  std::vector<std::string_view> names;
  for (const Scenario& scenario : variant.scenarios) {
    names.push_back(scenario.name);
    if (!Fits(glob, scenario.name)) continue;
    deep = deep || scenario.deep;
    huge = huge || scenario.huge;
  }
  if (huge) {
    return flags.Fail(absl::StrCat("configuration ", Quoted(glob),
                                   " is too large to explore; netpoll fuzz "
                                   "runs it"));
  }
  if (deep) {
    return flags.Fail(absl::StrCat("configuration ", Quoted(glob),
                                   " is explored with --deep only"));
  }
  return flags.Fail(absl::StrCat("no configuration is named ", Quoted(glob),
                                 DidYouMean(glob, names),
                                 "; --list has the names"));
}

// The first of --only's globs that none of `scenarios` has; empty: none is.
std::string InVain(const Choice& only, const std::vector<Scenario>& scenarios) {
  std::vector<std::string_view> names;
  for (const Scenario& scenario : scenarios) names.push_back(scenario.name);
  return only.FitsNone(names);
}

// What one would learn after minutes otherwise.
int RefuseUnwritable(const Flags& flags, const std::string& file) {
  if (file.empty()) return kExitOk;
  const std::size_t slash = file.rfind('/');
  const std::string folder =
      slash == std::string::npos ? "." : file.substr(0, slash + 1);
  if (::access(folder.c_str(), W_OK) == 0) return kExitOk;
  return flags.Fail(
      absl::StrCat("cannot write ", Quoted(file), ": ", std::strerror(errno)));
}

void SayNotWritten(const CheckFlags& wanted) {
  for (const std::string& file :
       {NamesAPage(wanted.html) ? wanted.html : "", wanted.trace}) {
    if (file.empty()) continue;
    absl::FPrintF(stderr,
                  "netpoll check: nothing is broken, so %s was not written\n",
                  file);
  }
}

int WriteShortest(const Flags& flags, const CheckFlags& wanted,
                  const model::Story& story) {
  int status = kExitOk;
  if (NamesAPage(wanted.html)) {
    status = WriteFile(flags, wanted.html, HtmlPage(story));
  }
  if (status == kExitOk && !wanted.trace.empty()) {
    status =
        WriteFile(flags, wanted.trace, model::TraceText(wanted.trace, story));
  }
  return status;
}

int CheckInterleavings(const Flags& flags, const CheckFlags& wanted,
                       const Variant& variant, std::vector<Scenario> selected) {
  const bool mutant = !wanted.mutant.empty();
  for (const std::string& file :
       {NamesAPage(wanted.html) ? wanted.html : "", wanted.trace}) {
    if (const int status = RefuseUnwritable(flags, file)) return status;
  }
  CheckFolder folder(NamesAPage(wanted.html) ? "" : wanted.html);
  if (const int status = folder.Make(flags)) return status;
  const bool whole = wanted.only.all() && !mutant;
  HeldRecord held(mutant ? "" : RecordOfThisCheckout(), CompiledSources(),
                  Compiler());
  Split split;
  if (mutant) {
    if (wanted.only.all()) split.left_out = NotInMutant(variant);
  } else if (whole && !wanted.anew &&
             (wanted.html.empty() || NamesAPage(wanted.html))) {
    split = TakeUnchanged(held, &selected);
  }
  std::vector<Scenario> closed;
  if (wanted.only.all()) closed = TakeClosed(&selected);
  CheckProgressLine progress(selected, closed);
  const Interruption interruption([&] { return progress.Summary(); });
  model::CheckOptions options;
  options.reduction = !wanted.no_reduction;
  // A bug may make something count up for ever: of what ships the largest that
  // is no deep one has a tenth of this.
  if (mutant) {
    options.limits.states = 3'000'000;
  } else if (!wanted.deep) {
    options.limits.states = 20'000'000;
  }
  options.progress = [&](const model::CheckProgress& now) {
    progress.Show(now);
  };
  const auto start = std::chrono::steady_clock::now();
  CheckReport report({.variant = variant.name,
                      .whole = whole,
                      .all = wanted.all,
                      .json = wanted.json},
                     std::move(split.left_out));
  for (const Scenario& scenario : split.unchanged) {
    if (scenario.closed) continue;
    report.AddMet(held.moves(scenario.name), held.sites(scenario.name));
  }
  const auto done = [&](const Verdict& verdict) {
    progress.Done(verdict);
    report.Add(verdict);
    folder.Add(flags, verdict);
  };
  // What the code under test does to end the program is a verdict on it.
  model::CatchCrashes();
  model::CheckAll(variant, selected, options, wanted.workers, done);
  if (mutant) {
    for (const Scenario& scenario : closed) {
      if (report.failed()) break;
      done(model::Check(variant.name, scenario, options));
    }
  } else if (report.failed()) {
    report.Postpone(closed.size());
  } else {
    model::CheckAll(variant, closed, options, wanted.workers, done);
  }
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  progress.Clear();
  const int status = report.Finish(taken.count());
  if (!mutant && !wanted.no_reduction) {
    for (const Verdict& verdict : report.verdicts()) {
      held.Add(*model::FindScenario(variant, verdict.scenario), verdict);
    }
    held.Write(whole && status == kExitOk);
  }
  int written = folder.Write(flags, variant, whole, taken.count());
  const Verdict* const shortest = report.shortest();
  if (written == kExitOk && shortest != nullptr && shortest->story.broken()) {
    written = WriteShortest(flags, wanted, shortest->story);
  } else if (shortest == nullptr) {
    SayNotWritten(wanted);
  }
  if (written != kExitOk) return written;
  return status;
}

}  // namespace

int RunCheck(Arguments arguments) {
  CheckFlags wanted;
  Flags flags("netpoll check",
              "Explores every interleaving of every configuration of the "
              "matrix, on the shipped\nsource. Prints the certificate, or a "
              "shortest counterexample of a broken property.");
  wanted.only.AddFlag(flags, "the configurations to explore: all");
  flags.Switch("list", &wanted.list,
               "print the names of the configurations, and what they are");
  flags.Switch("deep", &wanted.deep, "the large configurations as well");
  flags.Text("mutant", "ROW", &wanted.mutant,
             "explore this mutant instead of the shipped source");
  flags.Count("workers", "N", &wanted.workers, 1, 256,
              "configurations explored at once");
  flags.Switch("no-reduction", &wanted.no_reduction,
               "leave out the comparison with a reduced search");
  flags.Switch("all", &wanted.all,
               "print each counterexample, and not the shortest alone");
  flags.Switch("anew", &wanted.anew,
               "explore also what held before and includes nothing that was "
               "changed since");
  flags.Switch("json", &wanted.json, "print one JSON object");
  flags.Text("html", "DIR|FILE.html", &wanted.html,
             "write pages for a browser: a folder about everything, also when "
             "all holds, or the shortest counterexample alone");
  flags.Text("trace", "FILE", &wanted.trace,
             "write the shortest counterexample as a trace: FILE.json for "
             "Perfetto's UI, else text that replay compares");
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
  flags.Example("netpoll check --html report");
  flags.Example("netpoll check --only 'read-*' --html broken.html");
  if (const auto status = flags.Parse(arguments)) return *status;
  const Variant* const variant = FindVariantOrExplain(
      flags, wanted.mutant.empty() ? "shipped" : wanted.mutant);
  if (variant == nullptr) return kExitBadUse;
  if (wanted.list) {
    const std::string in_vain = InVain(wanted.only, variant->scenarios);
    if (!in_vain.empty()) return NoSuchConfiguration(flags, *variant, in_vain);
    return List(*variant, wanted);
  }
  std::vector<Scenario> selected = Selected(*variant, wanted);
  const std::string in_vain = InVain(wanted.only, selected);
  if (!in_vain.empty()) return NoSuchConfiguration(flags, *variant, in_vain);
  // A weaker order is seen by no interleaving.
  const bool weaker = IsOrder(variant->weakened.how);
  if (wanted.memory_model != kInterleavings || weaker) {
    if (!wanted.trace.empty() ||
        !(wanted.html.empty() || NamesAPage(wanted.html))) {
      return flags.Fail(
          "of execution graphs there is one page, --html FILE.html, and no "
          "folder or trace");
    }
    (void)model::ModelNamed(wanted.memory_model, &wanted.graphs.memory);
    wanted.graphs.json = wanted.json;
    wanted.graphs.all = wanted.all;
    wanted.graphs.html = wanted.html;
    // A bug shows in small ones.
    const bool given = std::any_of(
        arguments.begin(), arguments.end(),
        [](std::string_view word) { return word.starts_with("--graphs"); });
    if (!wanted.mutant.empty() && !given) wanted.graphs.graphs = 4'000;
    return CheckByGraphs(flags, wanted.graphs, *variant, selected);
  }
  return CheckInterleavings(flags, wanted, *variant, std::move(selected));
}

}  // namespace netpoll::tools
