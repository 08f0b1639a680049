// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/kills.h"

#include <algorithm>
#include <cstddef>

namespace netpoll::model {
namespace {

Kill ReadKill(std::string_view line) {
  Kill kill;
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  kill.configuration = std::string(line.substr(0, line.find(' ')));
  line.remove_prefix(kill.configuration.size());
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::size_t steps = line.find(" steps, ");
  if (steps != std::string_view::npos) {
    for (const char c : line.substr(0, steps)) {
      kill.steps = kill.steps * 10 + (c - '0');
    }
    line.remove_prefix(steps + 8);
  }
  kill.law = std::string(line);
  return kill;
}

}  // namespace

std::vector<KilledMutant> ReadKills(std::string_view golden) {
  std::vector<KilledMutant> mutants;
  while (!golden.empty()) {
    const std::string_view line = golden.substr(0, golden.find('\n'));
    golden.remove_prefix(std::min(line.size() + 1, golden.size()));
    if (line.starts_with("# Configuration")) break;
    if (line.empty() || line[0] == '#' || line == "  SURVIVES") continue;
    if (line[0] != ' ') {
      mutants.push_back({std::string(line), {}});
    } else if (!mutants.empty()) {
      mutants.back().kills.push_back(ReadKill(line));
    }
  }
  return mutants;
}

}  // namespace netpoll::model
