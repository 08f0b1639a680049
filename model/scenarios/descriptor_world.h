// SPDX-License-Identifier: Apache-2.0
//
// One descriptor in a shipped Poller, and everybody who may touch it. Which of
// them are there, and how often they act, is a Cast; every stimulus may also
// never come, because a later one would rescue a lost wake-up.

#ifndef NETPOLL_MODEL_SCENARIOS_DESCRIPTOR_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_DESCRIPTOR_WORLD_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "netpoll/core/poller.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/engine/world.h"
#include "netpoll/model/laws/parking_laws.h"
#include "netpoll/model/model_env.h"
#include "netpoll/model/scenarios/model_kernel.h"

namespace netpoll::model {

struct DeadlineMove {
  Mode mode;
  Deadline deadline;
};

struct Cast {
  int read_rounds = 0;  // Reads that the reader wants, each blocking.
  int write_rounds = 0;
  WaitKind read_kind = WaitKind::kOrError;
  bool retry_timeouts = false;  // A timeout ends the round, not the reader.
  bool ready_first = false;     // A wait must look for readiness, then errors.
  int read_edges = 0;           // Edges that the peer may cause.
  int write_edges = 0;
  int both_edges = 0;
  int error_events = 0;
  int errors_before = 0;         // Pure error reports before the story begins.
  bool errors_are_news = false;  // An error ends a call, as any edge does.
  bool retry_told =
      false;  // Being told of errors ends the round, not the reader.
  // The reader's reads take all there is, and the next one relies on that: it
  // skips Reset and the call, and waits. `drained_first`: so does its first.
  bool short_reads = false;
  bool drained_first = false;
  int pollers = 1;  // Threads that poll, if there is any edge.
  // Their polls take the turn of those that block. Two, against the rule, must
  // be noticed.
  bool blocking = false;
  std::vector<std::vector<DeadlineMove>> setters;  // One thread each.
  // They keep nothing open: each names the incarnation that it means, the
  // first.
  bool setters_name = false;
  std::int64_t first_deadline = 0;   // The reader's, when the story begins.
  std::vector<std::int64_t> times;   // The clock may come to each, in order.
  int clocks = 1;                    // Threads that look at it.
  bool asks = false;                 // The backend asks before a timeout.
  int closers = 0;                   // 1: unblock, wait for the users, close.
  bool reopen = false;               // The closer opens the descriptor again.
  int second_rounds = 0;             // Reads of the next incarnation's reader.
  std::int64_t second_deadline = 0;  // Set after the descriptor was reopened,
  Mode second_mode = Mode::kRead;    // for this direction.
  bool open_may_fail = false;        // When the closer opens it again.
  bool two_readers = false;          // Against the rule: it must be noticed.
  bool close_early = false;          // The closer does not wait for the users.
  bool looks_at_both = false;        // A Close must look at both directions.
  bool unblock_twice = false;
  bool no_unblock = false;
  // Runs of any length: whoever is there goes on for ever, and the closer opens
  // again. Numbers of rounds, edges and reports say only who is there; a setter
  // chooses one of its moves each time, the clock one of its times. No report
  // is held across three closes, since numbers have two bits here
  // (docs/explorer.md).
  bool endless = false;
  // Whoever wakes a task leaves something for it in a plain field; `late`,
  // against the rule, only when the task may run already.
  bool payload = false;
  bool payload_late = false;
  // The closer leaves word, in a plain field, for whoever is told of the close.
  bool told = false;
};

// Who uses the descriptor: it is closed when the last has gone.
struct Users {
  std::uint8_t count = 0;
  std::uint8_t incarnation = 0;
  bool shut = false;  // Of runs of any length: nobody may begin.

  friend bool operator==(const Users&, const Users&) = default;
  std::string Text() const {
    return std::to_string(count) + " in use " + std::to_string(incarnation);
  }
};

// The laws are in descriptor_world_laws.cc, the threads in
// descriptor_world_threads.cc.
class DescriptorWorld : public ParkingWorld {
 public:
  using Env = ModelEnv<2>;
  using Shipped = Poller<ModelBackend, Env, ModelTimers>;
  using Desc = Shipped::Desc;

  explicit DescriptorWorld(const Cast& cast);

  const char* Refines(const Access& access, Value from, Value to) override;
  const char* Invariant(const View& view) override;
  const char* AtRest(const View& view) override;
  bool Watches(const Access& access) override;
  const char* BeforeStep(const View& view, int thread,
                         const Access& access) override;
  bool AllowsStop(const std::string& rule) override;
  const char* Passing(int law) override;
  bool Lasts(const View& view, int law) override;
  int Lasting(int law) override;
  const char* Observed(int thread, const Access& access, Value response,
                       Ghost& ghost) override;

 private:
  struct Task : Waiter {
    int thread = 0;
    Env::Var<int> payload;
  };

  // What a thread that uses the descriptor has seen in this wait: its note.
  struct UserNote {
    std::uint8_t status = 0;      // The flags of the last status word,
    bool looked = false;          // and that there was one.
    bool announced = false;       // It did not look for readiness since.
    bool recheck_failed = false;  // The look before its commit saw an error.
  };
  // What the closer has seen: its note.
  struct CloserNote {
    bool somebody_waits = false;  // In one of the words, before the close.
    std::uint8_t looked_at = 0;   // Words, before the close: Mode's bits.
    std::uint8_t cleared = 0;     // Words, since it opens: Mode's bits.
  };
  static constexpr std::uint8_t kBothWords =
      static_cast<std::uint8_t>(Mode::kReadWrite);

  bool HasInHand(int thread) const;
  bool IsClock(int thread) const;
  // A setter, and what it means is not open any more.
  bool SetsLate(const View& view, int thread, const Access& access) const {
    return cast_.setters_name && thread == setter_ && access.object == state_ &&
           access.op == Op::kSet &&
           status::Generation(view.Of(*status_)) != first_;
  }
  const char* ByTimer(const View& view, int clock, const DescState& next);
  const char* ObservedByCloser(const Access& access, Value response,
                               CloserNote& note);
  const char* ObservedEvent(const Access& access, Value response,
                            InHand& event);
  struct UserInfo;
  const char* ObservedByUser(const UserInfo& user, const Access& access,
                             Value response, UserNote& note);
  const char* AtRestOfStatus(const View& view);
  const char* AtRestOfTasks(const View& view);
  const char* AtRestOfTimers(const View& view);

  void ReportError();
  void FindObjects();
  bool HasReader() const;
  bool HasDeadline(Mode direction) const;
  bool OnlyDeadlines() const;
  void AddThreads();
  void AddUser(const char* name, Mode direction, int rounds, WaitKind kind,
               int incarnation, Task* task);

  void UserBody(Thread& thread, Mode direction, int rounds, WaitKind kind,
                int incarnation, Task* task);
  PollError Wait(Thread& thread, Mode direction, WaitKind kind, int round,
                 Task* task);
  PollError Round(Thread& thread, Mode direction, WaitKind kind, int count,
                  bool short_reads, bool* drained, Task* task);
  void EndlessUserBody(Thread& thread, Mode direction, WaitKind kind,
                       Task* task);
  void EndlessSetterBody(Thread& thread,
                         const std::vector<DeadlineMove>& moves);
  void EndlessClockBody(Thread& thread);
  void EndlessCloserBody(Thread& thread);
  void PollerBody(Thread& thread, int polls);
  void PeerBody(Thread& thread, std::int64_t mode, int edges);
  void SetterBody(Thread& thread, const std::vector<DeadlineMove>& moves);
  void ClockBody(Thread& thread);
  void Expire(Thread& thread, std::int64_t now);
  void CloserBody(Thread& thread);
  std::vector<Task*> TasksOf(Thread& thread, PollResult& result);
  void Release(Thread& thread, PollResult result);
  void Leave() { Thread::Call("user.leave", users_, LeaveStep); }

  static std::optional<int> LeaveStep(Users& users, std::int64_t) {
    --users.count;
    return 0;
  }

  const Cast cast_;
  KernelObject kernel_;
  ObjectOf<Users> users_;
  Shipped& poller_;
  Desc* desc_ = nullptr;
  std::uint32_t first_ = 0;  // The generation of the first incarnation.
  Task tasks_[4];
  Env::Var<int> word_left_;
  int user_count_ = 0;
  int closer_ = -1;
  std::vector<int> clocks_;
  int setter_ = -1;  // The first.
  std::vector<int> pollers_;

  ObjectOf<SemaphoreWord>* slots_[2] = {};
  ObjectOf<StatusWord>* status_ = nullptr;
  ObjectOf<DescState>* state_ = nullptr;
  Object* lock_ = nullptr;
  ObjectOf<ModelTimer>* timer_ = nullptr;
  ObjectOf<std::int32_t>* count_ = nullptr;

  struct UserInfo {
    int thread;
    Mode direction;
    WaitKind kind;
  };
  std::vector<UserInfo> users_info_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_DESCRIPTOR_WORLD_H_
