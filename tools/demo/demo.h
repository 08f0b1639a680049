// SPDX-License-Identifier: Apache-2.0
//
// The demonstration: an echo server on loopback and clients of three kinds, on
// one runtime.
//
//   steady     a message, its echo, and again; a deadline before each read
//   impatient  waits for what never comes, until its deadline; then a message
//   rude       resets its connection while an echo is on its way, and connects
//              anew

#ifndef NETPOLL_TOOLS_DEMO_DEMO_H_
#define NETPOLL_TOOLS_DEMO_DEMO_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/tools/common/histogram.h"
#include "netpoll/tools/common/time_allowed.h"

namespace netpoll::demo {

struct DemoOptions {
  tools::TimeAllowed duration = std::chrono::seconds(3);
  int connections = 64;  // Steady ones.
  int threads = 1;
  std::string backend;  // Empty: the default.
};

struct DemoProgress {
  double seconds = 0;
  std::uint64_t messages = 0;
  RuntimeStats stats;
};

struct DemoResult {
  std::string address;
  double seconds = 0;
  std::uint64_t messages = 0;  // Of the steady clients.
  std::uint64_t resets = 0;
  std::uint64_t errors = 0;  // What should not happen.
  std::string first_error;
  tools::Histogram latency;  // Nanoseconds from a message to its echo.
  RuntimeStats stats;
};

inline constexpr int kMessageBytes = 64;

// `progress` is called about ten times a second, by any worker.
absl::StatusOr<DemoResult> RunDemo(
    const DemoOptions& options,
    const std::function<void(const DemoProgress&)>& progress);

}  // namespace netpoll::demo

#endif  // NETPOLL_TOOLS_DEMO_DEMO_H_
