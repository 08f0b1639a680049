// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/run_guard.h"

#include <memory>
#include <optional>
#include <stop_token>

#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/scheduler.h"

namespace netpoll {

// Released once: by the callback, which runs at most once and is over when it
// has been destroyed, or after that.
struct RunGuard::State {
  struct AtStop {
    State* state;
    void operator()() const { state->Leave(); }
  };

  explicit State(internal::Scheduler& owner) : scheduler(owner) {
    scheduler.Hold();
    at_stop.emplace(scheduler.stop_token(), AtStop{this});
  }
  ~State() {
    at_stop.reset();
    if (held) Leave();
  }
  void Leave() {
    held = false;
    scheduler.LeaveGuest();
  }

  internal::Scheduler& scheduler;
  bool held = true;
  std::optional<std::stop_callback<AtStop>> at_stop;
};

RunGuard::RunGuard() = default;
RunGuard::RunGuard(Runtime& runtime)
    : state_(std::make_unique<State>(internal::SchedulerOf(runtime))) {}
RunGuard::RunGuard(RunGuard&& other) noexcept = default;
RunGuard& RunGuard::operator=(RunGuard&& other) noexcept = default;
RunGuard::~RunGuard() = default;

void RunGuard::Release() { state_.reset(); }

}  // namespace netpoll
