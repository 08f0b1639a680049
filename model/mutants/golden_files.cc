// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/mutants/golden_files.h"

#include <sstream>

#include "netpoll/model/report/kills.h"

namespace netpoll::model {
namespace {

constexpr char kBegin[] = "<!-- begin: written by write_golden -->\n";
constexpr char kEnd[] = "<!-- end -->\n";

}  // namespace

Reasons ParseReasons(const std::string& text) {
  Reasons reasons;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(": ");
    if (line.empty() || line[0] == '#' || colon == std::string::npos) continue;
    reasons[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return reasons;
}

std::vector<std::string> Configurations() {
  std::vector<std::string> names;
  for (const Scenario& scenario : Shipped()->scenarios) {
    if (scenario.small()) names.push_back(scenario.name);
  }
  return names;
}

std::string FamiliesGolden() {
  std::string out =
      "# Configuration, and its family: a mutant is compiled with those in\n"
      "# which it dies.\n\n";
  for (const Scenario& scenario : Shipped()->scenarios) {
    out += scenario.name + " " + scenario.family + "\n";
  }
  return out;
}

std::map<std::string, std::set<std::string>> KilledIn(
    const std::string& golden) {
  std::map<std::string, std::set<std::string>> all;
  for (const KilledMutant& mutant : ReadKills(golden)) {
    std::set<std::string>& in = all[mutant.name];
    for (const Kill& kill : mutant.kills) in.insert(kill.configuration);
  }
  return all;
}

std::string WithTable(const std::string& page, const std::string& table) {
  const auto begin = page.find(kBegin);
  const auto end = page.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos) return "";
  return page.substr(0, begin) + kBegin + "\n" + table + "\n" +
         page.substr(end);
}

}  // namespace netpoll::model
