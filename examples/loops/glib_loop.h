// SPDX-License-Identifier: Apache-2.0
//
// The poller as a source of GLib's main loop. A source is asked before the
// sleep whether it is ready and how long the loop may sleep, and after it
// whether its descriptor is; then it is dispatched. A source of a higher
// priority may keep the loop from the second question: the next Prepare makes
// up for it.

#ifndef NETPOLL_EXAMPLES_LOOPS_GLIB_LOOP_H_
#define NETPOLL_EXAMPLES_LOOPS_GLIB_LOOP_H_

#include <glib.h>

#include <cstdint>

#include "netpoll/core/types.h"
#include "netpoll/examples/loops/job.h"

namespace netpoll::examples {

template <class Poller>
class GlibLoop : public JobLoop<Poller> {
 public:
  explicit GlibLoop(Poller& poller)
      : JobLoop<Poller>(poller),
        context_(g_main_context_new()),
        main_(g_main_loop_new(context_, FALSE)) {
    static GSourceFuncs functions = {
        .prepare = [](GSource* source, int* wait) -> gboolean {
          return Of(source)->BeforeSleep(wait);
        },
        .check = [](GSource* source) -> gboolean {
          return Of(source)->AfterSleep();
        },
        .dispatch = [](GSource* source, GSourceFunc, void*) -> gboolean {
          return Of(source)->Dispatch();
        },
        .finalize = nullptr,
        .closure_callback = nullptr,
        .closure_marshal = nullptr};
    source_ = g_source_new(&functions, sizeof(Source));
    reinterpret_cast<Source*>(source_)->self = this;
    tag_ = g_source_add_unix_fd(source_, loop_.descriptor(), G_IO_IN);
    // Else the loop takes the descriptor out while it dispatches, and wakes
    // itself when it puts it back.
    g_source_set_can_recurse(source_, TRUE);
    g_source_attach(source_, context_);
  }
  ~GlibLoop() {
    g_source_destroy(source_);
    g_source_unref(source_);
    g_main_loop_unref(main_);
    g_main_context_unref(context_);
  }

  void Run() { g_main_loop_run(main_); }

 private:
  using JobLoop<Poller>::jobs_;
  using JobLoop<Poller>::loop_;
  using JobLoop<Poller>::stopped_;
  using JobLoop<Poller>::wakes_;

  struct Source {
    GSource base;
    GlibLoop* self;
  };
  static GlibLoop* Of(GSource* source) {
    return reinterpret_cast<Source*>(source)->self;
  }

  bool BeforeSleep(int* wait) {
    const auto rest = loop_.Prepare();
    *wait = rest.work ? 0 : loop_.MillisecondsUntil(rest.until);
    return rest.work;
  }
  bool AfterSleep() {
    loop_.Return((g_source_query_unix_fd(source_, tag_) & G_IO_IN) != 0);
    ++wakes_;
    return this->WorkVisible();
  }
  bool Dispatch() {
    jobs_.RunAll();
    if (stopped_) g_main_loop_quit(main_);
    return true;
  }

  GMainContext* context_;
  GMainLoop* main_;
  GSource* source_ = nullptr;
  void* tag_ = nullptr;
};

}  // namespace netpoll::examples

#endif  // NETPOLL_EXAMPLES_LOOPS_GLIB_LOOP_H_
