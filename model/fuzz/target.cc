// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/fuzz/target.h"

#include <algorithm>
#include <utility>

namespace netpoll::model {
namespace {

constexpr std::size_t kHeader = 2;
constexpr std::size_t kSeedBytes = 8;

}  // namespace

Target::Target(std::vector<const Scenario*> scenarios,
               void (*on_new_state)(std::uint64_t hash))
    : scenarios_(std::move(scenarios)),
      fuzzers_(scenarios_.size()),
      runs_(scenarios_.size()),
      on_new_state_(on_new_state) {}

Target::Outcome Target::Run(const std::uint8_t* bytes, std::size_t size) {
  Outcome outcome;
  if (scenarios_.empty()) return outcome;
  const std::uint8_t first = size > 0 ? bytes[0] : 0;
  const std::uint8_t manner = size > 1 ? bytes[1] : 0;
  const std::size_t number = first % scenarios_.size();
  outcome.scenario = scenarios_[number];
  ++runs_[number];
  auto& fuzzer = fuzzers_[number];
  if (fuzzer == nullptr) {
    fuzzer = std::make_unique<ScheduleFuzzer>(*outcome.scenario);
    fuzzer->on_new_state = on_new_state_;
  }
  const std::uint8_t* const rest = bytes + std::min(size, kHeader);
  const std::size_t left = size - std::min(size, kHeader);
  if (manner % 2 == 0) {
    outcome.run = fuzzer->Run(rest, left);
  } else {
    std::uint64_t seed = 0;
    for (std::size_t i = 0; i < std::min(left, kSeedBytes); ++i) {
      seed |= std::uint64_t{rest[i]} << (8 * i);
    }
    outcome.run = fuzzer->RunPriorities(seed, manner / 2 % 8);
  }
  outcome.plain = {first, 0};
  outcome.plain.insert(outcome.plain.end(), outcome.run.bytes.begin(),
                       outcome.run.bytes.end());
  return outcome;
}

bool Target::Breaks(const Bytes& bytes, const std::string& violation) {
  return Run(bytes).run.violation == violation;
}

Bytes Target::Shrink(Bytes bytes, const std::string& violation) {
  for (bool smaller = true; smaller;) {
    smaller = false;
    // Stretches out, long ones first.
    for (std::size_t length = bytes.size() / 2; length > 0; length /= 2) {
      for (std::size_t at = kHeader; at + length <= bytes.size();) {
        Bytes without = bytes;
        const auto begin = without.begin() + static_cast<std::ptrdiff_t>(at);
        without.erase(begin, begin + static_cast<std::ptrdiff_t>(length));
        if (Breaks(without, violation)) {
          bytes = std::move(without);
          smaller = true;
        } else {
          at += length;
        }
      }
    }
    // Switches out.
    for (std::size_t at = kHeader; at < bytes.size(); ++at) {
      if (bytes[at] == 0) continue;
      const std::uint8_t was = std::exchange(bytes[at], std::uint8_t{0});
      if (Breaks(bytes, violation)) {
        smaller = true;
      } else {
        bytes[at] = was;
      }
    }
  }
  return bytes;
}

int Target::NumberOf(const std::string& configuration) const {
  for (std::size_t i = 0; i < scenarios_.size(); ++i) {
    if (scenarios_[i]->name == configuration) return static_cast<int>(i);
  }
  return -1;
}

std::uint64_t Target::states_seen(std::size_t number) const {
  const auto& fuzzer = fuzzers_[number];
  return fuzzer == nullptr ? 0 : fuzzer->states_seen();
}

std::uint64_t Target::states_seen() const {
  std::uint64_t states = 0;
  for (std::size_t i = 0; i < size(); ++i) states += states_seen(i);
  return states;
}

std::vector<const Scenario*> Fuzzed(const Variant& variant) {
  std::vector<const Scenario*> fuzzed;
  for (const bool huge : {true, false}) {
    for (const Scenario& scenario : variant.scenarios) {
      if (scenario.huge == huge) fuzzed.push_back(&scenario);
    }
  }
  return fuzzed;
}

const Variant* Canary() {
  for (const Variant& variant : Variants()) {
    if (variant.name == "canary") return &variant;
  }
  return nullptr;
}

}  // namespace netpoll::model
