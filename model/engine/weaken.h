// SPDX-License-Identifier: Apache-2.0
//
// One access made weaker than it is written, by its site: a mutant without a
// patch. The seam over the explorer asks before each access.

#ifndef NETPOLL_MODEL_ENGINE_WEAKEN_H_
#define NETPOLL_MODEL_ENGINE_WEAKEN_H_

#include <cstdint>
#include <string>

namespace netpoll_model {

enum class Weakness : std::uint8_t {
  kNone,
  kSplit,     // A read and, later, a write, where it is one step.
  kBlind,     // A compare-exchange that does not compare.
  kDropped,   // A write that does not take place.
  kUnlocked,  // A critical section without its lock.
};

struct Weakened {
  std::string site;
  Weakness how = Weakness::kNone;
};

// At most one at a time, of the whole program. Set between explorations.
inline Weakened weakened;

// Of threads only: a world is built as it is written.
Weakness WeaknessOf(const char* site);

}  // namespace netpoll_model

#endif  // NETPOLL_MODEL_ENGINE_WEAKEN_H_
