// SPDX-License-Identifier: Apache-2.0
//
// What a Runtime and its tasks are made with, and what it counts.

#ifndef NETPOLL_RUNTIME_RUNTIME_OPTIONS_H_
#define NETPOLL_RUNTIME_RUNTIME_OPTIONS_H_

#include "netpoll/core/cpp20.h"

#include <cstdint>
#include <string>

namespace netpoll {

struct RuntimeOptions {
  // Worker threads, the one that calls Run included; 1 to 64, or status() says
  // so.
  int threads = 1;
  // The system interface: "epoll", "io_uring", "poll"; empty: the first of
  // these that this system has. If there is no such one, or not here, status()
  // says so.
  std::string backend = {};
};

// How a task is spawned.
struct SpawnOptions {
  static constexpr int kAnyWorker = -1;

  // What it is called in dumps, and by TaskName (task_local.h). A literal, or
  // text that outlives the task: it is not copied.
  const char* name = nullptr;
  // 0 to threads - 1: it begins on that worker's thread, and stays there, with
  // all that it awaits. Else any worker runs it, each time another one maybe.
  int worker = kAnyWorker;
};

// Counts since the start; each is read on its own.
struct RuntimeStats {
  std::uint64_t task_runs = 0;
  std::uint64_t polls = 0;
  std::uint64_t wakeups = 0;   // Tasks made ready by events.
  std::uint64_t timeouts = 0;  // Tasks woken by deadlines.
  std::uint64_t stale_events = 0;
  std::int32_t parked = 0;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_RUNTIME_OPTIONS_H_
