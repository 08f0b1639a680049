// SPDX-License-Identifier: Apache-2.0
//
// What a server does at SIGQUIT: it says on standard error what its runtime is
// doing and who waits where, and goes on. By a thread of its own, which no
// worker that hangs keeps from it.

#ifndef NETPOLL_TOOLS_SERVER_QUIT_DUMP_H_
#define NETPOLL_TOOLS_SERVER_QUIT_DUMP_H_

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>

#include "netpoll/runtime/runtime.h"

namespace netpoll::server {

// More waits than these are left out.
inline constexpr std::size_t kMostWaits = 10'000;

// The function that a place is in; where there are no symbols, the place in the
// program's file.
std::string FunctionAt(const void* place);
// Both.
std::string SymbolAt(const void* place);

class QuitDump {
 public:
  // SIGQUIT is blocked in all threads (stop_signals.h). Where no thread can be
  // had there is no dump.
  explicit QuitDump(Runtime& runtime);
  QuitDump(const QuitDump&) = delete;
  QuitDump& operator=(const QuitDump&) = delete;
  ~QuitDump();

 private:
  void Wait();

  Runtime& runtime_;
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

}  // namespace netpoll::server

#endif  // NETPOLL_TOOLS_SERVER_QUIT_DUMP_H_
