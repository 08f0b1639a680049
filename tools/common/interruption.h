// SPDX-License-Identifier: Apache-2.0
//
// Ends a long command at once when somebody wants it to end: SIGINT with status
// 130, SIGTERM with 143, and a line on standard error that says what was done.
//
//   Interruption interruption([&] { return "3 of 9 done"; });
//   ... threads, loops, children; the line is
//   "netpoll: interrupted after 2.5 s: 3 of 9 done"
//
// One at a time, made before there are other threads: those that are started
// while it lives leave both signals to it. Children that are forked take them
// as programs do, and end with their parent.

#ifndef NETPOLL_TOOLS_COMMON_INTERRUPTION_H_
#define NETPOLL_TOOLS_COMMON_INTERRUPTION_H_

#include <signal.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

namespace netpoll::tools {

class Interruption {
 public:
  // `done` is called from another thread. Where it does not return, or standard
  // output takes nothing, the process ends all the same.
  explicit Interruption(std::function<std::string()> done);
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

 private:
  void Wait();
  [[noreturn]] void End(int signal);

  const std::function<std::string()> done_;
  const std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
  sigset_t before_;
  std::thread thread_;
};

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_COMMON_INTERRUPTION_H_
