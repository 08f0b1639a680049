// SPDX-License-Identifier: Apache-2.0
//
// What waits for a time, and how all of it ends when the runtime stops.
//
//   stopping_   1: Stop was called; 0 again by StartAgain, when nobody is
//   about.
//               Stored before anything is ended,
//               looked at after a sleep was started: seq_cst, so that one of
//               the two finds it
//
// A Host, the class that derives from this:
//   void Shut()                     nothing is opened any more
//   void OpenAgain()                it is again; for StartAgain
//   void CloseAllOpen()             what is open
//   void DeadlineMoved(int64 when)  something is due earlier than all was
//   int64 Now()
// A Types:
//   Timed     `due(timed)` is called once when its time has come, by a thread
//             that holds no lock
//   Sleeper   a Timed and a Waiter, with its time When()
//   Heap      of Timed, as core/timer_heap.h

#ifndef NETPOLL_RUNTIME_PROTOCOLS_TIMETABLE_H_
#define NETPOLL_RUNTIME_PROTOCOLS_TIMETABLE_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/protocols/roomless_sleeps.h"
#include "netpoll/runtime/protocols/task_places.h"

namespace netpoll::internal {

template <class Env, class Host, class Types>
class Timetable {
 public:
  using Timed = typename Types::Timed;
  using Sleeper = typename Types::Sleeper;

  bool stopping() const {
    return stopping_.Load("stop.look", Order::kSeqCst) != 0;
  }
  void Stop() {
    stopping_.Store("stop.store", 1, Order::kSeqCst);
    host().Shut();
    host().CloseAllOpen();
    WakeAllSleeps();
  }
  void StartAgain() {
    stopping_.Store("stop.again", 0, Order::kSeqCst);
    host().OpenAgain();
  }

  // `timer` is due at `when`, once. False: there is no memory, and it is not.
  // Stopping it says whether it will not be; otherwise it was, or is right now.
  bool StartTimer(Timed* timer, std::int64_t when) {
    if (!places_.TakeTimer(times_)) return false;
    if (times_.Arm(timer, when)) host().DeadlineMoved(when);
    return true;
  }
  bool StopTimer(Timed* timer) {
    const bool was_there = times_.Remove(timer);
    if (was_there) places_.GiveTimer();
    return was_there;
  }

  // The same for a sleep, which is due whatever memory there is; when all stops
  // it is due at once. Another worker may wake the task and destroy `sleep`
  // before this returns.
  void StartSleep(Sleeper* sleep) {
    ArmSleep(sleep);
    EndSleepsIfStopping();
  }
  // Its two halves, for who may not call `due` in between.
  void ArmSleep(Sleeper* sleep) {
    if (!StartTimer(sleep, sleep->When())) roomless_.Add(sleep);
  }
  // Stop may have looked for sleeps before the last one was there.
  void EndSleepsIfStopping() {
    if (stopping()) WakeAllSleeps();
  }

  void WakeSleeps(std::int64_t now) {
    typename Types::Heap::Firing firing{};
    while (times_.PopDue(now, &firing)) {
      if (firing.owner != &roomless_) places_.GiveTimer();
      firing.owner->due(firing.owner);
    }
  }

 protected:
  void WakeAllSleeps() { WakeSleeps(kNever - 1); }

  typename Types::Heap times_;
  TaskPlaces<Env> places_;

 private:
  using Roomless = RoomlessSleeps<Env, Timetable, Timed, Sleeper>;
  friend Roomless;

  Host& host() { return static_cast<Host&>(*this); }
  bool ArmRoomless(std::int64_t when) { return times_.Arm(&roomless_, when); }
  void DeadlineMoved(std::int64_t when) { host().DeadlineMoved(when); }
  std::int64_t Now() { return host().Now(); }

  Roomless roomless_{*this};
  typename Env::template Atomic<std::uint32_t> stopping_{0};
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_TIMETABLE_H_
