// SPDX-License-Identifier: Apache-2.0
//
// What a Runtime and its tasks are made with.

#ifndef NETPOLL_RUNTIME_RUNTIME_OPTIONS_H_
#define NETPOLL_RUNTIME_RUNTIME_OPTIONS_H_

#include "netpoll/core/cpp20.h"

#include <string>

namespace netpoll {

class RuntimeObserver;

struct RuntimeOptions {
  // Worker threads, the one that calls Run included; 1 to 64, or status() says
  // so.
  int threads = 1;
  // The system interface: "epoll", "io_uring", "poll"; empty: the first of
  // these that this system has. If there is no such one, or not here, status()
  // says so.
  std::string backend = {};
  // With io_uring: a ring of the worker's carries out the reads and writes of
  // streams: accepted, connected or adopted here, and of pairs
  // (docs/backends/io_uring.md). Where that can't be (several workers need
  // `sharded` for it), they wait for readiness as ever, and
  // Runtime::backend_note says why. NETPOLL_COMPLETIONS asks for it too.
  bool completions = false;
  // Each worker has a poller of its own: what is accepted or opened there stays
  // with it, and no two workers write the same memory for a message. A worker
  // without work helps: it takes the tasks that are behind another's, and after
  // 10 ms the events of one that is busy with one task. Of more workers than
  // processors that the thread that makes the Runtime may run on, those beyond
  // only help: what they open goes to the pollers of the others. For many
  // cores: a server listens once a worker, with ListenOptions::reuse_port. With
  // one thread it changes nothing.
  bool sharded = false;
  // Is told what the runtime does (runtime_observer.h); null: nobody is.
  RuntimeObserver* observer = nullptr;
};

// How a task is spawned.
struct SpawnOptions {
  static constexpr int kAnyWorker = -1;

  // What it is called in dumps, and by TaskName (task_local.h). A literal, or
  // text that outlives the runtime: it is not copied, and dumps read it.
  const char* name = nullptr;
  // 0 to threads - 1: it begins on that worker's thread, and stays there, with
  // all that it awaits. Else any worker runs it, each time another one maybe.
  int worker = kAnyWorker;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_RUNTIME_OPTIONS_H_
