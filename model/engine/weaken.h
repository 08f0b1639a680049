// SPDX-License-Identifier: Apache-2.0
//
// One access made weaker than it is written, by its site: a mutant without a
// patch. The seam over the explorer asks before each access of a thread; what a
// world does while it is built is as it is written.
//
// A site may have several accesses, as a retry loop has a load and an exchange:
// "commit.word cas" names one of them, "commit.word" both, "*" all of all
// sites. Of a weaker memory order the interleaving search sees nothing: it is
// for the searches over execution graphs.

#ifndef NETPOLL_MODEL_ENGINE_WEAKEN_H_
#define NETPOLL_MODEL_ENGINE_WEAKEN_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace netpoll::model {

enum class Weakness : std::uint8_t {
  kNone,
  kSplit,     // A read and, later, a write, where it is one step.
  kBlind,     // A compare-exchange that does not compare.
  kDropped,   // A write that does not take place.
  kUnlocked,  // A critical section without its lock.
  // A memory order that is at most this one.
  kRelaxed,
  kAcquire,
  kRelease,
  kAcqRel,
};

inline constexpr Weakness kWeaknesses[] = {Weakness::kSplit, Weakness::kBlind,
                                           Weakness::kDropped,
                                           Weakness::kUnlocked};

// From the weakest on.
inline constexpr Weakness kWeakerOrders[] = {
    Weakness::kRelaxed, Weakness::kAcquire, Weakness::kRelease,
    Weakness::kAcqRel};

constexpr const char* Name(Weakness how) {
  constexpr const char* kNames[] = {"none",    "split",    "blind",
                                    "dropped", "unlocked", "relaxed",
                                    "acquire", "release",  "acq_rel"};
  return kNames[static_cast<int>(how)];
}

constexpr bool IsOrder(Weakness how) { return how >= Weakness::kRelaxed; }

// `how`, or kNone for what is no name.
constexpr Weakness WeaknessNamed(std::string_view name) {
  for (const Weakness how : kWeaknesses) {
    if (name == Name(how)) return how;
  }
  for (const Weakness how : kWeakerOrders) {
    if (name == Name(how)) return how;
  }
  return Weakness::kNone;
}

// Of a world (World::Weaken).
struct Weakened {
  std::string site;  // "SITE", "SITE OPERATION" or "*".
  Weakness how = Weakness::kNone;
};

// Of the world whose thread runs; what concerns a memory order is kNone here.
Weakness WeaknessOf(const char* site);

// The memory order of an access of the thread that runs, by the seam's numbers,
// as it is written or weaker; `operation` is Name(Op).
std::uint8_t OrderOf(const char* site, const char* operation,
                     std::uint8_t written);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_WEAKEN_H_
