// SPDX-License-Identifier: Apache-2.0
//
// What of the specification and of the source an exploration has met: rows of
// the semaphore's table, and accesses of core/ and the runtime's protocols.

#ifndef NETPOLL_MODEL_REPORT_COVERAGE_H_
#define NETPOLL_MODEL_REPORT_COVERAGE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "netpoll/model/report/survey.h"

namespace netpoll::model {

using WordMoves = std::map<WordMove, std::uint64_t>;
using SiteUses = std::map<std::string, SiteUse>;

struct Coverage {
  int rows = 0;  // Of the semaphore's table: state and event.
  int rows_met = 0;
  std::vector<std::string> rows_missing;  // "parked + open"
  int sites = 0;                          // Accesses that they name.
  int sites_met = 0;
  std::vector<std::string> sites_missing;
  // Sites whose exchange was met, but never a lost one, or never a won one.
  std::vector<std::string> never_lost;

  // Missing, and no reason is known why they must be.
  std::vector<std::string> Unexplained() const;
  std::string Text() const;
};

// Why a row or a site is in no configuration, or null.
const char* WhyNotMet(std::string_view name);

Coverage CoverageOf(const WordMoves& moves, const SiteUses& uses);

// The semaphore's states and moves as they were explored, for Markdown.
std::string StateDiagram(const WordMoves& moves);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_COVERAGE_H_
