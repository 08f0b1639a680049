// SPDX-License-Identifier: Apache-2.0
//
// Who takes part in a story of operations (io_world.h), and what may happen.

#ifndef NETPOLL_MODEL_SCENARIOS_IO_CAST_H_
#define NETPOLL_MODEL_SCENARIOS_IO_CAST_H_

namespace netpoll::model {

struct IoCast {
  int readers = 1;           // Tasks that read, in one direction.
  int writers = 0;           // And those that write, in the other.
  int reads = 1;             // By each, one after the other.
  int pieces = 1;            // Of a read that goes on until it has so many.
  int edges = 1;             // What the peer may say.
  int takes = 0;             // So often the peer may make room for a write.
  bool levels = false;       // The system reports what lasts, to who asks.
  bool spoken = false;       // And has said already, with its report.
  bool late = false;         // A report may come of what was taken before.
  bool ends = false;         // And then the peer may end the stream.
  bool skips = false;        // A short read is followed by a wait.
  bool skips_first = false;  // The last one, before the story begins, was.
  bool yields = false;       // The share of the turn may be used up.
  int rests = 0;             // No event tells; so many rests come to their end.
  bool closes = false;
  bool awaits = false;    // The close is awaited by a task.
  bool deadline = false;  // Is set, and may pass.
  bool moves = false;     // It may be taken back.
  bool cancels = false;   // The first task's scope.
  bool guest = false;     // The first task is another runtime's.
  bool endless = false;   // All of them again and again.
  bool flies = false;     // The system carries the reads out.
  bool asks = false;      // A worker's ring, which others ask for the end.
  bool stale = false;     // And another one's was asked before, in vain.
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_IO_CAST_H_
