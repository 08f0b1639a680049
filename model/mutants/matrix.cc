// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/mutants/matrix.h"

#include <fnmatch.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <sstream>
#include <utility>

#include "netpoll/model/report/markup.h"

namespace netpoll::model {
namespace {

std::string Steps(const Cell& cell) {
  return cell.length == 0 ? "" : std::to_string(cell.length) + " steps, ";
}

constexpr char kSurvives[] = "none: ";

std::string Padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

}  // namespace

int MutantResult::kills() const {
  return static_cast<int>(std::count_if(
      cells.begin(), cells.end(), [](const Cell& c) { return c.killed(); }));
}

const Cell* MutantResult::shortest() const {
  const Cell* best = nullptr;
  for (const Cell& cell : cells) {
    // A crash has no length: any other kill says more.
    if (!cell.killed()) continue;
    if (best == nullptr || best->length == 0 ||
        (cell.length != 0 && cell.length < best->length)) {
      best = &cell;
    }
  }
  return best;
}

const Variant* Shipped() {
  for (const Variant& variant : Variants()) {
    if (variant.name == "shipped") return &variant;
  }
  return nullptr;
}

std::vector<const Variant*> Mutants() {
  std::vector<const Variant*> mutants;
  for (const Variant& variant : Variants()) {
    // The canary is a row already; it is the fuzzers'.
    if (variant.name != "shipped" && variant.name != "canary")
      mutants.push_back(&variant);
  }
  std::sort(
      mutants.begin(), mutants.end(),
      [](const Variant* a, const Variant* b) { return a->name < b->name; });
  return mutants;
}

std::string Golden(const std::vector<MutantResult>& results,
                   const std::vector<std::string>& configurations,
                   const Reasons& reasons) {
  std::string out =
      "# Mutant: the configurations that kill it, the length of the shortest\n"
      "# counterexample there, and the law that it breaks.\n";
  std::map<std::string, int> kills;
  std::map<std::string, std::vector<std::string>> only;
  for (const MutantResult& mutant : results) {
    out += "\n" + mutant.name + "\n";
    const Cell* last = nullptr;
    for (const Cell& cell : mutant.cells) {
      if (!cell.killed()) continue;
      ++kills[cell.configuration];
      last = &cell;
      out += "  " + Padded(cell.configuration, 23) + " " + Steps(cell) +
             cell.law() + "\n";
    }
    if (last == nullptr) out += "  SURVIVES\n";
    if (mutant.kills() == 1) only[last->configuration].push_back(mutant.name);
  }
  out +=
      "\n# Configuration: how many mutants it kills; those that nothing else\n"
      "# kills, or why it stays.\n\n";
  for (const std::string& configuration : configurations) {
    out +=
        Padded(configuration, 23) + " " + std::to_string(kills[configuration]);
    const auto reason = reasons.find(configuration);
    if (!only[configuration].empty()) {
      out += ", alone:";
      for (const std::string& name : only[configuration]) out += " " + name;
    } else {
      out += ", stays: " +
             (reason == reasons.end() ? "NO REASON GIVEN" : reason->second);
    }
    out += "\n";
  }
  return out;
}

ClosedRow ClosedRowOf(const MutantResult& result, const Reasons& reasons) {
  if (const Cell* const cell = result.shortest()) {
    return {cell->configuration, cell->law()};
  }
  for (const auto& [pattern, reason] : reasons) {
    if (::fnmatch(pattern.c_str(), result.name.c_str(), 0) == 0) {
      return {"", reason};
    }
  }
  return {"", "NO REASON GIVEN"};
}

std::string ClosedGolden(const ClosedRows& rows) {
  std::string out =
      "# Mutant: the first closed configuration that kills it, and the law "
      "that\n"
      "# it breaks there; or why none of them does.\n\n";
  for (const auto& [name, row] : rows) {
    out += Padded(name, 40) + " ";
    out += row.configuration.empty() ? kSurvives
                                     : Padded(row.configuration, 24) + " ";
    out += row.law + "\n";
  }
  return out;
}

ClosedRows ParseClosedGolden(const std::string& text) {
  ClosedRows rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string name;
    ClosedRow row;
    words >> name >> row.configuration;
    std::getline(words >> std::ws, row.law);
    if (row.configuration + " " == kSurvives) row.configuration.clear();
    rows[name] = row;
  }
  return rows;
}

std::string DocsTable(const std::vector<MutantResult>& results) {
  std::string out =
      "| mutant | what went wrong | killed by | shortest | law broken |\n"
      "|---|---|---|---|---|\n";
  for (const MutantResult& mutant : results) {
    const Cell* const cell = mutant.shortest();
    out += "| `" + mutant.name + "` | " + mutant.about + " | ";
    if (cell == nullptr) {
      out += "nothing | | |\n";
      continue;
    }
    out +=
        std::to_string(mutant.kills()) + " | `" + cell->configuration + "`" +
        (cell->length == 0 ? ""
                           : ", " + std::to_string(cell->length) + " steps") +
        " | " + cell->violation + " |\n";
  }
  return out;
}

std::string Grid(const std::vector<MutantResult>& results,
                 const std::vector<std::string>& configurations) {
  std::size_t width = 0;
  for (const MutantResult& mutant : results) {
    width = std::max(width, mutant.name.size() + 1);
  }
  std::string out;
  for (std::size_t i = 0; i < configurations.size(); ++i) {
    out += Padded("", width) + std::string(i, '|') + configurations[i] + "\n";
  }
  for (const MutantResult& mutant : results) {
    out += Padded(mutant.name, width);
    std::map<std::string, const Cell*> by_name;
    for (const Cell& cell : mutant.cells) by_name[cell.configuration] = &cell;
    for (const std::string& configuration : configurations) {
      const auto cell = by_name.find(configuration);
      if (cell == by_name.end()) {
        out += ' ';
      } else {
        out += cell->second->killed() ? 'x' : '.';
      }
    }
    out += "\n";
  }
  return out + "x killed  . survives  (blank: does not contain the source)\n";
}

std::string Json(const std::vector<MutantResult>& results) {
  std::string out = "[";
  for (const MutantResult& mutant : results) {
    out += (&mutant == results.data() ? "\n" : ",\n");
    out += " {\"mutant\": " + JsonText(mutant.name) +
           ", \"about\": " + JsonText(mutant.about) +
           ", \"killed\": " + (mutant.kills() != 0 ? "true" : "false") +
           ", \"cells\": [";
    for (const Cell& cell : mutant.cells) {
      out += (&cell == mutant.cells.data() ? "\n" : ",\n");
      out += "  {\"configuration\": " + JsonText(cell.configuration) +
             ", \"killed\": " + (cell.killed() ? "true" : "false") +
             ", \"states\": " + std::to_string(cell.states);
      if (cell.killed()) {
        out += ", \"steps\": " + std::to_string(cell.length) +
               ", \"law\": " + JsonText(cell.law()) +
               ", \"violation\": " + JsonText(cell.violation) +
               ", \"replay\": " + JsonText(cell.replay);
      }
      out += "}";
    }
    out += "]}";
  }
  return out + "\n]\n";
}

}  // namespace netpoll::model
