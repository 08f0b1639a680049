// SPDX-License-Identifier: Apache-2.0
//
// One end of a connection, of whatever family, and the tasks that work on it.

#ifndef NETPOLL_TOOLS_TORTURE_CONNECTION_H_
#define NETPOLL_TOOLS_TORTURE_CONNECTION_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <utility>

#include "netpoll/core/deadline.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/descriptor.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/task.h"
#include "netpoll/tools/torture/ledger.h"
#include "netpoll/tools/torture/plan.h"
#include "netpoll/tools/torture/random.h"
#include "netpoll/tools/torture/round.h"

namespace netpoll::torture {

// A socket, or one end each of two pipes.
class End {
 public:
  End() = default;
  explicit End(Descriptor both) : in_(std::move(both)) {}
  End(Descriptor in, Descriptor out)
      : in_(std::move(in)), out_(std::move(out)), two_(true) {}

  Descriptor& in() { return in_; }
  Descriptor& out() { return two_ ? out_ : in_; }
  bool two() const { return two_; }

 private:
  Descriptor in_;
  Descriptor out_;
  bool two_ = false;
};

struct Connection {
  Connection(End opened, const Plan& drawn, bool serves)
      : end(std::move(opened)), plan(drawn), server(serves) {}

  bool breaks() const { return plan.broken() && plan.server_breaks == server; }

  End end;
  Plan plan;
  const bool server;
  DeadlineLog reads;
  DeadlineLog writes;
  // Somebody closes or detaches this end: operations may answer "closing".
  std::atomic<bool> closing{false};
  // The tasks that move the bytes have ended.
  std::atomic<bool> over{false};
  // What was detached, in and out; -1: nothing.
  std::array<int, 2> detached{-1, -1};
  int detaches = 0;        // To come. The disturber's.
  std::uint64_t sent = 0;  // The sender's, as the next.
  bool finished = false;   // The peer was told the end of the stream.
  std::uint64_t got = 0;   // The receiver's, as the next.
  bool ended = false;      // The end of the stream was read.
};

// What a task does after an operation.
enum class After : std::uint8_t { kGoOn, kTryAgain, kEnd };

// Judges how an operation of `connection` ended: kEnd if the connection is
// broken as it was meant to be.
After Judge(Round& round, Connection& connection, DeadlineLog& log,
            IoStatus status, const char* what);

// Whether the stream may end before it is whole.
bool MayBreak(Round& round, const Connection& connection);

void SetDeadline(Connection& connection, Mode mode, Deadline deadline);

// Sets a random deadline: none, past, near, far.
void DrawDeadline(Connection& connection, Mode mode, Random& random);

// Small buffers.
void Shrink(End& end);

// Now and then lets others go first, or sleeps; a sleep that is early is wrong.
Task<> Dawdle(Round& round, Ledger::Actor& actor, Random& random);

// Breaks the connection or detaches it at a random moment, and moves its
// deadlines, until it is over.
Task<> Disturb(Round& round, Connection& connection, std::uint64_t seed);

// --- Roles -------------------------------------------------------------------

// Sends back what comes, until the end of the stream.
Task<> Serve(Round& round, End end, std::uint64_t number);

// Sends a stream, and verifies what comes back.
Task<> Converse(Round& round, End end, Plan plan, std::uint64_t number);

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_CONNECTION_H_
