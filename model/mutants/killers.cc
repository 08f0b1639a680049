// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/mutants/killers.h"

#include <sstream>
#include <utility>

#include "netpoll/model/report/kills.h"

namespace netpoll::model {

std::map<std::string, std::set<std::string>> KillingFamilies(
    std::string_view matrix, std::string_view closed,
    const std::string& families) {
  std::map<std::string, std::string> family_of;
  std::istringstream pairs(families);
  for (std::string line; std::getline(pairs, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string configuration;
    words >> configuration >> family_of[configuration];
  }
  std::map<std::string, std::set<std::string>> all;
  for (const KilledMutant& mutant : ReadKills(matrix)) {
    std::set<std::string> killing;
    bool known = !mutant.kills.empty();
    for (const Kill& kill : mutant.kills) {
      const auto family = family_of.find(kill.configuration);
      known = known && family != family_of.end();
      if (known) killing.insert(family->second);
    }
    if (known) all[mutant.name] = std::move(killing);
  }
  // Whom no closed one kills has a reason in its place.
  std::istringstream rows{std::string(closed)};
  for (std::string line; std::getline(rows, line);) {
    std::istringstream words(line);
    std::string name;
    std::string configuration;
    words >> name >> configuration;
    const auto mutant = all.find(name);
    const auto family = family_of.find(configuration);
    if (mutant != all.end() && family != family_of.end()) {
      mutant->second.insert(family->second);
    }
  }
  return all;
}

}  // namespace netpoll::model
