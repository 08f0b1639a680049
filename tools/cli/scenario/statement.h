// SPDX-License-Identifier: Apache-2.0
//
// The language of scenario files: one line of text to one statement. Pure; what
// depends on the state of the run (names, parked tasks) is checked by the
// runner.

#ifndef NETPOLL_TOOLS_CLI_SCENARIO_STATEMENT_H_
#define NETPOLL_TOOLS_CLI_SCENARIO_STATEMENT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "netpoll/core/types.h"

namespace netpoll::scenario {

enum class Verb : std::uint8_t {
  kOpen,
  kReset,
  kWait,
  kReader,
  kWriter,
  kTask,
  kRead,
  kWrite,
  kPeerRead,
  kPeerWrite,
  kFill,
  kDrain,
  kPeerDrain,
  kPeerClose,
  kPeerShutdown,
  kDeadline,
  kSleep,
  kUnblock,
  kClose,
};

enum class DeadlineKind : std::uint8_t { kNone, kPast, kAfter };

struct Statement {
  Verb verb = Verb::kSleep;
  bool prints = false;  // Whether its result is printed.
  std::string text;     // As written, single spaces, no comment.
  // What follows is set as far as the verb has it.
  std::string descriptor;
  std::string task;
  Mode mode = Mode::kRead;
  DeadlineKind deadline = DeadlineKind::kNone;
  std::int64_t number = 0;  // Bytes, or milliseconds.
};

// One raw call moves at most this.
inline constexpr std::int64_t kMaxRawBytes = 65536;
// A task moves at most this: more than any socket's buffers hold.
inline constexpr std::int64_t kMaxTaskBytes = std::int64_t{1} << 30;
// A day: a longer sleep is a slip of the pen.
inline constexpr std::int64_t kMaxSleepMillis = 86'400'000;
inline constexpr std::size_t kMaxLineBytes = 65536;

// A line without its newline: a statement, or what is wrong with it, or
// neither (blank, or a comment).
struct ParsedLine {
  std::optional<Statement> statement;
  std::string error;
};

ParsedLine ParseLine(std::string_view line);

}  // namespace netpoll::scenario

#endif  // NETPOLL_TOOLS_CLI_SCENARIO_STATEMENT_H_
