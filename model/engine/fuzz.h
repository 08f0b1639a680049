// SPDX-License-Identifier: Apache-2.0
//
// Schedules from bytes. One byte a choice: 0 stays on the current thread, so
// that a shrinker that zeroes bytes removes switches. The same bytes drive a
// fuzzer, a property test and the replay.

#ifndef NETPOLL_MODEL_ENGINE_FUZZ_H_
#define NETPOLL_MODEL_ENGINE_FUZZ_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "netpoll/model/engine/explore.h"

namespace netpoll::model {

struct FuzzRun {
  std::string violation;
  std::vector<Choice> schedule;
  // Bytes that make the same choices, however they were made here.
  std::vector<std::uint8_t> bytes;
  std::size_t new_states = 0;  // States never seen before: coverage.
};

class ScheduleFuzzer {
 public:
  explicit ScheduleFuzzer(const Scenario& scenario);

  // Runs until the bytes are used up and everybody rests, or a law breaks.
  FuzzRun Run(const std::uint8_t* bytes, std::size_t size);

  // Random threads with priorities and `changes` points at which the running
  // thread's priority drops: finds a bug of that depth with a probability that
  // does not depend on luck with every single step.
  FuzzRun RunPriorities(std::uint64_t seed, int changes);

  // Never more than there were: states whose hashes collide count once.
  std::uint64_t states_seen() const { return states_seen_; }
  Exploration& exploration() { return exploration_; }

  // Gets the hash of each new state. A coverage-guided fuzzer counts them.
  void (*on_new_state)(std::uint64_t hash) = nullptr;

 private:
  template <class Choose>
  FuzzRun Drive(Choose choose);
  bool Seen(std::uint64_t hash);

  Exploration exploration_;
  std::vector<std::uint64_t> seen_;  // A bit for each hash, of 27 bits.
  std::uint64_t states_seen_ = 0;
  std::uint64_t longest_ = 20;  // Steps of a run so far.
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_FUZZ_H_
