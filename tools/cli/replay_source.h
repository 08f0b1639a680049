// SPDX-License-Identifier: Apache-2.0
//
// What a user names who wants something replayed: a string that was printed, a
// schedule written by hand, a file that holds either or a trace, or "-".

#ifndef NETPOLL_TOOLS_CLI_REPLAY_SOURCE_H_
#define NETPOLL_TOOLS_CLI_REPLAY_SOURCE_H_

#include <optional>
#include <string>

#include "netpoll/model/report/hand_written.h"
#include "netpoll/model/report/replay_string.h"
#include "netpoll/model/report/trace_file.h"
#include "netpoll/tools/common/flags.h"

namespace netpoll::tools {

// One of the four.
struct ReplaySource {
  std::optional<model::ReplayString> replay;
  std::optional<model::TraceFile> trace;
  std::optional<model::HandWritten> written;
  std::string graph;  // "ng1:..."
};

// The exit status; what is wrong was said in one sentence.
int ReadReplaySource(const Flags& flags, const std::string& what,
                     ReplaySource* source);

// The schedule, whichever it is; a hand-written one by the names of the
// scenario's threads.
int ReadSource(const Flags& flags, const ReplaySource& source,
               const model::Scenario& scenario, model::ReplayString* replay);

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_REPLAY_SOURCE_H_
