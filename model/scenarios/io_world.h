// SPDX-License-Identifier: Apache-2.0
//
// Operations on an open descriptor, by the stages that ship, over a Poller that
// ships and a modelled system: against edges, a close, a deadline and one that
// is moved, the cancellation of their scope, each other in one direction, a
// share of the turn that is used up, and reads that are skipped.
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
#include "netpoll/model/scenarios/model_kernel.h"
#include "netpoll/model/scenarios/runtime_world.h"
#include "netpoll/runtime/protocols/cancel_node.h"
#include "netpoll/runtime/protocols/fd_life.h"
#include "netpoll/runtime/protocols/io_stages.h"
#include "netpoll/runtime/protocols/open_list.h"

namespace netpoll::model {

struct IoCast {
  int readers = 1;           // Tasks that read, in one direction.
  int reads = 1;             // By each, one after the other.
  int pieces = 1;            // Of a read that goes on until it has so many.
  int edges = 1;             // What the peer may say.
  bool spoken = false;       // And has said already, with its report.
  bool late = false;         // A report may come of what was taken before.
  bool ends = false;         // And then the peer may end the stream.
  bool skips = false;        // A short read is followed by a wait.
  bool skips_first = false;  // The last one, before the story begins, was.
  bool yields = false;       // The share of the turn may be used up.
  int rests = 0;             // No event tells; so many rests come to their end.
  bool closes = false;
  bool awaits = false;    // The close is awaited by a task.
  bool deadline = false;  // Is set, and may pass.
  bool moves = false;     // It may be taken back.
  bool cancels = false;   // The first task's scope.
  bool guest = false;     // The first task is another runtime's.
};

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

 private:
  using Shipped = Poller<ModelBackend, RuntimeEnv, ModelTimers>;
  using Scope = internal::CancelNode<RuntimeEnv>;
  class Operation;
  class State;

  struct Scheduler;
  struct OpTask : TaskOfThread {
    void (*run)(OpTask*) = nullptr;
    Scheduler* home = nullptr;
  };

  // The runtime, as an operation sees it.
  struct Scheduler {
    Scheduler& poller() { return *this; }
    static bool reports_levels() { return false; }
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
    static void Resume(int task);
    static IoEnd StatusOf(internal::CancelReason) { return IoEnd::Cancelled(); }
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
    operator bool() const { return field.Get(); }  // NOLINT: stands for one.
    Drained& operator=(bool drained) {
      field.Set(drained);
      return *this;
    }
    RuntimeEnv::Var<bool> field;
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
    Shipped::Desc* const desc;
    WatchedLock lock;
    const bool socket = true;
    bool short_reads_drain = false;
    Drained drained;
    int memory = 0;

   private:
    Scheduler::Timer timer_;  // Of whoever has the direction.
  };

  class Operation : public internal::IoStages<Types> {
   public:
    explicit Operation(State& fd) : IoStages(&fd, Mode::kRead, &Attempt) {}
    std::size_t bytes() const { return bytes_; }
    IoEnd end() const { return status_; }
    // What the destructor does, which may not be left by the explorer.
    void Goes() {
      if (fd_ != nullptr) fd_->Unref();
    }

   private:
    static bool Attempt(Operation* op) { return op->Read(); }
    bool Read();
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
  static Step Speaks(Kernel& kernel, std::int64_t what);
  // 0 would block, or what there was.
  static Step Reads(Kernel& kernel, std::int64_t);
  static Step Passes(Kernel& kernel, std::int64_t) {
    kernel.in_time = kernel.unread;
    return 0;
  }
  static Step Whispers(Kernel& kernel, std::int64_t);
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
  static Step InTime(Kernel& kernel, std::int64_t) { return kernel.in_time; }

  // --- Threads --------------------------------------------------------------

  Operation& operation(int reader) {
    return *reinterpret_cast<Operation*>(frames_[reader]);
  }
  int ReaderOf(const OpTask* task) { return task == &operation(0) ? 0 : 1; }
  void Enter(Thread& thread);
  void Make(int reader);
  void TakeAway(OpTask* task, Place place);
  void GiveBack(int reader);
  bool Untouched(int reader) const;
  void Ends(int reader);
  bool AllLeft(const View& view) const;
  void Judge(IoEnd end, std::size_t bytes);
  void Operate(Thread& thread, int reader);
  void Reader(Thread& thread, int reader);
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
  void AddStimuli();

  friend Host;
  static inline thread_local IoWorld* running_ = nullptr;

  const IoCast cast_;
  KernelObject kernel_;
  Shipped& poller_;
  Scheduler scheduler_, elsewhere_;
  std::unique_ptr<State> state_;
  Int closed_{0};  // By the system.
  Int guests_{0};
  Int resting_{0};  // A timer is armed.
  Int time_{0};     // Rests that are over.
  Int passed_{0};   // 1: the deadline has; 2: it is taken back.
  Scope scope_;
  Scope::Seat seat_;
  TaskOfThread closer_;
  std::vector<int> readers_;
  int closing_ = -1, awaiter_ = -1, canceller_ = -1, clock_ = -1;

  // Of the run that is under way.
  Thread* thread_ = nullptr;
  bool quiet_ = false;
  int ended_ = 0;  // Times that the operation has resumed its task.
  IoEnd end_;
  std::size_t bytes_ = 0;
  bool away_[2] = {};
  static constexpr std::size_t kFrame = 256;
  alignas(16) std::byte frames_[2][kFrame];
  std::byte kept_[2][kFrame];
};

template <class F>
ParkOutcome IoWorld::WatchedLock::Park(Mode direction, OpTask* task,
                                       F cancelled) {
  const ParkOutcome parks = lock.Park(direction, task, cancelled);
  if (parks == ParkOutcome::kParked) world.TakeAway(task, Place::kQueue);
  return parks;
}

inline void AddIoScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, IoCast cast) {
    AddScenario<IoWorld>(all, name, about, cast);
  };
  add("io-read", "a task reads what may come", {});
  add("io-two-edges", "and more may come meanwhile", {.reads = 2, .edges = 2});
  add("io-close", "a read against a close", {.closes = true});
  add("io-close-await", "which is awaited", {.closes = true, .awaits = true});
  add("io-deadline", "a read against its deadline", {.deadline = true});
  add("io-deadline-moves", "which may be taken back",
      {.deadline = true, .moves = true});
  add("io-cancel", "a read against the cancellation of its scope",
      {.cancels = true});
  add("io-cancel-late", "a report may come of what was taken before",
      {.edges = 0, .late = true, .cancels = true});
  add("io-cancel-close", "and a close",
      {.edges = 0, .closes = true, .cancels = true});
  add("io-queue", "two tasks read, and one waits for its turn",
      {.readers = 2, .edges = 2});
  add("io-queue-yield", "the share of the turn may be used up",
      {.readers = 2, .yields = true});
  add("io-queue-close", "and a close",
      {.readers = 2, .edges = 0, .closes = true});
  add("io-queue-cancel", "and one of them is cancelled",
      {.readers = 2, .edges = 0, .cancels = true});
  add("io-queue-guest", "and one of them is a guest",
      {.readers = 2, .guest = true});
  add("io-skip", "a short read, and the next one waits at once",
      {.reads = 2, .edges = 2, .skips = true});
  add("io-skip-end", "the stream may end meanwhile",
      {.reads = 2, .edges = 1, .ends = true, .skips = true});
  add("io-skip-spoken", "and there is something to begin with",
      {.reads = 2, .edges = 0, .spoken = true, .ends = true, .skips = true});
  add("io-skip-cancel", "the read that waits at once is cancelled",
      {.skips = true, .skips_first = true, .cancels = true});
  add("io-skip-queue", "and another task is behind it",
      {.readers = 2, .edges = 2, .skips = true, .skips_first = true});
  add("io-yield", "the share of the turn may be used up", {.yields = true});
  add("io-yield-close", "and a close", {.yields = true, .closes = true});
  add("io-pieces", "a read that goes on, in this turn or the next",
      {.pieces = 2, .edges = 2, .yields = true});
  add("io-pieces-cancel", "and may be cancelled",
      {.pieces = 2, .yields = true, .cancels = true});
  add("io-rest", "no event tells, and it tries again after a rest",
      {.rests = 2});
  add("io-rest-close", "and a close", {.rests = 1, .closes = true});
  add("io-rest-deadline", "and a deadline", {.rests = 1, .deadline = true});
  add("io-rest-cancel", "and a cancellation", {.rests = 1, .cancels = true});
  add("io-guest", "a task of another runtime reads", {.guest = true});
  add("io-guest-close", "and a close", {.closes = true, .guest = true});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_IO_WORLD_H_
