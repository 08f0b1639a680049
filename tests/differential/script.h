// SPDX-License-Identifier: Apache-2.0
//
// Portable scripts: scenario files that print the same on every backend, made
// from any list of operations whatever. An operation that is not allowed where
// it stands, or whose result would depend on the backend, is left out; so a
// part of a list is a script too, and a failure can be shrunk.
//
// What is left out for the sake of portability:
//   - a bare wait without Reset and a call that would block right before it:
//     triggers remember different things;
//   - byte counts that depend on the sizes of buffers: raw calls are small, or
//     go on until they would block;
//   - reads by the peer that leave a full buffer neither full nor writable;
//   - bare waits for writing where the peer ends its sending side: some systems
//     can't tell that from the end of both.
//
// Real time decides nothing: a deadline is past, none, an hour away, or 1 ms
// away with a longer sleep right after it.

#ifndef NETPOLL_TESTS_DIFFERENTIAL_SCRIPT_H_
#define NETPOLL_TESTS_DIFFERENTIAL_SCRIPT_H_

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "netpoll/core/types.h"
#include "netpoll/tools/cli/scenario/statement.h"

namespace netpoll::differential {

enum class What : std::uint8_t {
  kReader,
  kWriter,
  kHugeWriter,  // More than the buffers can hold, whatever is drained.
  kWaitRead,    // Reset, read until it would block, wait.
  kWaitWrite,
  kReset,
  kRead,
  kWrite,
  kPeerRead,
  kPeerWrite,
  kFill,
  kDrain,
  kPeerDrain,
  kPeerShutdown,
  kPeerClose,
  kDeadlineNone,
  kDeadlinePast,
  kDeadlineFar,
  kDeadlineSoon,  // And a sleep beyond it.
  kUnblock,
  kReopen,  // Unblock, close, open.
};
inline constexpr std::size_t kWhats = 21;

struct Op {
  What what = What::kReader;
  unsigned descriptor = 0;
  Mode mode = Mode::kRead;  // For what has a direction, or both for deadlines.
  int bytes = 1;            // From 1 to kMostBytes.
};
inline constexpr int kMostBytes = 8;
std::ostream& operator<<(std::ostream& out, const Op& op);

// One statement, and what the reference prints for it.
struct Line {
  scenario::Statement statement;
  std::string expected;
};

struct Script {
  std::vector<Line> lines;
  // How many operations were not left out, and whether the last was not.
  std::size_t used = 0;
  bool used_last = true;

  // As a file for `netpoll scenario`.
  std::string Text() const;
};

// Opens `descriptors` descriptors, and closes them at the end.
Script Write(const std::vector<Op>& ops, unsigned descriptors);

}  // namespace netpoll::differential

#endif  // NETPOLL_TESTS_DIFFERENTIAL_SCRIPT_H_
