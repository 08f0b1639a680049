// SPDX-License-Identifier: Apache-2.0
//
// A schedule as one short word, fit for a terminal, a mail and a file name:
//
//   np1:read-edge-close:3f9a1c07:2ab3cBa:7kq2m
//
//   np1              the format, with its version
//   read-edge-close  the configuration; ROW/NAME for one of a mutant
//   3f9a1c07         the source that was explored (source.h)
//   2ab3cBa          threads, a is the first: a number before one is that many
//                    steps, a capital after one is the branch of a choice (B is
//                    the second); what follows a / goes round for ever
//   7kq2m            a checksum of all that comes before it

#ifndef NETPOLL_MODEL_REPORT_REPLAY_STRING_H_
#define NETPOLL_MODEL_REPORT_REPLAY_STRING_H_

#include <string>
#include <string_view>
#include <vector>

#include "netpoll/model/engine/first_search.h"

namespace netpoll::model {

// Of all that comes before it, at the end of a string.
std::string Checksum(std::string_view text);

std::vector<std::string_view> Split(std::string_view text, char by);

struct ReplayString {
  std::string variant = "shipped";
  std::string scenario;
  std::string digest;
  std::vector<Choice> schedule;
  int cycle = -1;  // The step after which it goes round; -1: it ends.

  std::string Text() const;
  // An empty string, or one sentence that says what is wrong with `text`.
  static std::string Parse(std::string_view text, ReplayString* parsed);
};

// The schedule's part alone.
std::string ScheduleText(const std::vector<Choice>& schedule);
std::string ParseSchedule(std::string_view text, std::vector<Choice>* schedule);

// The command that runs it again, as it can be typed: tools/netpoll says by the
// variable NETPOLL_COMMAND how it was called.
std::string ReplayCommand(const std::string& replay);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_REPLAY_STRING_H_
