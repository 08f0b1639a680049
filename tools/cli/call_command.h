// SPDX-License-Identifier: Apache-2.0
//
// A command of netpoll called by a test, and what it said.

#ifndef NETPOLL_TOOLS_CLI_CALL_COMMAND_H_
#define NETPOLL_TOOLS_CLI_CALL_COMMAND_H_

#include <span>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/dispatch.h"

namespace netpoll::tools {

struct Said {
  int status;
  std::string out;
  std::string err;
};

inline Said Call(std::span<const Command> commands,
                 const std::vector<std::string>& words) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int status = Dispatch(commands, words);
  return {status, ::testing::internal::GetCapturedStdout(),
          ::testing::internal::GetCapturedStderr()};
}
inline Said Call(const std::vector<std::string>& words) {
  return Call(Commands(), words);
}

// Bad use is one sentence, on one line, and nothing else.
inline void ExpectRefused(const Said& said, const std::string& because) {
  EXPECT_EQ(said.status, kExitBadUse);
  EXPECT_THAT(said.err, ::testing::HasSubstr(because));
  EXPECT_EQ(said.err.find('\n'), said.err.size() - 1) << said.err;
  EXPECT_EQ(said.out, "");
}
inline void ExpectRefused(const std::vector<std::string>& words,
                          const std::string& because) {
  ExpectRefused(Call(words), because);
}

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_CALL_COMMAND_H_
