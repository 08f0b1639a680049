// SPDX-License-Identifier: Apache-2.0
//
// A schedule as a person writes it, without digest and checksum: the
// configuration (ROW/NAME for one of a mutant), a colon, and who moves.
//
//   read-close: 4 reader, 8 closer, 5 reader
//   read-close:4a8b5a
//
// A number before a name is that many steps, one after # the branch of a choice
// (reader#2 is the second); what follows a / goes round for ever. Commas may be
// left out.

#ifndef NETPOLL_MODEL_REPORT_HAND_WRITTEN_H_
#define NETPOLL_MODEL_REPORT_HAND_WRITTEN_H_

#include <string>
#include <string_view>
#include <vector>

#include "netpoll/model/engine/first_search.h"

namespace netpoll::model {

struct HandWritten {
  std::string variant = "shipped";
  std::string scenario;
  std::string schedule;  // As it was written.

  // One line of a name, a colon and more: it is not one that was printed.
  static bool Looks(std::string_view text);
  static HandWritten Parse(std::string_view text);
};

// An empty string, or one sentence that says what is wrong. `cycle` as in
// ReplayString.
std::string ReadSchedule(std::string_view text,
                         const std::vector<std::string>& threads,
                         std::vector<Choice>* schedule, int* cycle);

// What a person typed, in quotes, as a sentence may repeat it.
std::string AsTyped(std::string_view text);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_HAND_WRITTEN_H_
