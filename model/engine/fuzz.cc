// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/fuzz.h"

#include <algorithm>
#include <random>

namespace netpoll::model {
namespace {

constexpr int kMostSteps = 2000;
constexpr int kSeenBits = 27;

std::uint64_t Hash(const std::vector<Value>& state) {
  std::uint64_t hash = 0x9e3779b97f4a7c15u;
  for (const Value value : state) {
    hash = (hash ^ value) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 29;
  }
  return hash * 0x9e3779b97f4a7c15u;
}

// The byte that chooses `index` among `count` threads, and the branch.
std::uint8_t ByteFor(std::size_t index, std::size_t count, int branch,
                     int branches, bool stays) {
  if (stays && branch == 0) return 0;
  std::size_t byte = index + count * static_cast<std::size_t>(branch);
  // 0 would mean to stay: the branch counts modulo their number.
  if (byte == 0) byte = count * static_cast<std::size_t>(branches);
  return static_cast<std::uint8_t>(byte);
}

}  // namespace

ScheduleFuzzer::ScheduleFuzzer(const Scenario& scenario)
    : exploration_(scenario), seen_(std::size_t{1} << (kSeenBits - 6)) {}

// True if it was not there before.
bool ScheduleFuzzer::Seen(std::uint64_t hash) {
  hash >>= 64 - kSeenBits;
  std::uint64_t& word = seen_[hash >> 6];
  const std::uint64_t bit = std::uint64_t{1} << (hash & 63);
  if ((word & bit) != 0) return false;
  word |= bit;
  ++states_seen_;
  return true;
}

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
    std::vector<int> enabled;
    for (int step = 0; step < kMostSteps; ++step) {
      enabled.clear();
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
      const int branches = stepper.Branches(state.data(), thread);
      const int branch = way % branches;
      const auto index = static_cast<std::size_t>(
          std::find(enabled.begin(), enabled.end(), thread) - enabled.begin());
      run.bytes.push_back(
          ByteFor(index, enabled.size(), branch, branches, thread == last));
      run.schedule.push_back({static_cast<std::uint8_t>(thread),
                              static_cast<std::uint8_t>(branch)});
      stepper.Take(state.data(), thread, branch, next.data());
      last = thread;
      state.swap(next);
      if (!stepper.broken()) stepper.CheckState(state.data());
      if (stepper.broken()) break;
      const std::uint64_t hash = Hash(state);
      if (Seen(hash)) {
        ++run.new_states;
        if (on_new_state != nullptr) on_new_state(hash);
      }
    }
    run.violation = stepper.violation();
    longest_ = std::max<std::uint64_t>(longest_, run.schedule.size());
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
  for (int i = 0; i < changes; ++i) points.push_back(random() % longest_);
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

}  // namespace netpoll::model
