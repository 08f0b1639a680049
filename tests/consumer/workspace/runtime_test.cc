// SPDX-License-Identifier: Apache-2.0
// A task that runs to its end in a program that knows netpoll from outside.
#include "netpoll/runtime/runtime.h"

#include <chrono>

#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/loop_rest.h"
#include "netpoll/runtime/runtime_options.h"
#include "netpoll/runtime/task.h"

namespace {

netpoll::Task<> Nap(netpoll::Runtime& runtime, bool* woken) {
  *woken = co_await runtime.Sleep(std::chrono::milliseconds(1));
}

}  // namespace

int main() {
  netpoll::Runtime runtime;
  bool woken = false;
  runtime.Spawn(Nap(runtime, &woken));
  return runtime.Run().ok() && woken ? 0 : 1;
}
