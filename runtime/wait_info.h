// SPDX-License-Identifier: Apache-2.0
//
// Which task waits for what, for people who look at a program that runs, or
// hangs.

#ifndef NETPOLL_RUNTIME_WAIT_INFO_H_
#define NETPOLL_RUNTIME_WAIT_INFO_H_

#include "netpoll/core/cpp20.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"

namespace netpoll {

struct WaitInfo {
  // "a descriptor", "a time" (it sleeps), "a mutex", "a channel", "a task",
  // "blocking work" and so on.
  const char* what = "a descriptor";
  // Of a descriptor; -1 of all else.
  int fd = -1;
  Mode direction = Mode::kRead;
  // Of one that sleeps: for so long yet, in nanoseconds. kNever of all else.
  std::int64_t left = kNever;
  // For how long, in nanoseconds, as far as the worker knew the time when it
  // began: it reads the clock when it looks for events, at each poll where a
  // deadline is set or little happens, so the wait may seem older than it is.
  std::int64_t age = 0;
  // The await, as ObservedWait has it.
  const void* where = nullptr;
  // What the spawned task is called; "" if it has no name. A worker that has
  // not read the clock since the runtime's first task with a name leaves it
  // out.
  const char* task = "";
  // Of a socket: the two ends. Empty if it has none.
  std::string local;
  std::string peer;
};

// What to call a place in the program.
using PlaceNamer = std::string (*)(const void* place);
// One without a symbolizer: FILE[0x1234], which `addr2line -Cfie FILE 0x1234`
// makes a function and a line of.
std::string PlaceInFile(const void* place);

namespace internal {

class Scheduler;

// `most` of those on descriptors, and `most` of the others.
std::vector<WaitInfo> WaitsOf(Scheduler& scheduler, std::size_t most);
// Their two halves, which add to `waits`.
void AddDescriptorWaits(Scheduler& scheduler, std::size_t most,
                        std::vector<WaitInfo>& waits);
void AddOtherWaits(Scheduler& scheduler, std::size_t most,
                   std::vector<WaitInfo>& waits);
// For how long, of two stamps of milliseconds, in nanoseconds.
std::int64_t AgeOf(std::uint32_t now, std::uint32_t since);
// A line for each place at which tasks wait alike, with the oldest.
std::string DumpWaits(const std::vector<WaitInfo>& waits, PlaceNamer name);

}  // namespace internal
}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_WAIT_INFO_H_
