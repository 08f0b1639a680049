// SPDX-License-Identifier: Apache-2.0
//
// Whether Run is at work, and for how many: one word, because Run may end only
// when nobody is left, at the same moment.
//
//   phase      kFresh    Run has not been called yet. Begin -> kRunning.
//              kRunning  at work. End -> kEnded, only if `count` is 0;
//                        Abort -> what was before.
//              kEnded    Run has returned. Begin -> kRunning.
//   count      tasks that live, and tasks of other runtimes that wait here.
//              Add, Remove; AddUnlessEnded.
//   background how many of them are tasks that don't keep Run at work. In the
//              same word, so that nobody miscounts who is left.
//
// acq_rel: what a task wrote before it was counted out is seen by whoever finds
// nobody left. Remove and `count` are seq_cst: whoever counts the last one out
// says so afterwards in another word, which Run clears before it counts
// (dispatch.h); one of the two must see the other.

#ifndef NETPOLL_RUNTIME_PROTOCOLS_RUN_WORD_H_
#define NETPOLL_RUNTIME_PROTOCOLS_RUN_WORD_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"

namespace netpoll::internal {

// Who is left when one was counted out.
enum class RunLeft : std::uint8_t {
  kSome,
  kBackground,  // None but tasks that don't keep Run at work.
  kNobody,
};

enum class RunPhase : std::uint8_t { kFresh = 0, kRunning = 1, kEnded = 2 };

template <class Env>
class RunWord {
 public:
  // False: it is at work already.
  bool Begin(RunPhase* before) {
    const auto done = Change("run.begin", [](std::uint64_t word) {
      return Step{PhaseOf(word) != RunPhase::kRunning,
                  WithPhase(word, RunPhase::kRunning)};
    });
    *before = PhaseOf(done.before);
    return done.step.write;
  }
  // False: somebody lives.
  bool End() {
    return word_.CompareExchange("run.end", WithPhase(0, RunPhase::kRunning),
                                 WithPhase(0, RunPhase::kEnded),
                                 Order::kAcqRel);
  }
  void Abort(RunPhase before) {
    Change("run.abort", [before](std::uint64_t word) {
      return Step{true, WithPhase(word, before)};
    });
  }

  void Add() { word_.FetchAdd("run.add", kOne, Order::kAcqRel); }
  bool AddUnlessEnded() {
    const auto done = Change("run.add_guest", [](std::uint64_t word) {
      return Step{PhaseOf(word) != RunPhase::kEnded, word + kOne};
    });
    return done.step.write;
  }
  RunLeft Remove() {
    return LeftIn(word_.FetchAdd("run.remove", 0 - kOne, Order::kSeqCst) -
                  kOne);
  }

  void AddBackground() {
    word_.FetchAdd("run.add_background", kOne + kBackground, Order::kAcqRel);
  }
  RunLeft RemoveBackground() {
    constexpr std::uint64_t kBoth = kOne + kBackground;
    return LeftIn(
        word_.FetchAdd("run.remove_background", 0 - kBoth, Order::kSeqCst) -
        kBoth);
  }
  // Whether Run is at work for nobody but them.
  bool BackgroundAlone() const {
    const std::uint64_t word = word_.Load("run.background", Order::kSeqCst);
    return PhaseOf(word) == RunPhase::kRunning &&
           LeftIn(word) == RunLeft::kBackground;
  }

  std::uint64_t count() const {
    return CountOf(word_.Load("run.count", Order::kSeqCst));
  }
  RunPhase phase() const {
    return PhaseOf(word_.Load("run.phase", Order::kAcquire));
  }

 private:
  static constexpr std::uint64_t kOne = 4;
  static constexpr std::uint64_t kBackground = std::uint64_t{1} << 33;

  struct Step {
    bool write;
    std::uint64_t next;
  };

  static constexpr std::uint64_t CountOf(std::uint64_t word) {
    return word % kBackground / kOne;
  }
  static constexpr RunLeft LeftIn(std::uint64_t word) {
    const std::uint64_t count = CountOf(word);
    if (count == 0) return RunLeft::kNobody;
    return count == word / kBackground ? RunLeft::kBackground : RunLeft::kSome;
  }
  static constexpr RunPhase PhaseOf(std::uint64_t word) {
    return static_cast<RunPhase>(word % kOne);
  }
  static constexpr std::uint64_t WithPhase(std::uint64_t word, RunPhase phase) {
    return word - word % kOne + static_cast<std::uint64_t>(phase);
  }
  template <class Transition>
  Updated<std::uint64_t, Step> Change(Site site, Transition transition) {
    return Update<Env>(word_, site, kAcqRelUpdate, transition);
  }

  typename Env::template Atomic<std::uint64_t> word_{0};
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_RUN_WORD_H_
