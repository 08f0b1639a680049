// SPDX-License-Identifier: Apache-2.0
//
// A large configuration, explored in parts that need nothing of each other. A
// part takes some of the states that a run can be in after a number of steps,
// and explores all that follows. Parts meet the same states, so those do not
// add up; every run goes through exactly one of the states that were shared
// out, so the interleavings do, to the last digit.

#ifndef NETPOLL_MODEL_REPORT_PART_H_
#define NETPOLL_MODEL_REPORT_PART_H_

#include <cstdint>
#include <string>
#include <vector>

#include "netpoll/model/engine/explore.h"
#include "netpoll/model/report/survey.h"

namespace netpoll::model {

struct PartOptions {
  int part = 0;
  int parts = 1;
  int depth = 0;  // Steps after which the states are shared out.
  SearchLimits limits;
};

struct PartResult {
  bool complete = false;
  std::string violation;  // With steps of its own: `netpoll check` shows it.
  std::uint64_t starts = 0;
  // Of what was explored from there. `interleavings` are whole runs from the
  // very start; the first part has those too that ended before the sharing.
  Survey survey;

  // "deep-both 1/4 starts 12 states 345 ..."; no times in it.
  std::string Line(const std::string& scenario, int part, int parts) const;
};

PartResult ExplorePart(Exploration& exploration, const PartOptions& options);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_PART_H_
