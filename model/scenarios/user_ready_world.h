// SPDX-License-Identifier: Apache-2.0
//
// A descriptor whose readiness lies in user space: no system call stands
// between what the task looks at and the semaphore, as it does where a socket's
// lock orders the two. The word that says how much there is is seq_cst on both
// sides; then the semaphore's word must be too.

#ifndef NETPOLL_MODEL_SCENARIOS_USER_READY_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_USER_READY_WORLD_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "netpoll/core/poll_desc.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/laws/parking_laws.h"
#include "netpoll/model/model_env.h"

namespace netpoll::model {

struct UserReadyCast {
  int fills = 1;
  bool drained_first = false;  // The reader's first wait skips the look.
};

class UserReadyWorld : public ParkingWorld {
 public:
  using Env = ModelEnv<2>;
  using Desc = PollDesc<Env>;

  explicit UserReadyWorld(const UserReadyCast& cast)
      : cast_(cast), desc_(Keep(new Desc(0))) {
    data_.object().name = "data";
    count_.object().name = "waiters";
    ParkingLaws::SetRole(count_.object(), Role::kCount);
    (void)desc_.Open(3);
    desc_.semaphore_word(Mode::kRead);
    ParkingLaws::SetRole(*ObjectAt("inspect.word"), Role::kSemaphore);
    ObjectAt("inspect.word")->name = "rg";
    task_.thread =
        AddThread("reader", [this](Thread& thread) { Reader(thread); });
    laws().SetTaskWord(task_.thread, reinterpret_cast<std::uint64_t>(
                                         static_cast<Waiter*>(&task_)));
    AddThread("filler", [this](Thread& thread) { Filler(thread); });
    Settle();
  }

  const char* AtRest(const View& view) override {
    const bool parked = view.parked(task_.thread);
    return parked && view.Of(data_.object()) >
                         view.note(task_.thread).As<ReaderNote>().taken
               ? Of(task_.thread, &data_.object(),
                    "L1: a task is parked although there is something to read")
               : nullptr;
  }

 private:
  struct Task : Waiter {
    int thread = 0;
    Env::Var<int> left;  // What its waker leaves for it.
  };
  struct ReaderNote {
    std::uint8_t taken = 0;
  };

  void Reader(Thread& thread) {
    ReaderNote note;
    bool looks = !cast_.drained_first;
    while (note.taken < cast_.fills) {
      thread.Mark("read", {note.taken, looks ? 1 : 0});
      if (looks) {
        (void)desc_.Reset(Mode::kRead);
        note.taken =
            static_cast<std::uint8_t>(data_.Load("user.look", Order::kSeqCst));
        thread.SetNote(note);
        if (note.taken == cast_.fills) return;
      }
      looks = true;
      task_.left.Set(0);
      WaitStep step = desc_.Prepare(Mode::kRead, WaitKind::kOrError);
      while (!step.ended) {
        if (desc_.Commit(Mode::kRead, &task_, count_)) {
          thread.Park();
          if (task_.left.Get() != 1) {
            thread.Fail("I1: a task runs before its waker has finished");
          }
        }
        step = desc_.Finish(Mode::kRead, WaitKind::kOrError);
        if (!step.ended) step = desc_.Prepare(Mode::kRead, WaitKind::kOrError);
      }
    }
  }

  void Filler(Thread& thread) {
    for (int fill = 1; fill <= cast_.fills; ++fill) {
      thread.Mark("fill", {fill});
      thread.May("filler.go");
      data_.Store("user.fill", fill, Order::kSeqCst);
      PollResult wake;
      desc_.Nudge(Mode::kRead, wake);
      while (wake.ready.Pop() != nullptr) {
        task_.left.Set(1);
        Thread::MakeRunnable(task_.thread);
        count_.FetchAdd("user.count", -1, Order::kAcqRel);
      }
    }
  }

  const UserReadyCast cast_;
  Desc& desc_;
  Env::Atomic<int> data_{0};
  Desc::WaiterCount count_{0};
  Task task_;
};

inline void AddUserReadyScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about,
                          UserReadyCast cast) {
    all.push_back({name, about, false, [cast] {
                     return std::unique_ptr<World>(new UserReadyWorld(cast));
                   }});
  };
  add("user-ready", "one fill: the look against the report", {});
  add("user-ready-twice", "two: old readiness is taken back, then new comes",
      {.fills = 2});
  add("user-ready-drained", "a reader that knows that it has taken all waits",
      {.fills = 2, .drained_first = true});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_USER_READY_WORLD_H_
