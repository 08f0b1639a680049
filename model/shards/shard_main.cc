// SPDX-License-Identifier: Apache-2.0
//
// shard tables CONFIGURATION SHARDS FOLDER [STATES]
// shard round CONFIGURATION SHARDS FOLDER ROUND SHARD
//     A step of a search in shards (shard.h), for a build's actions:
//     shards.bzl.
// shard run CONFIGURATION SHARDS FOLDER [STATES]
//     All of it on this machine, a process for each shard.
//
// Exit status 0, 1 if a law is broken, 2 for bad use or a file that is wrong.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "netpoll/model/shards/rounds.h"

namespace netpoll::model {
namespace {

constexpr std::uint64_t kFirstStates = 100'000;
constexpr int kMostShards = 4096;

int Fail(const std::string& what) {
  std::fprintf(stderr, "shard: %s\n", what.c_str());
  return 2;
}

const Scenario* Find(const std::string& name) {
  for (const Variant& variant : Variants()) {
    if (variant.name != "shipped") continue;
    for (const Scenario& scenario : variant.scenarios) {
      if (scenario.name == name) return &scenario;
    }
  }
  return nullptr;
}

// -1: it is no number.
long long Number(const std::string& text) {
  char* end = nullptr;
  const long long number = std::strtoll(text.c_str(), &end, 10);
  return text.empty() || *end != '\0' ? -1 : number;
}

unsigned long long Number(std::uint64_t number) { return number; }

int Broken(const ShardPlan& plan, const std::string& law) {
  std::fprintf(stderr, "%s: %s\n  netpoll check --deep --only %s\n",
               plan.scenario->name.c_str(), law.c_str(),
               plan.scenario->name.c_str());
  return 1;
}

int RunAll(const ShardPlan& plan, std::uint64_t states) {
  const auto start = std::chrono::steady_clock::now();
  const ShardRun run =
      RunShards(plan, states, [](int round, const ShardTotal& total) {
        std::fprintf(stderr, "round %d: %llu states, %llu wait, %llu bytes\n",
                     round, Number(total.counts.states), Number(total.waiting),
                     Number(total.bytes_sent));
      });
  if (!run.failure.empty()) return Fail(run.failure);
  if (!run.violation.empty()) return Broken(plan, run.violation);
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  const ShardCounts& counts = run.total.counts;
  std::printf(
      "%s: %llu states, %llu transitions, %llu at rest; %d shards, %d rounds, "
      "%d bytes a state, %llu states and %llu bytes sent, %.0f s\n",
      plan.scenario->name.c_str(), Number(counts.states),
      Number(counts.transitions), Number(counts.at_rest), plan.shards,
      run.rounds, run.total.bytes, Number(counts.sent), Number(run.bytes_sent),
      taken.count());
  return 0;
}

int Main(const std::vector<std::string>& arguments) {
  const std::string what = arguments.empty() ? "" : arguments[0];
  const bool round = what == "round";
  const std::size_t count = arguments.size();
  const bool fits =
      round ? count == 6
            : (what == "tables" || what == "run") && (count == 4 || count == 5);
  if (!fits) {
    return Fail(
        "use: shard tables|run CONFIGURATION SHARDS FOLDER [STATES], or "
        "shard round CONFIGURATION SHARDS FOLDER ROUND SHARD");
  }
  ShardPlan plan;
  plan.scenario = Find(arguments[1]);
  if (plan.scenario == nullptr) {
    return Fail("no configuration is named \"" + arguments[1] + "\"");
  }
  const long long shards = Number(arguments[2]);
  if (shards < 1 || shards > kMostShards) {
    return Fail("SHARDS is a number from 1 to " + std::to_string(kMostShards) +
                ", not \"" + arguments[2] + "\"");
  }
  plan.shards = static_cast<int>(shards);
  plan.folder = arguments[3];
  std::vector<long long> numbers;
  for (std::size_t i = 4; i < count; ++i) {
    numbers.push_back(Number(arguments[i]));
    if (numbers.back() < 0) {
      return Fail("\"" + arguments[i] + "\" is not a number");
    }
  }
  if (round) {
    if (numbers[0] < 1 || numbers[1] >= shards) {
      return Fail("ROUND begins with 1, and SHARD is below SHARDS");
    }
    const std::string law = RunRound(plan, static_cast<int>(numbers[0]),
                                     static_cast<int>(numbers[1]));
    return law.empty() ? 0 : Broken(plan, law);
  }
  const std::uint64_t states =
      numbers.empty() ? kFirstStates : static_cast<std::uint64_t>(numbers[0]);
  if (what == "run") return RunAll(plan, states);
  MakeTables(plan, states);
  return 0;
}

}  // namespace
}  // namespace netpoll::model

int main(int argc, char** argv) {
  try {
    return netpoll::model::Main({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    return netpoll::model::Fail(error.what());
  }
}
