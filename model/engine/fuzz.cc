// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/fuzz.h"

#include <algorithm>
#include <random>

namespace netpoll_model {
namespace {

constexpr int kMostSteps = 2000;

std::uint64_t Hash(const std::vector<Value>& state) {
  std::uint64_t hash = 0x9e3779b97f4a7c15u;
  for (const Value value : state) {
    hash = (hash ^ value) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace

ScheduleFuzzer::ScheduleFuzzer(const Scenario& scenario)
    : exploration_(scenario) {}

// `choose` gets the enabled threads, the thread that moved last and the state
// of mandatory ones; it answers a thread, or -1 to stop.
template <class Choose>
FuzzRun ScheduleFuzzer::Drive(Choose choose) {
  FuzzRun run;
  exploration_.WithTables([&](Tabulator& tables) {
    run = {};
    constexpr int kSpare = 64;
    Stepper stepper(tables, tables.thread_count() + kSpare);
    std::vector<Value> state = stepper.Initial();
    std::vector<Value> next(state.size());
    int last = -1;
    for (int step = 0; step < kMostSteps; ++step) {
      std::vector<int> enabled;
      bool rests = true;
      for (int thread = 0; thread < tables.thread_count(); ++thread) {
        if (!stepper.Enabled(state.data(), thread)) continue;
        enabled.push_back(thread);
        if (!stepper.Optional(state.data(), thread)) rests = false;
      }
      if (stepper.Stopped(state.data())) break;
      if (rests) stepper.CheckRest(state.data());
      if (enabled.empty() || stepper.broken()) break;
      const auto [thread, way] = choose(enabled, last);
      if (thread < 0) break;
      const int branch = way % stepper.Branches(state.data(), thread);
      run.schedule.push_back({static_cast<std::uint8_t>(thread),
                              static_cast<std::uint8_t>(branch)});
      stepper.Take(state.data(), thread, branch, next.data());
      last = thread;
      state = next;
      if (!stepper.broken()) stepper.CheckState(state.data());
      if (stepper.broken()) break;
      if (seen_.insert(Hash(state)).second) ++run.new_states;
    }
    run.violation = stepper.violation();
  });
  return run;
}

FuzzRun ScheduleFuzzer::Run(const std::uint8_t* bytes, std::size_t size) {
  std::size_t at = 0;
  return Drive([&](const std::vector<int>& enabled, int last) {
    const bool can_stay =
        std::find(enabled.begin(), enabled.end(), last) != enabled.end();
    if (at >= size) {
      // Used up: everybody runs on as long as possible, stimuli included.
      return std::pair<int, int>(can_stay ? last : enabled[0], 0);
    }
    const std::uint8_t byte = bytes[at++];
    if (byte == 0 && can_stay) return std::pair<int, int>(last, 0);
    const std::size_t index = byte % enabled.size();
    return std::pair<int, int>(enabled[index],
                               static_cast<int>(byte / enabled.size()));
  });
}

FuzzRun ScheduleFuzzer::RunPriorities(std::uint64_t seed, int changes) {
  std::mt19937_64 random(seed);
  int priorities[16];
  for (int& priority : priorities) {
    priority = 1000 + static_cast<int>(random() % 1000);
  }
  std::vector<std::uint64_t> points;
  for (int i = 0; i < changes; ++i) points.push_back(random() % 80);
  std::uint64_t step = 0;
  return Drive([&](const std::vector<int>& enabled, int last) {
    if (last >= 0 &&
        std::find(points.begin(), points.end(), step) != points.end()) {
      priorities[last] = -static_cast<int>(step);
    }
    ++step;
    const int best = *std::max_element(
        enabled.begin(), enabled.end(),
        [&](int a, int b) { return priorities[a] < priorities[b]; });
    return std::pair<int, int>(best, static_cast<int>(random() % 8));
  });
}

}  // namespace netpoll_model
