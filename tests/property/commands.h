// SPDX-License-Identifier: Apache-2.0
//
// What the property test draws.

#ifndef NETPOLL_TESTS_PROPERTY_COMMANDS_H_
#define NETPOLL_TESTS_PROPERTY_COMMANDS_H_

#include <cstdint>
#include <ostream>

#include "netpoll/core/types.h"
#include "netpoll/model/reference/lockstep.h"
#include "rapidcheck.h"

namespace netpoll {

enum class Do : std::uint8_t {
  kTry,  // Reset, the system call, and Prepare if that would block.
  kPrepareUntilReady,
  kStep,
  kPoll,
  kSettle,
  kPeerWrites,
  kPeerReads,
  kPeerCloses,
  kDeadline,
  kAdvance,
  kUnblock,
  kCloseOrOpen,
  kStale,
  kDisturb,
};
inline constexpr const char* kDoNames[] = {
    "Try",        "PrepareUntilReady", "Step",       "Poll",     "Settle",
    "PeerWrites", "PeerReads",         "PeerCloses", "Deadline", "Advance",
    "Unblock",    "CloseOrOpen",       "Stale",      "Disturb",
};

struct Command {
  Do what;
  unsigned conn;
  Mode mode;  // A direction, or both for a deadline.
  model::reference::When when;
  unsigned number;
};

// As the counterexample prints it: "Deadline(conn 1, write, soon)".
inline std::ostream& operator<<(std::ostream& out, const Command& c) {
  constexpr const char* kModes[] = {"", "read", "write", "both"};
  constexpr const char* kWhens[] = {"none", "past", "soon", "later", "never"};
  out << kDoNames[static_cast<int>(c.what)] << "(conn " << c.conn;
  if (c.what <= Do::kStep || c.what == Do::kDeadline) {
    out << ", " << kModes[static_cast<int>(c.mode)];
  }
  if (c.what == Do::kDeadline) out << ", " << kWhens[static_cast<int>(c.when)];
  if (c.what == Do::kAdvance || c.what == Do::kDisturb) {
    out << ", " << c.number;
  }
  return out << ")";
}

inline constexpr unsigned kConns = 3;

inline rc::Gen<Command> Commands() {
  const auto what = rc::gen::weightedElement<Do>({
      {12, Do::kTry},
      {2, Do::kPrepareUntilReady},
      {14, Do::kStep},
      {6, Do::kPoll},
      {4, Do::kSettle},
      {6, Do::kPeerWrites},
      {4, Do::kPeerReads},
      {1, Do::kPeerCloses},
      {7, Do::kDeadline},
      {4, Do::kAdvance},
      {2, Do::kUnblock},
      {5, Do::kCloseOrOpen},
      {2, Do::kStale},
      {2, Do::kDisturb},
  });
  return rc::gen::construct<Command>(
      what, rc::gen::inRange(0u, kConns),
      rc::gen::element(Mode::kRead, Mode::kWrite, Mode::kReadWrite),
      rc::gen::element(
          model::reference::When::kNone, model::reference::When::kPast,
          model::reference::When::kSoon, model::reference::When::kLater,
          model::reference::When::kNever),
      rc::gen::inRange(0u, 30u));
}

}  // namespace netpoll

#endif  // NETPOLL_TESTS_PROPERTY_COMMANDS_H_
