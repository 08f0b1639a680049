// SPDX-License-Identifier: Apache-2.0
//
// One access made weaker than it is written, by its site: a mutant without a
// patch. The seam over the explorer asks before each access of a thread; what a
// world does while it is built is as it is written.

#ifndef NETPOLL_MODEL_ENGINE_WEAKEN_H_
#define NETPOLL_MODEL_ENGINE_WEAKEN_H_

#include <cstdint>
#include <string>

namespace netpoll::model {

enum class Weakness : std::uint8_t {
  kNone,
  kSplit,     // A read and, later, a write, where it is one step.
  kBlind,     // A compare-exchange that does not compare.
  kDropped,   // A write that does not take place.
  kUnlocked,  // A critical section without its lock.
};

inline constexpr Weakness kWeaknesses[] = {Weakness::kSplit, Weakness::kBlind,
                                           Weakness::kDropped,
                                           Weakness::kUnlocked};

constexpr const char* Name(Weakness how) {
  constexpr const char* kNames[] = {"none", "split", "blind", "dropped",
                                    "unlocked"};
  return kNames[static_cast<int>(how)];
}

// Of a world (World::Weaken).
struct Weakened {
  std::string site;
  Weakness how = Weakness::kNone;
};

// Of the world whose thread runs.
Weakness WeaknessOf(const char* site);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_WEAKEN_H_
