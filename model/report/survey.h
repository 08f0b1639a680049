// SPDX-License-Identifier: Apache-2.0
//
// The explored graph, counted: a second walk over it, independent of the
// search, and what a certificate says about it.

#ifndef NETPOLL_MODEL_REPORT_SURVEY_H_
#define NETPOLL_MODEL_REPORT_SURVEY_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "netpoll/model/engine/tabulate.h"
#include "netpoll/model/report/run_graph.h"

namespace netpoll::model {

// What became of the accesses at one site, over all transitions.
struct SiteUse {
  std::uint64_t taken = 0;
  std::uint64_t exchanges = 0;  // Compare-and-exchange only.
  std::uint64_t failed = 0;     // Of those: did not take place.
};

// States of a semaphore's word: nil, ready, wait, parked.
struct WordMove {
  std::string site;
  int from = 0;
  int to = 0;
  bool wrote = false;
  friend auto operator<=>(const WordMove&, const WordMove&) = default;
};

struct Survey : RunCount {
  bool complete = true;  // False: more states than were wanted.
  std::uint64_t at_rest = 0;
  std::uint64_t digest = 0;  // Of all states and transitions.
  std::map<std::string, SiteUse> sites;
  std::map<WordMove, std::uint64_t> word_moves;
};

// Up to about `most_states`. Throws away what it knows of a graph that has
// more.
Survey SurveyOf(Tabulator& tables,
                std::uint64_t most_states = UINT64_C(0xffffffff));

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_SURVEY_H_
