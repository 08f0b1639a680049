// SPDX-License-Identifier: Apache-2.0
//
// What is kept in files and compared: the certificates of the matrix and of the
// closed configurations, and the page about the semaphore's states.

#ifndef NETPOLL_MODEL_REPORT_GOLDEN_H_
#define NETPOLL_MODEL_REPORT_GOLDEN_H_

#include <string>

#include "netpoll/model/engine/scenario.h"

namespace netpoll::model {

struct Golden {
  std::string certificate;  // model/report/certificate.golden
  std::string states_page;  // docs/semaphore-states.md
  std::string broken;       // Counterexamples; empty: there is none.
  std::string unexplained;  // What no configuration meets.
};

// Explores every configuration that is not deep.
Golden ExploreForGolden(int workers);

// model/report/closed.golden: the closed configurations that are not deep,
// which stand for runs of any length; or the deep ones.
struct ClosedGolden {
  std::string table;
  std::string broken;  // Counterexamples; empty: there is none.
  int configurations = 0;
};
ClosedGolden ExploreClosed(int workers, bool deep = false);

// Large configurations are explored in this many parts, shared out after this
// many steps.
inline constexpr int kDeepParts = 2;
inline constexpr int kDeepDepth = 24;

// deep.golden's line for one part of a configuration; parts 1: the whole.
std::string DeepLine(const Scenario& scenario, int part, int parts);

// All of deep.golden: for each large configuration the whole, then its parts.
std::string DeepLines();

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_GOLDEN_H_
