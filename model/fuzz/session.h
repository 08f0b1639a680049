// SPDX-License-Identifier: Apache-2.0
//
// A fuzzer of schedules without a fuzzing engine: random runs, and changes of
// inputs that led to states nobody had seen. The same seed and the same number
// of runs give the same result.

#ifndef NETPOLL_MODEL_FUZZ_SESSION_H_
#define NETPOLL_MODEL_FUZZ_SESSION_H_

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "netpoll/model/fuzz/target.h"

namespace netpoll::model {

class Session {
 public:
  Session(Target& target, std::uint64_t seed)
      : target_(target), random_(seed) {}

  // One run. What broke a property is as small as could be made.
  Target::Outcome Step();
  // The same, of an input that was kept before.
  Target::Outcome Step(const Bytes& bytes);

  std::uint64_t runs() const { return runs_; }
  std::size_t corpus() const { return corpus_.size(); }

 private:
  Bytes Next();
  Bytes Random();
  Bytes Changed(Bytes bytes);
  std::uint64_t Below(std::uint64_t limit) { return random_() % limit; }

  Target& target_;
  std::mt19937_64 random_;
  std::vector<Bytes> corpus_;
  std::uint64_t runs_ = 0;
};

// Runs until a property breaks, `most` runs are done or `go_on` says no.
Target::Outcome RunUntilBroken(Session& session, std::uint64_t most,
                               const std::function<bool()>& go_on = nullptr);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_FUZZ_SESSION_H_
