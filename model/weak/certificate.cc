// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/weak/certificate.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "netpoll/model/engine/explore.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {
namespace {

// Beyond this a configuration is said to have more.
constexpr std::uint64_t MostGraphs(Size size) {
  switch (size) {
    case Size::kTwoOrThreeThreads:
      return 400'000;
    case Size::kMoreThreads:
      return 4'000'000;
    case Size::kOverSystems:
      return 120'000;
  }
  return 0;
}

// Of those that have more, once that is on file.
constexpr std::uint64_t kFew = 40'000;

// Of two and three threads, seen to their end with those of more.
constexpr struct {
  std::string_view name;
  std::uint64_t graphs;
} kLong[] = {{"lock-word-try", 6'000'000}, {"lock-word-three", 18'000'000}};

// How many graphs one of these has at most; 0: it is none.
std::uint64_t LongOne(Size size, std::string_view name) {
  for (const auto& longer : kLong) {
    if (size == Size::kMoreThreads && name == longer.name) return longer.graphs;
  }
  return 0;
}

std::uint64_t MostGraphs(Size size, std::string_view name) {
  const std::uint64_t longer = LongOne(size, name);
  return longer != 0 ? longer : MostGraphs(size);
}

std::string Line(const char* name, const std::string& model,
                 const std::string& complete, const std::string& blocked,
                 const std::string& wasted, const std::string& looked_at) {
  char line[160];
  std::snprintf(line, sizeof line, "%-26s %-5s %10s %10s %7s %11s\n", name,
                model.c_str(), complete.c_str(), blocked.c_str(),
                wasted.c_str(), looked_at.c_str());
  return line;
}

bool Fits(const Scenario& scenario, Size size) {
  if (!scenario.small()) return false;
  if (scenario.interleaved) return size == Size::kOverSystems;
  if (size == Size::kOverSystems) return false;
  if (LongOne(size, scenario.name) != 0) return true;
  const int threads = Exploration(scenario).tables().thread_count();
  return size == Size::kMoreThreads ? threads > 3
                                    : threads == 2 || threads == 3;
}

std::string HasMore(const Scenario& scenario, MemoryModel model) {
  return Line(scenario.name.c_str(), Name(model), "more", "more", "-", "-");
}

std::string LineOf(const Scenario& scenario, MemoryModel model, int workers,
                   std::uint64_t most) {
  WeakLimits limits;
  limits.graphs = most;
  const WeakResult result = ExploreGraphsOf(scenario, model, limits, workers);
  if (!result.violation.empty()) {
    return scenario.name + " " + Name(model) + " " + result.violation + "\n";
  }
  if (!result.complete || result.explored >= most) {
    return HasMore(scenario, model);
  }
  return Line(scenario.name.c_str(), Name(model),
              std::to_string(result.complete_graphs),
              std::to_string(result.blocked_graphs),
              std::to_string(result.wasted_graphs),
              std::to_string(result.explored));
}

}  // namespace

std::vector<std::string> ConfigurationsOf(Size size) {
  std::vector<std::string> names;
  for (const Scenario& scenario : Variants().front().scenarios) {
    if (Fits(scenario, size)) names.push_back(scenario.name);
  }
  return names;
}

std::string WeakCertificate(const std::vector<std::string>& configurations,
                            Size size, int workers,
                            const std::string& on_file) {
  std::string out = Line("configuration", "model", "complete", "blocked",
                         "wasted", "looked at");
  int all = 0;
  int ended = 0;
  for (const Scenario& scenario : Variants().front().scenarios) {
    if (std::find(configurations.begin(), configurations.end(),
                  scenario.name) == configurations.end()) {
      continue;
    }
    for (const MemoryModel model :
         {MemoryModel::kSc, MemoryModel::kTso, MemoryModel::kRc11}) {
      if (size != Size::kTwoOrThreeThreads && model != MemoryModel::kRc11) {
        continue;
      }
      const bool more =
          on_file.find("\n" + HasMore(scenario, model)) != std::string::npos;
      const std::string line =
          LineOf(scenario, model, workers,
                 more ? kFew : MostGraphs(size, scenario.name));
      out += line;
      if (model != MemoryModel::kRc11) continue;
      ++all;
      if (line.find(" more ") == std::string::npos) ++ended;
    }
  }
  return out + "# under rc11 " + std::to_string(ended) + " of " +
         std::to_string(all) + " to the end, the others at most " +
         std::to_string(MostGraphs(size)) + " graphs\n";
}

}  // namespace netpoll::model
