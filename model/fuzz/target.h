// SPDX-License-Identifier: Apache-2.0
//
// What every fuzzer of schedules runs: bytes that choose a configuration, a
// manner, and then the thread of each step.
//
//   byte 0   the configuration
//   byte 1   even: the bytes that follow are the schedule, one for each step; 0
//            stays on the thread that moved last, and when they are used up
//            everybody goes on as long as possible
//            odd: threads have random priorities, and the next 8 bytes are the
//            seed; the other bits say at how many points a priority drops

#ifndef NETPOLL_MODEL_FUZZ_TARGET_H_
#define NETPOLL_MODEL_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "netpoll/model/engine/fuzz.h"

namespace netpoll::model {

using Bytes = std::vector<std::uint8_t>;

class Target {
 public:
  // The scenarios outlive the target.
  explicit Target(std::vector<const Scenario*> scenarios,
                  void (*on_new_state)(std::uint64_t hash) = nullptr);

  struct Outcome {
    const Scenario* scenario = nullptr;
    FuzzRun run;
    // Input that makes the same choices, byte by byte.
    Bytes plain;

    bool broken() const { return !run.violation.empty(); }
  };
  Outcome Run(const std::uint8_t* bytes, std::size_t size);
  Outcome Run(const Bytes& bytes) { return Run(bytes.data(), bytes.size()); }

  // Input that breaks the same property, with fewer switches and bytes. `bytes`
  // is plain.
  Bytes Shrink(Bytes bytes, const std::string& violation);

  // At most 256: one byte chooses.
  std::size_t size() const { return scenarios_.size(); }
  const Scenario& scenario(std::size_t number) const {
    return *scenarios_[number];
  }
  int NumberOf(const std::string& configuration) const;  // -1: none.
  std::uint64_t runs(std::size_t number) const { return runs_[number]; }
  std::uint64_t states_seen(std::size_t number) const;
  std::uint64_t states_seen() const;  // Of all.

 private:
  bool Breaks(const Bytes& bytes, const std::string& violation);

  std::vector<const Scenario*> scenarios_;
  std::vector<std::unique_ptr<ScheduleFuzzer>> fuzzers_;
  std::vector<std::uint64_t> runs_;
  void (*const on_new_state_)(std::uint64_t hash);
};

// The configurations to fuzz: those too large to exhaust, then the others.
std::vector<const Scenario*> Fuzzed(const Variant& variant);

// A mutant that every fuzzer must find before it is believed; null if it is not
// linked in.
const Variant* Canary();

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_FUZZ_TARGET_H_
