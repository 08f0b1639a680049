// SPDX-License-Identifier: Apache-2.0
//
// An open descriptor of a runtime from its first to its last: operations that
// use it, one that is cancelled, a task that awaits its close, a handle that is
// dropped, a rest's timer, a system's close that is done elsewhere, and Stop,
// against one that is just being opened too.

#ifndef NETPOLL_MODEL_SCENARIOS_FD_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_FD_WORLD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/model/scenarios/model_times.h"
#include "netpoll/model/scenarios/runtime_world.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/fd_life.h"
#include "netpoll/runtime/protocols/timetable.h"

namespace netpoll::model {

struct FdCast {
  int operations = 0;
  bool event = false;      // They may be woken by readiness.
  bool rests = false;      // They rest, until a time.
  bool awaits = false;     // A task awaits its close.
  bool drops = false;      // The handle is dropped.
  bool elsewhere = false;  // The system's close is done by a thread of its own.
  bool stops = false;
  bool opens = false;  // Another one is opened meanwhile.
  bool frees = false;  // The runtime goes when the system has closed it.
  // The last operation is in a scope, which is cancelled.
  bool cancels = false;
};

class FdWorld : public RuntimeWorld {
 public:
  explicit FdWorld(const FdCast& cast);

  const char* AtRest(const View& view) override;

 private:
  // A descriptor as the poller and the system know it.
  struct Known {
    bool begun = false;  // Somebody else than Stop is closing it.
    bool closing = false;
    bool ready = false;
    std::uint8_t parked = 0;  // The operation that is, from 1 on.
    std::uint8_t inside = 0;  // Operations that have the direction.
    std::uint8_t ended = 0;   // Deregistered.
    std::uint8_t closed = 0;  // By the system.
    friend bool operator==(const Known&, const Known&) = default;
    std::string Text() const {
      return std::string(closed != 0  ? "closed"
                         : ended != 0 ? "deregistered"
                         : closing    ? "closing"
                                      : "open") +
             (parked != 0 ? ", a task is parked" : "");
    }
  };

  struct Timed {
    using Due = void (*)(Timed*);
    explicit Timed(Due called) : due(called) {}
    const Due due;
    int timer_number = 0;
  };
  // Nobody sleeps here.
  struct Sleeper : TaskOfThread, Timed {
    std::int64_t When() const { return 0; }
  };
  struct Types {
    using Timed = FdWorld::Timed;
    using Sleeper = FdWorld::Sleeper;
    using Heap = ModelTimes<Timed>;
  };

  class State;
  class Host : public internal::Timetable<RuntimeEnv, Host, Types> {
   public:
    Host() { times_.HaveRoomFor(ModelClock::kTimers); }
    ModelTimes<Timed>& times() { return times_; }

    void Shut() { open.Shut(); }
    void CloseAllOpen() { State::CloseAll(open); }
    void DeadlineMoved(std::int64_t when) { times_.Moved(when); }
    std::int64_t Now() { return times_.Now(); }

    internal::OpenList<RuntimeEnv> open;
  };

  class State : public internal::FdLife<RuntimeEnv, State>, public Timed {
   public:
    State(FdWorld& owner, ObjectOf<Known>& system, int number)
        : Timed(&State::RestEnds), world(owner), known(system) {
      timer_number = number;
    }

    static bool LeftBehind() { return false; }
    internal::OpenList<RuntimeEnv>& open_list() { return world.host_->open; }
    void Runnable(Waiter* waiter) { world.Wake(waiter); }
    void Runnable(WaiterList& list) {
      while (Waiter* const waiter = list.Pop()) world.Wake(waiter);
    }
    void Runnable(PollResult& result) { Runnable(result.ready); }
    PollResult Unblock();
    void Nudge(Mode);
    bool CloseByStop() {
      return CloseNow([] {});
    }
    void EndInPoller();
    bool EndElsewhere();
    void CloseSystem();
    void Free() { world.Free(*world.thread_, memory); }

    FdWorld& world;
    ObjectOf<Known>& known;
    int memory = 0;

   private:
    static void RestEnds(Timed* self) {
      static_cast<State*>(self)->RestIsDue(Mode::kRead);
    }
    PollResult Woken(const char* site, Step (*step)(Known&, std::int64_t)) {
      PollResult result;
      const int task = Thread::Call(site, known, step);
      if (task != 0) result.Add(&world.operations_[task - 1]);
      return result;
    }
  };

  // --- Steps of the environment ---------------------------------------------

  static Step TakeParked(Known& known, std::int64_t) {
    return std::exchange(known.parked, 0);
  }
  static Step Unblock(Known& known, std::int64_t) {
    known.closing = true;
    return std::exchange(known.parked, 0);
  }
  // 0: it is parked.
  static Step ParkIn(Known& known, std::int64_t task) {
    if (known.closing || known.ready) return 1;
    known.parked = static_cast<std::uint8_t>(task);
    return 0;
  }
  // Who is told to look again finds that it would block. 0: it is parked, 1: it
  // was told meanwhile.
  static Step ParkAgain(Known& known, std::int64_t task) {
    if (known.closing) return 2;
    if (std::exchange(known.ready, false)) return 1;
    known.parked = static_cast<std::uint8_t>(task);
    return 0;
  }
  static Step Comes(Known& known, std::int64_t) {
    known.ready = true;
    return std::exchange(known.parked, 0);
  }
  static constexpr int kWrong = 1;
  static Step EnterIn(Known& known, std::int64_t) {
    ++known.inside;
    return known.ended != 0 || known.inside > 1 ? kWrong : 0;
  }
  static Step Leave(Known& known, std::int64_t) {
    --known.inside;
    return 0;
  }
  static Step Deregister(Known& known, std::int64_t) {
    ++known.ended;
    return known.ended > 1 || known.inside != 0 || !known.closing ? kWrong : 0;
  }
  static Step CloseIn(Known& known, std::int64_t) {
    ++known.closed;
    return known.closed > 1 || known.ended != 1 ? kWrong : 0;
  }

  static Step WasClosed(Known& known, std::int64_t) { return known.closed; }
  static Step HasEnded(Known& known, std::int64_t) { return known.ended; }
  static Step Begin(Known& known, std::int64_t) {
    known.begun = true;
    return 0;
  }
  static Step IsClosing(Known& known, std::int64_t) {
    return known.closing || known.begun;
  }

  // --- Scopes ---------------------------------------------------------------

  using Scope = internal::CancelNode<RuntimeEnv>;
  bool InScope(int operation) const {
    return cast_.cancels && operation == cast_.operations - 1;
  }
  bool IsCancelled(int operation) {
    return InScope(operation) &&
           scope_.reason() != internal::CancelReason::kNone;
  }
  static void Interrupt(void* whom, internal::CancelReason) {
    auto* const world = static_cast<FdWorld*>(whom);
    world->states_[0]->Interrupt(
        Mode::kRead, &world->operations_[world->cast_.operations - 1]);
  }

  // --- Threads --------------------------------------------------------------

  void Wake(Waiter* waiter);
  void LookWhetherAllWereTold();
  void Operation(Thread& thread, int number);
  bool Operates(Thread& thread, int number);
  void WaitsInScope(Thread& thread, int number);
  void Awaits(Thread& thread);
  void Drops(Thread& thread);
  void ClosesElsewhere(Thread& thread);
  void Stops(Thread& thread);
  void Opens(Thread& thread);
  void Worker(Thread& thread);
  void Goes(Thread& thread);
  void MakeState(int number, const char* name);
  bool EndedAll(const View& view, const std::vector<int>& threads) const;

  const FdCast cast_;
  std::unique_ptr<Host> host_;
  int host_memory_ = 0;
  ObjectOf<Known> known_[2];
  std::unique_ptr<State> states_[2];
  Int elsewhere_{0};
  Int entered_{0};  // The other one was opened, 2: or refused.
  TaskOfThread operations_[2];
  Scope scope_;
  Scope::Seat seat_;  // Of the last operation.
  int canceller_ = -1;
  TaskOfThread closer_;
  std::vector<int> users_;  // Who have references to the first one's memory.
  std::vector<int> operating_;
  int awaiter_ = -1;
  int stopper_ = -1;
  // Of the run that is under way.
  Thread* thread_ = nullptr;
  bool stops_here_ = false;
};

inline void AddFdScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, FdCast cast) {
    AddScenario<FdWorld>(all, name, about, cast);
  };
  add("fd-close", "a close is awaited while an operation waits",
      {.operations = 1, .event = true, .awaits = true});
  add("fd-close-two", "two operations take turns",
      {.operations = 2, .event = true, .awaits = true});
  add("fd-cancel", "one that waits for its turn is cancelled",
      {.operations = 2, .cancels = true});
  add("fd-cancel-drop", "and the handle is dropped meanwhile",
      {.operations = 1, .drops = true, .cancels = true});
  add("fd-drop", "the handle is dropped",
      {.operations = 1, .event = true, .drops = true});
  add("fd-drop-close", "and a task awaits its close",
      {.operations = 1, .awaits = true, .drops = true});
  add("fd-elsewhere", "the system's close is done by another thread",
      {.operations = 1, .awaits = true, .drops = true, .elsewhere = true});
  add("fd-last-end", "the runtime goes when another thread closed the last one",
      {.drops = true, .frees = true});
  add("fd-stop", "Stop finds one that is in use",
      {.operations = 1, .drops = true, .stops = true});
  add("fd-stop-close", "and is being closed",
      {.operations = 1, .awaits = true, .stops = true});
  add("fd-stop-open", "and one that is just being opened",
      {.drops = true, .stops = true, .opens = true});
  add("fd-rest", "an operation rests",
      {.operations = 1, .rests = true, .drops = true});
  add("fd-rest-stop", "and all is stopped",
      {.operations = 1, .rests = true, .stops = true});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_FD_WORLD_H_
