// SPDX-License-Identifier: Apache-2.0
//
// The page about a whole check: what was explored and what holds, what each
// configuration is good for, what it covers, and how mutants die.

#ifndef NETPOLL_MODEL_REPORT_OVERVIEW_H_
#define NETPOLL_MODEL_REPORT_OVERVIEW_H_

#include <string>
#include <string_view>
#include <vector>

#include "netpoll/model/report/check.h"
#include "netpoll/model/report/coverage.h"

namespace netpoll::model {

struct Overview {
  struct Row {
    std::string configuration;
    std::string about;
    std::uint64_t states = 0;
    std::uint64_t transitions = 0;
    std::string longest;        // Steps, or "cyclic".
    std::string interleavings;  // Or "unbounded".
    double seconds = 0;
    bool holds = false;
    std::string verdict;  // What is broken, or "cut off".
    std::string page;     // Of its counterexample; empty: there is none.
    int steps = 0;        // Of the counterexample.
  };

  std::string version;
  std::string variant;
  double seconds = 0;
  std::vector<Row> rows;
  std::string certificate;   // Its text.
  Coverage coverage;         // Of the whole matrix,
  bool whole = false;        // if that was explored.
  std::string drawn;         // The configuration of `drawing`.
  std::string drawing;       // SVG.
  std::string_view mutants;  // The text of model/mutants/matrix.golden.

  static Row Of(const Verdict& verdict);
};

// One page that loads nothing; counterexamples are beside it.
std::string OverviewPage(const Overview& overview);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_OVERVIEW_H_
