// SPDX-License-Identifier: Apache-2.0
//
// The poller inside libuv's loop. The loop has a hook before its sleep and one
// after it; in between its own handles wait for the descriptor and the time.
//
// The hook before the sleep comes when the loop has decided nothing yet: a
// timer or an idle handle that is started there still counts.

#ifndef NETPOLL_EXAMPLES_LOOPS_UV_LOOP_H_
#define NETPOLL_EXAMPLES_LOOPS_UV_LOOP_H_

#include <uv.h>

#include <cstdint>

#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/examples/loops/job.h"

namespace netpoll::examples {

template <class Poller>
class UvLoop : public JobLoop<Poller> {
 public:
  explicit UvLoop(Poller& poller) : JobLoop<Poller>(poller) {
    uv_loop_init(&uv_);
    uv_prepare_init(&uv_, &prepare_);
    uv_check_init(&uv_, &check_);
    uv_idle_init(&uv_, &idle_);
    uv_timer_init(&uv_, &timer_);
    uv_poll_init(&uv_, &poll_, loop_.descriptor());
    prepare_.data = check_.data = poll_.data = this;
    uv_prepare_start(&prepare_, [](uv_prepare_t* handle) {
      static_cast<UvLoop*>(handle->data)->BeforeSleep();
    });
    uv_check_start(&check_, [](uv_check_t* handle) {
      static_cast<UvLoop*>(handle->data)->AfterSleep();
    });
    uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
      static_cast<UvLoop*>(handle->data)->readable_ = true;
    });
  }
  ~UvLoop() {
    uv_walk(
        &uv_, [](uv_handle_t* handle, void*) { uv_close(handle, nullptr); },
        nullptr);
    uv_run(&uv_, UV_RUN_DEFAULT);
    uv_loop_close(&uv_);
  }

  void Run() { uv_run(&uv_, UV_RUN_DEFAULT); }

 private:
  using JobLoop<Poller>::jobs_;
  using JobLoop<Poller>::loop_;
  using JobLoop<Poller>::stopped_;
  using JobLoop<Poller>::wakes_;

  void BeforeSleep() {
    if (stopped_) return uv_stop(&uv_);
    const auto rest = loop_.Prepare();
    sleeps_ = !rest.work;
    if (rest.work) {  // An idle handle keeps the loop from sleeping.
      uv_idle_start(&idle_, [](uv_idle_t*) {});
    } else if (rest.until != kNever) {
      // The loop's time is of whole milliseconds and may be old: one more, or
      // the timer would be early.
      uv_update_time(&uv_);
      const int wait = loop_.MillisecondsUntil(rest.until);
      uv_timer_start(
          &timer_, [](uv_timer_t*) {},
          wait == 0 ? 0 : static_cast<std::uint64_t>(wait) + 1, 0);
    }
  }

  void AfterSleep() {
    uv_idle_stop(&idle_);
    uv_timer_stop(&timer_);
    loop_.Return(readable_);
    readable_ = false;
    if (sleeps_) ++wakes_;
    jobs_.RunAll();
  }

  uv_loop_t uv_;
  uv_prepare_t prepare_;
  uv_check_t check_;
  uv_idle_t idle_;
  uv_timer_t timer_;
  uv_poll_t poll_;
  bool readable_ = false;
  bool sleeps_ = false;
};

}  // namespace netpoll::examples

#endif  // NETPOLL_EXAMPLES_LOOPS_UV_LOOP_H_
