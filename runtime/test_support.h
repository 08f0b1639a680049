// SPDX-License-Identifier: Apache-2.0
//
// For tests of the runtime: runs a coroutine to its end, under a watchdog.

#ifndef NETPOLL_RUNTIME_TEST_SUPPORT_H_
#define NETPOLL_RUNTIME_TEST_SUPPORT_H_

#include <dirent.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/core/testing/limit.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/runtime_options.h"
#include "netpoll/runtime/task.h"

namespace netpoll {

// Prints what the runtime is doing, and aborts, unless destroyed in time.
class Watchdog {
 public:
  explicit Watchdog(Runtime& runtime,
                    int limit_ms = static_cast<int>(TimeLeft().count())) {
    if (::pipe(leash_) != 0) std::abort();
    thread_ = std::thread([&runtime, fd = leash_[0], limit_ms] {
      pollfd query{.fd = fd, .events = POLLIN, .revents = 0};
      if (::poll(&query, 1, limit_ms) != 0) return;
      std::fprintf(stderr, "watchdog: no end after %d ms\n%s", limit_ms,
                   runtime.DumpState().c_str());
      std::abort();
    });
  }
  ~Watchdog() {
    ::close(leash_[1]);
    thread_.join();
    ::close(leash_[0]);
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  int leash_[2];
  std::thread thread_;
};

// Run, under a watchdog.
inline absl::Status RunWatched(Runtime& runtime) {
  const Watchdog watchdog(runtime);
  return runtime.Run();
}

// How many descriptors the process has open.
inline int OpenDescriptors() {
  DIR* const all = ::opendir("/proc/self/fd");
  int count = 0;
  while (::readdir(all) != nullptr) ++count;
  ::closedir(all);
  return count - 3;  // ".", "..", and the one that was read.
}

// No more are open at the end than at the beginning. (Less, where one was
// handed over.)
class DescriptorGuard {
 public:
  DescriptorGuard() : before_(OpenDescriptors()) {}
  DescriptorGuard(const DescriptorGuard&) = delete;
  DescriptorGuard& operator=(const DescriptorGuard&) = delete;
  ~DescriptorGuard() {
    EXPECT_LE(OpenDescriptors(), before_) << "descriptors leaked";
  }

 private:
  const int before_;
};

// Calls `body(runtime)`, which returns a Task<void>, and runs until every task
// has ended. `body` outlives its coroutine, so it may capture.
template <class Body>
void RunTest(const RuntimeOptions& options, Body body) {
  const DescriptorGuard guard;
  Runtime runtime(options);
  ASSERT_TRUE(runtime.status().ok()) << runtime.status();
  runtime.Spawn(body(runtime));
  const absl::Status status = RunWatched(runtime);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(runtime.stats().parked, 0) << "the waiter count drifted";
}

template <class Body>
void RunTest(int threads, Body body) {
  RunTest(RuntimeOptions{.threads = threads}, std::move(body));
}

// Whether the backend runs over a shim: then the system's part of a call, its
// memory included, is this process's.
inline bool OverShim(Runtime& runtime) {
  return !NativeBackends::Has(runtime.backend());
}

// The same on a backend, with one worker; skipped where that does not run.
template <class Body>
void RunOn(const std::string& backend, Body body) {
  const DescriptorGuard guard;
  Runtime runtime({.threads = 1, .backend = backend});
  if (backend == "io_uring" && !runtime.status().ok()) {
    GTEST_SKIP() << runtime.status();
  }
  ASSERT_TRUE(runtime.status().ok()) << runtime.status();
  runtime.Spawn(body(runtime));
  const absl::Status status = RunWatched(runtime);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(runtime.stats().parked, 0) << "the waiter count drifted";
}

// A fixture whose tests run on every backend of the build, by name.
class BackendsTest : public testing::TestWithParam<std::string> {
 protected:
  const std::string& backend() const { return GetParam(); }
};

inline std::string BackendName(
    const testing::TestParamInfo<std::string>& name) {
  return name.param;
}

#define NETPOLL_INSTANTIATE_BACKENDS(suite)                                 \
  INSTANTIATE_TEST_SUITE_P(                                                 \
      Backends, suite, testing::ValuesIn(::netpoll::HostBackends::Names()), \
      BackendName)

// A fixture whose tests run with one worker, and with more than there are
// cores.
class WorkersTest : public testing::TestWithParam<int> {
 protected:
  int threads() const { return GetParam(); }
};

inline std::string WorkersName(const testing::TestParamInfo<int>& info) {
  return std::to_string(info.param) + "Workers";
}

#define NETPOLL_INSTANTIATE_WORKERS(suite)                           \
  INSTANTIATE_TEST_SUITE_P(Threads, suite, testing::Values(1, 2, 4), \
                           WorkersName)

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_TEST_SUPPORT_H_
