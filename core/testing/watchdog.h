// SPDX-License-Identifier: Apache-2.0
//
// For tests that wait: a wait that does not end says what was going on, and
// stops the test, before the test's own limit does without a word.
//
//   const Watchdog watchdog([&] { return "queue " + ...; });

#ifndef NETPOLL_CORE_TESTING_WATCHDOG_H_
#define NETPOLL_CORE_TESTING_WATCHDOG_H_

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "netpoll/core/testing/limit.h"

namespace netpoll {

class Watchdog {
 public:
  // `state` is called by another thread.
  explicit Watchdog(std::function<std::string()> state,
                    std::chrono::milliseconds limit = TimeLeft())
      : thread_([this, describe = std::move(state), limit] {
          std::unique_lock<std::mutex> hold(mutex_);
          if (end_.wait_for(hold, limit, [this] { return ended_; })) return;
          std::fprintf(stderr, "watchdog: no end after %lld ms: %s\n",
                       static_cast<long long>(limit.count()),
                       describe().c_str());
          std::abort();
        }) {}
  ~Watchdog() {
    {
      const std::lock_guard<std::mutex> hold(mutex_);
      ended_ = true;
    }
    end_.notify_one();
    thread_.join();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable end_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace netpoll

#endif  // NETPOLL_CORE_TESTING_WATCHDOG_H_
