// SPDX-License-Identifier: Apache-2.0
//
// A story as a file that people read, compare and keep:
//
//   netpoll trace 1
//   configuration read-close
//   source 3f9a1c07
//   replay np1:…
//   verdict L2: a task is parked on a closing descriptor
//   1 reader check.status load status gen1 -> gen1 @core/poll_desc.h:122
//   …
//
// One line for each access: the step's number, the thread, the site, the
// operation, the object, before -> after, and where the source has it. Replayed
// line by line: what follows the @ may have moved, all the rest must be the
// same.

#ifndef NETPOLL_MODEL_REPORT_TRACE_FILE_H_
#define NETPOLL_MODEL_REPORT_TRACE_FILE_H_

#include <string>
#include <string_view>
#include <vector>

#include "netpoll/model/report/replay_string.h"
#include "netpoll/model/report/story.h"

namespace netpoll::model {

std::string TraceFileText(const Story& story);

// The same, or of a name that ends in .json what Perfetto's UI opens.
std::string TraceText(std::string_view file, const Story& story);

struct TraceFile {
  ReplayString replay;
  std::string verdict;
  struct Line {
    int number = 0;  // In the file, from 1.
    std::string text;
  };
  std::vector<Line> lines;

  static bool Looks(std::string_view text);
  // An empty string, or one sentence that says what is wrong.
  static std::string Parse(std::string_view text, TraceFile* parsed);
  // An empty string, or where the story first differs from the file.
  std::string Compare(const Story& story) const;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_TRACE_FILE_H_
