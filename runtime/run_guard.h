// SPDX-License-Identifier: Apache-2.0
//
// RunGuard: keeps Run at work while no task is there.
//
//   RunGuard guard(runtime);
//   std::thread worker([&] { runtime.Run(); });
//   ... runtime.Spawn(...), from any thread, at any time ...
//   guard.Release();
//   worker.join();
//
// Stop releases it too. Until then the runtime must not be destroyed: it counts
// as a task.

#ifndef NETPOLL_RUNTIME_RUN_GUARD_H_
#define NETPOLL_RUNTIME_RUN_GUARD_H_

#include "netpoll/core/cpp20.h"

#include <memory>

namespace netpoll {

class Runtime;

class RunGuard {
 public:
  RunGuard();  // Holds nothing.
  // Before Run, or while it is at work. From any thread.
  explicit RunGuard(Runtime& runtime);
  RunGuard(RunGuard&& other) noexcept;
  // Releases the one that was here.
  RunGuard& operator=(RunGuard&& other) noexcept;
  ~RunGuard();

  // From any thread, any number of times; not two at a time.
  void Release();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_RUN_GUARD_H_
