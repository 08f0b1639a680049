// SPDX-License-Identifier: Apache-2.0
//
// Event: open or not; tasks and threads wait until it is.

#ifndef NETPOLL_RUNTIME_EVENT_H_
#define NETPOLL_RUNTIME_EVENT_H_

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/gate.h"
#include "netpoll/runtime/queue_wait.h"

namespace netpoll {
namespace internal {

class GateWait : public QueueWait {
 public:
  explicit GateWait(Gate<StdEnv>& gate) : gate_(gate) {
    entry_.wakeup = own_wakeup();
  }
  IoStatus await_resume() { return Ended(); }

 protected:
  bool TryNow() override { return gate_.is_open(); }
  bool Join() override { return gate_.Join(&entry_); }
  bool Leave() override { return gate_.Leave(&entry_); }
  const char* What() const override { return "an event"; }

 private:
  Gate<StdEnv>& gate_;
  QueueEntry<StdEnv> entry_;
};

}  // namespace internal

// Any member from any thread; nothing blocks. What was written before Set is
// visible to whoever a Wait lets go on because of it. Those who wait when it is
// set go on, though it may be reset before they run. It must outlive its waits,
// or this stops the process; a task that was let go on may destroy it once Set
// has returned.
class Event {
 public:
  Event() = default;
  ~Event() {
    if (!gate_.nobody_waits()) {
      StdEnv::Misuse("an Event was destroyed while tasks wait for it");
    }
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // co_await Wait(): ok; or cancelled(), timeout(), closing(), and it was not
  // set while this waited.
  internal::GateWait Wait() { return internal::GateWait(gate_); }
  void Set() {
    WaiterList wake;
    gate_.Open(wake);
    internal::WakeWaiters(wake);
  }
  void Reset() { gate_.Shut(); }
  bool is_set() { return gate_.is_open(); }

 private:
  internal::Gate<StdEnv> gate_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_EVENT_H_
