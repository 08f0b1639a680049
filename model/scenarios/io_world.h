// SPDX-License-Identifier: Apache-2.0
//
// Operations on an open descriptor, by the stages that ship, over a Poller that
// ships and a modelled system: against edges or levels, a close, a deadline and
// one that is moved, the cancellation of their scope, each other in one
// direction or both, a share of the turn that is used up, reads that are
// skipped or that the system carries out. Or all of them for ever:
// io_world_endless.cc.
//
// A task's frame is the thread's own while it runs. While the operation is
// parked its frame is taken away, and whoever touches it is found out.

#ifndef NETPOLL_MODEL_SCENARIOS_IO_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_IO_WORLD_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/core/poller.h"
#include "netpoll/model/scenarios/flight_system.h"
#include "netpoll/model/scenarios/io_cast.h"
#include "netpoll/model/scenarios/model_kernel.h"
#include "netpoll/model/scenarios/runtime_world.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/fd_life.h"
#include "netpoll/runtime/protocols/io_flight.h"
#include "netpoll/runtime/protocols/io_stages.h"
#include "netpoll/runtime/protocols/open_list.h"
#include "netpoll/runtime/protocols/recalls.h"

namespace netpoll::model {

class IoWorld;

// How an operation ended.
struct IoEnd {
  static IoEnd FromErrno(int error) { return {error}; }
  static IoEnd FromPoll(PollError error) { return {-static_cast<int>(error)}; }
  static IoEnd Cancelled() { return {-9}; }
  int error_number() const { return code > 0 ? code : 0; }
  bool gave_up() const {
    return code == Cancelled().code ||
           code == FromPoll(PollError::kTimeout).code;
  }
  int code = 0;
};

class IoWorld : public RuntimeWorld {
 public:
  explicit IoWorld(const IoCast& cast);

  const char* AtRest(const View& view) override;
  const char* Passing(int law) override;
  int Lasting(int law) override { return tasks_[law]; }
  bool Lasts(const View& view, int law) override;

 private:
  using Shipped = Poller<ModelBackend, RuntimeEnv, ModelTimers>;
  using Scope = internal::CancelNode<RuntimeEnv>;
  using Asked = internal::Recallable<RuntimeEnv>;
  class Operation;
  class State;

  struct Scheduler;
  struct OpTask : TaskOfThread {
    struct Later {};
    OpTask() = default;
    explicit OpTask(Later) {}

    void (*run)(OpTask*) = nullptr;
    Scheduler* home = nullptr;
  };

  // The runtime, as an operation sees it.
  struct Scheduler {
    bool reports_levels() const { return world->cast_.levels; }
    static bool stopping() { return false; }
    bool EnterGuest();
    void LeaveGuest();
    struct Timer {
      std::int64_t until = 0;
    };
    bool StartTimer(Timer*, std::int64_t);
    bool StopTimer(Timer*);

    PollError Reset(Shipped::Desc* desc, Mode direction);
    WaitResult Park(Shipped::Desc* desc, Mode direction, OpTask* task,
                    WaitKind kind);
    WaitResult Resume(Shipped::Desc* desc, Mode direction, OpTask* task);
    WaitResult Waited(WaitResult wait, OpTask* task);

    Scheduler* const scheduler = this;  // As a home.
    IoWorld* world = nullptr;
    internal::OpenList<RuntimeEnv> open;
  };

  struct Host {
    static bool Pay();
    static bool ShareIsLeft();
    static void Moved(std::size_t) {}
    static void Settle(OpTask& task, Scheduler* fallback);
    static void GoLast(OpTask& task);
    static std::int64_t Now();
    static void Expect(int) {}
    static void Resume(int task);
    static IoEnd StatusOf(internal::CancelReason) { return IoEnd::Cancelled(); }
    static int Watch(State& fd);
    static void Recall(State& fd, Mode direction);
  };

  struct Types {
    using Env = RuntimeEnv;
    using Op = Operation;
    using TaskWaiter = OpTask;
    using Fd = State;
    using Status = IoEnd;
    using Seat = Scope::Seat;
    using Task = int;
    using Host = IoWorld::Host;
  };

  // A plain field of whoever has the direction.
  struct Drained {
    operator bool() const { return drained.Get(); }  // NOLINT: stands for one.
    Drained& operator=(bool now) {
      drained.Set(now);
      return *this;
    }
    RuntimeEnv::Var<bool> drained;
  };

  // The lock, and what becomes of who parks in it.
  struct WatchedLock {
    LockOutcome Acquire(Mode direction) { return lock.Acquire(direction); }
    template <class F>
    ParkOutcome Park(Mode direction, OpTask* task, F cancelled);
    bool PassOn(Mode direction, WaiterList& wake) {
      return lock.PassOn(direction, wake);
    }
    void Forgo(Mode direction) { lock.Forgo(direction); }
    bool AddReference() { return lock.AddReference(); }
    bool closed() const { return lock.closed(); }
    DescriptorLock<RuntimeEnv>& lock;
    IoWorld& world;
  };

  class State : public internal::FdLife<RuntimeEnv, State> {
   public:
    State(IoWorld& owner, Shipped::Desc* opened);

    void Ref() {
      if (!world.quiet_) FdLife::Ref();
    }
    void Nudge(Mode direction) {
      PollResult result = world.poller_.Nudge(desc, direction);
      Runnable(result);
    }
    Scheduler::Timer* Retry(Mode) { return &timer_; }
    bool unwatched() const { return world.cast_.flies; }

    // FdLife's side.
    static bool LeftBehind() { return false; }
    internal::OpenList<RuntimeEnv>& open_list() { return scheduler.open; }
    void Runnable(Waiter* waiter) { world.Wake(waiter); }
    void Runnable(WaiterList& list) { world.WakeAll(list); }
    void Runnable(PollResult& result) { world.WakeAll(result); }
    PollResult Unblock() { return world.poller_.Unblock(desc); }
    bool CloseByStop() {
      return CloseNow([] {});
    }
    void EndInPoller() { world.poller_.Close(desc); }
    static bool EndElsewhere() { return false; }
    void CloseSystem();
    void Free() { world.Free(*world.thread_, memory); }

    IoWorld& world;
    Scheduler& scheduler;
    Scheduler& poller = scheduler;
    Shipped::Desc* const desc;
    WatchedLock lock;
    const bool socket = true;
    bool short_reads_drain = false;
    Drained drained;
    internal::Flight<RuntimeEnv> flight;
    std::unique_ptr<Asked> call;  // Where it is a ring's.
    RuntimeEnv::Var<int> buffer;  // Of the call.
    int memory = 0;

   private:
    Scheduler::Timer timer_;  // Of whoever has the direction.
  };

  class Operation : public internal::IoStages<Types> {
   public:
    Operation(State& fd, Mode direction)
        : IoStages(&fd, direction,
                   direction == Mode::kRead ? &AttemptRead : &AttemptWrite) {}
    std::size_t bytes() const { return bytes_; }
    IoEnd end() const { return status_; }
    // What the destructor does, which may not be left by the explorer.
    void Goes() {
      if (fd_ != nullptr) fd_->Unref();
    }

    // Declares that, of the thread that runs it, nothing but this operation is
    // carried on.
    void MarkAt(const char* where);

   private:
    static bool AttemptRead(Operation* op) { return op->Read(); }
    static bool AttemptWrite(Operation* op) { return op->Write(); }
    void NoteTry();
    bool Read();
    bool Write();
    bool ReadByCall();
  };

  // Where an operation is parked: its thread's note.
  enum class Place : std::uint8_t { kNowhere, kPoller, kQueue, kRunnable };
  struct OperationNote {
    Place place = Place::kNowhere;
    bool tried = false;      // Since it was last told of readiness.
    std::uint8_t tries = 0;  // None, one, more.
  };

  // --- Steps of the system --------------------------------------------------

  // Of what there is to read: bit 0 bytes, bit 1 the end of the stream.
  static constexpr std::uint8_t kBytes = 1, kEndOfStream = 2;
  // With a report, or without: it never comes, or levels are looked at.
  static Step Speaks(Kernel& kernel, std::int64_t what);
  static Step Whispers(Kernel& kernel, std::int64_t what);
  static Step MakesRoom(Kernel& kernel, std::int64_t reports);
  // 0 would block, or what there was.
  static Step Reads(Kernel& kernel, std::int64_t);
  static Step Writes(Kernel& kernel, std::int64_t);
  // The same if it changes anything: otherwise it does not come.
  template <Step (*kStep)(Kernel&, std::int64_t)>
  static Step IfNew(Kernel& kernel, std::int64_t what) {
    const Kernel before = kernel;
    kStep(kernel, what);
    return kernel == before ? std::nullopt : Step{0};
  }
  static Step Passes(Kernel& kernel, std::int64_t) {
    kernel.in_time = kernel::ReadyNow(kernel);
    return 0;
  }
  // A timer that is armed is not any more; 0 if there is none.
  static Step TakeTimer(int& armed, std::int64_t) {
    return std::exchange(armed, 0);
  }
  static Step WaitTimer(int& armed, std::int64_t) {
    if (armed == 0) return std::nullopt;
    armed = 0;
    return 0;
  }
  static Step TimePasses(int& passed, std::int64_t) {
    if (passed == 0) passed = 1;
    return 0;
  }
  static Step InTime(Kernel& kernel, std::int64_t mode) {
    return (kernel.in_time & mode) != 0 ? 1 : 0;
  }

  // --- Threads --------------------------------------------------------------

  Operation& operation(int task) {
    return *reinterpret_cast<Operation*>(frames_[task]);
  }
  int NumberOf(const OpTask* task) {
    int number = 0;
    while (task != &operation(number)) ++number;
    return number;
  }
  int tasks() const { return cast_.readers + cast_.writers; }
  Mode DirectionOf(int task) const {
    return task < cast_.readers ? Mode::kRead : Mode::kWrite;
  }
  // Those that are used.
  Mode Directions() const {
    return static_cast<Mode>((cast_.readers > 0 ? 1 : 0) |
                             (cast_.writers > 0 ? 2 : 0));
  }
  void Enter(Thread& thread);
  void Make(int task);
  void TakeAway(OpTask* task, Place place);
  void GiveBack(int task);
  bool Untouched(int task) const;
  void Ends(int task);
  bool AllLeft(const View& view) const;
  bool HasCome(const View& view, int task) const;
  bool TimeHasPassed(const View& view, int task) const;
  bool IsCancelled(const View& view) const;
  void Judge(IoEnd end, std::size_t bytes, int task);
  void Operate(Thread& thread, int task);
  void User(Thread& thread, int task);
  void Wake(Waiter* waiter);
  void WakeAll(WaiterList& list) {
    while (Waiter* const waiter = list.Pop()) Wake(waiter);
  }
  void WakeAll(PollResult& result) {
    WakeAll(result.ready);
    poller_.AdjustWaiters(result.waiters_delta);
  }
  void Closes(Thread& thread);
  void Awaits(Thread& thread);
  void Rests(Thread& thread);
  void CarriesOut();
  void WorkInRing(Thread& thread, int me);
  void RecallElsewhere(int carrier);
  void JudgeCall(int task);
  void AddStimuli();
  void AddPeers();
  // For ever.
  void CancelsAgain(Thread& thread);
  void LeavesScope();
  void SetsAgain(Thread& thread);
  void PassesAgain(Thread& thread);
  friend Host;
  static inline thread_local IoWorld* running_ = nullptr;

  const IoCast cast_;
  KernelObject kernel_;
  FlightObject system_;
  Shipped& poller_;
  Scheduler scheduler_, elsewhere_;
  std::unique_ptr<State> state_;
  std::unique_ptr<internal::RecallBox<RuntimeEnv>> boxes_[2];
  Int closed_{0};  // By the system.
  Int guests_{0};
  Int resting_{0};  // A timer is armed.
  Int time_{0};     // Rests that are over.
  Int passed_{0};   // 1: the deadline has; 2: it is taken back.
  Scope scope_;
  Scope::Seat seat_;
  // Of the scope that is there for ever.
  enum : int { kNotCancelled, kSaid, kTold };
  Int cancelled_{kNotCancelled};
  // Of the clock that is: 1 it acts, 2 and a deadline was set meanwhile.
  Int acting_{0};
  TaskOfThread closer_;
  std::vector<int> tasks_;
  int closing_ = -1, canceller_ = -1, clock_ = -1;
  ObjectOf<StatusWord>* status_ = nullptr;

  // Of the run that is under way.
  Thread* thread_ = nullptr;
  bool quiet_ = false;
  int ended_ = 0;  // Times that the operation has resumed its task.
  IoEnd end_;
  std::size_t bytes_ = 0;
  bool begins_ = false;  // The operation suspends, and is not yet resumed.
  static constexpr int kTasks = 3;
  bool away_[kTasks] = {};
  static constexpr std::size_t kFrame = 256;
  alignas(16) std::byte frames_[kTasks][kFrame];
  std::byte kept_[kTasks][kFrame];
};

template <class F>
ParkOutcome IoWorld::WatchedLock::Park(Mode direction, OpTask* task,
                                       F cancelled) {
  const ParkOutcome parks = lock.Park(direction, task, cancelled);
  if (parks == ParkOutcome::kParked) {
    world.TakeAway(task, Place::kQueue);
  } else if (parks == ParkOutcome::kAgain) {
    static_cast<Operation*>(task)->MarkAt("again");
  }
  return parks;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_IO_WORLD_H_
