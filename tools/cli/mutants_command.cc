// SPDX-License-Identifier: Apache-2.0
//
// netpoll mutants: runs every known bug through the matrix, and prints which
// configuration finds which.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/model/mutants/matrix.h"
#include "netpoll/tools/cli/choice.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/model_files.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/interruption.h"
#include "netpoll/tools/common/progress_line.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {
namespace {

using model::Cell;
using model::MutantResult;
using model::Variant;

void PrintMutant(const MutantResult& mutant) {
  const Cell* const cell = mutant.shortest();
  if (cell == nullptr) {
    absl::PrintF("%-34s SURVIVES  %s\n", mutant.name, mutant.about);
    return;
  }
  absl::PrintF("%-34s %2d/%-2d  %d steps in %s (%d states): %s\n", mutant.name,
               mutant.kills(), mutant.cells.size(), cell->length,
               cell->configuration, cell->states, cell->violation);
}

// What a reader wants to know of a few.
void PrintCells(const MutantResult& mutant) {
  absl::PrintF("\n%s: %s\n", mutant.name, mutant.about);
  for (const Cell& cell : mutant.cells) {
    if (!cell.killed()) {
      absl::PrintF("  %-24s survives, %d states\n", cell.configuration,
                   cell.states);
      continue;
    }
    absl::PrintF("  %-24s killed after %d states, %d steps: %s\n",
                 cell.configuration, cell.states, cell.length, cell.violation);
    if (!cell.replay.empty()) absl::PrintF("      %s\n", cell.replay);
  }
}

std::vector<std::string> Configurations(
    const std::vector<MutantResult>& results) {
  std::vector<std::string> names;
  for (const auto& scenario : model::Shipped()->scenarios) {
    for (const MutantResult& mutant : results) {
      bool has = false;
      for (const Cell& cell : mutant.cells) {
        has = has || cell.configuration == scenario.name;
      }
      if (!has) continue;
      names.push_back(scenario.name);
      break;
    }
  }
  return names;
}

int NoSuchMutant(const Flags& flags, const std::string& only) {
  std::vector<std::string_view> names;
  for (const MutantRow& row : MutantRows()) names.push_back(row.name);
  return flags.Fail(absl::StrCat("no mutant is named ", Quoted(only),
                                 DidYouMean(only, names),
                                 "; --list has the names"));
}

int List(const Flags& flags, const Choice& only, bool json) {
  std::vector<Listed> listed;
  std::vector<std::string_view> names;
  for (const MutantRow& row : MutantRows()) {
    names.push_back(row.name);
    if (only.Has(row.name)) listed.push_back({row.name, row.about, ""});
  }
  const std::string in_vain = only.FitsNone(names);
  if (!in_vain.empty()) return NoSuchMutant(flags, in_vain);
  PrintList("mutants", listed, json);
  return kExitOk;
}

}  // namespace

int RunMutants(Arguments arguments) {
  Choice only;
  bool list = false;
  bool json = false;
  model::RunOptions options;
  options.closed = true;
  Flags flags(
      "netpoll mutants",
      "Explores the matrix over every mutant: the source with one known "
      "bug put back.\nThe checker must find each of them, those of runs of "
      "any length in one\nconfiguration.");
  only.AddFlag(flags, "the mutants to run: all");
  flags.Switch("list", &list,
               "print the names of the mutants, and what they are");
  flags.Count("workers", "N", &options.workers, 1, 256,
              "mutants explored at once");
  flags.Switch("json", &json, "print JSON");
  flags.Finding("a mutant survives");
  flags.Example("netpoll mutants");
  flags.Example("netpoll mutants --only 'C1-*'");
  if (const auto status = flags.Parse(arguments)) return *status;

  if (list) return List(flags, only, json);
  std::vector<const Variant*> selected;
  std::vector<std::string_view> names;
  for (const Variant* mutant : model::Mutants()) {
    names.push_back(mutant->name);
    if (!only.Has(mutant->name)) continue;
    selected.push_back(mutant);
  }
  if (names.empty()) {
    return flags.Fail(
        "this program was built without mutants; tools/netpoll builds one with "
        "them, and so does bazel build //tools/cli:netpoll_mutants");
  }
  const std::string in_vain = only.FitsNone(names);
  if (!in_vain.empty()) return NoSuchMutant(flags, in_vain);

  const ProgressLine line;
  std::atomic<int> killed{0};
  std::atomic<int> survive{0};
  const Interruption interruption([&] {
    return absl::StrCat(killed + survive, " of ", selected.size(),
                        " mutants explored, ", killed.load(), " killed, ",
                        survive.load(), " survive");
  });
  options.progress = [&](const MutantResult& mutant, int done, int all) {
    ++(mutant.kills() > 0 ? killed : survive);
    line.Show(absl::StrFormat("%d of %d: %s", done, all, mutant.name));
  };
  const auto start = std::chrono::steady_clock::now();
  const auto results = model::RunMutants(selected, options);
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  line.Clear();

  int survivors = 0;
  for (const MutantResult& mutant : results) survivors += mutant.kills() == 0;
  if (json) {
    std::fputs(model::Json(results).c_str(), stdout);
    return survivors == 0 ? kExitOk : kExitFinding;
  }
  for (const MutantResult& mutant : results) PrintMutant(mutant);
  if (results.size() <= 4) {
    for (const MutantResult& mutant : results) PrintCells(mutant);
  } else {
    absl::PrintF("\n%s", model::Grid(results, Configurations(results)));
  }
  absl::PrintF("\n%d mutants, %d killed, %.1f s\n", results.size(),
               static_cast<int>(results.size()) - survivors, taken.count());
  return survivors == 0 ? kExitOk : kExitFinding;
}

}  // namespace netpoll::tools
