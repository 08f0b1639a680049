// SPDX-License-Identifier: Apache-2.0
//
// A counterexample of a mutant told again from its string, for tests: whether
// what is said of it is so, and of the task that the law meant.

#ifndef NETPOLL_MODEL_MUTANTS_TOLD_AGAIN_H_
#define NETPOLL_MODEL_MUTANTS_TOLD_AGAIN_H_

#include <unistd.h>

#include <iostream>
#include <string>

#include "netpoll/model/engine/crash.h"
#include "netpoll/model/graphs/graph_truth.h"
#include "netpoll/model/graphs/tell_graph.h"
#include "netpoll/model/mutants/matrix.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/replay_string.h"
#include "netpoll/model/report/sentence_truth.h"

namespace netpoll::model {

inline std::string UntrueOfGraph(const MutantResult& mutant, const Cell& cell,
                                 const Scenario& scenario) {
  GraphString replay;
  const std::string why = GraphString::Parse(cell.replay, &replay);
  if (!why.empty()) return why;
  const GraphStory story = TellGraphAgain(mutant.name, scenario, replay);
  if (story.violation != cell.violation) return "it breaks another law";
  const std::string untrue = GraphTruth(story).Untrue();
  return untrue.empty() ? "" : untrue + "\n" + story.sentence;
}

inline std::string UntrueOfRun(const MutantResult& mutant, const Cell& cell,
                               const Scenario& scenario) {
  ReplayString replay;
  const std::string why = ReplayString::Parse(cell.replay, &replay);
  if (!why.empty()) return why;
  const Story story =
      Tell(mutant.name, scenario, replay.schedule, replay.cycle);
  // The reference model is asked here too, and may notice it earlier.
  if (!story.broken()) {
    // Where something counts up until the bound there is nothing to tell.
    return cell.law() == "limit" ? "" : "nothing is broken";
  }
  const SentenceTruth truth(story);
  const std::string untrue = truth.Untrue();
  return untrue.empty() ? "" : untrue + "\n" + truth.sentence();
}

// Empty: what is said of it is so. Otherwise what is not.
inline std::string Untrue(const MutantResult& mutant, const Cell& cell) {
  const Variant* const variant = FindVariant(mutant.name);
  if (variant == nullptr) return "there is no such mutant";
  const Scenario* const scenario = FindScenario(*variant, cell.configuration);
  if (scenario == nullptr) return "there is no such configuration";
  return IsGraphString(cell.replay) ? UntrueOfGraph(mutant, cell, *scenario)
                                    : UntrueOfRun(mutant, cell, *scenario);
}

// For a process of its own (EXPECT_EXIT): what a mutant spoils there stays
// there. Status 0: it is so; otherwise says what is not.
[[noreturn]] inline void TellAgain(const MutantResult& mutant,
                                   const Cell& cell) {
  CatchCrashes();
  const std::string untrue = Untrue(mutant, cell);
  std::cerr << untrue << std::flush;
  _exit(untrue.empty() ? 0 : 1);
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_MUTANTS_TOLD_AGAIN_H_
