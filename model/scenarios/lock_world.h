// SPDX-License-Identifier: Apache-2.0
//
// The descriptor lock: tasks that take turns in one direction, and a close that
// waits for the last of them.

#ifndef NETPOLL_MODEL_SCENARIOS_LOCK_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_LOCK_WORLD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netpoll/core/descriptor_lock.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/laws/parking_laws.h"
#include "netpoll/model/model_env.h"

namespace netpoll::model {

struct LockCast {
  int readers = 2;
  int writers = 0;
  int rounds = 1;
  int closers = 0;
  bool reference = false;  // A thread that only keeps the descriptor open.
  // Tasks and the thread with the reference come again and again, for ever, or
  // until somebody closes.
  bool endless = false;
  // Users and the destroyer are at a plain field, which nothing but the lock
  // orders.
  bool plain = false;
  // The first closer leaves word, in a plain field, for whoever is told that
  // the descriptor is closed.
  bool told = false;
  // Somebody cancels the first of the tasks, or more of them; and the last one
  // may keep its direction for ever.
  int cancels = 0;
  bool keeps = false;
};

class LockWorld : public ParkingWorld {
 public:
  explicit LockWorld(const LockCast& cast)
      : cast_(cast), inside_(0), destroyed_(0) {
    inside_.name = "inside";
    destroyed_.name = "destroyed";
    for (int i = 0; i < cast.readers + cast.writers; ++i) {
      const Mode direction = i < cast.readers ? Mode::kRead : Mode::kWrite;
      tasks_[i].thread = AddThread(
          (direction == Mode::kRead ? "reader" : "writer") +
              std::to_string(i + 1),
          [=, this](Thread& thread) { User(thread, direction, &tasks_[i]); });
    }
    if (cast.reference) {
      AddThread("holder", [this](Thread& thread) { Holder(thread); });
    }
    for (int i = 0; i < cast.cancels; ++i) {
      cancelled_[i].name = "cancelled";
      AddThread("canceller" + std::to_string(i + 1),
                [=, this](Thread& thread) { Canceller(thread, i); });
    }
    for (int i = 0; i < cast.closers; ++i) {
      closers_.push_back(AddThread("closer" + std::to_string(i + 1),
                                   [this](Thread& thread) { Closer(thread); }));
    }
    lock_.closed();
    word_ = ObjectAt("fdlock.closed");
    NameObjects();
    Settle();
  }

  const char* Passing(int law) override {
    return law < cast_.readers + cast_.writers
               ? "L11: a task stays parked for ever, though its direction is "
                 "given up again and again"
               : nullptr;
  }
  int Lasting(int law) override { return tasks_[law].thread; }
  bool Lasts(const View& view, int law) override {
    return view.parked(tasks_[law].thread);
  }

  const char* AtRest(const View& view) override {
    const std::uint64_t word = word_->Bits(view.Raw(*word_));
    const bool kept = (word & lock_word::kClosed) == 0 &&
                      (word & (lock_word::kReadHeld | lock_word::kWriteHeld));
    int waiting = 0;
    for (int i = 0; i < cast_.readers + cast_.writers; ++i) {
      if (view.parked(tasks_[i].thread)) ++waiting;
      if (view.parked(tasks_[i].thread) && i < cast_.cancels &&
          view.Of(cancelled_[i]) == 2) {
        return Of(tasks_[i].thread, word_,
                  "F12: a task waits for a direction though it was cancelled");
      }
    }
    if (!kept) waiting = 0;
    if (static_cast<int>(word >> kFirstWaiterBit) != waiting) {
      return Of(word_,
                "F: at rest a task is counted as waiting that does not wait");
    }
    for (const Object* object : objects()) {
      const auto* const queue = object->KeptAs<KeptTasks>(view.Raw(*object));
      if (queue != nullptr && queue->permits != 0) {
        return Of(object,
                  "F: at rest there is a wake-up that nobody waited for");
      }
    }
    bool all_ended = true;
    bool closed = false;
    for (int i = 0; i < cast_.readers + cast_.writers; ++i) {
      if (view.parked(tasks_[i].thread) && !kept) {
        return Of(tasks_[i].thread, word_,
                  "F: a task waits for a direction that nobody holds");
      }
    }
    for (std::size_t i = 0; i < threads().size(); ++i) {
      if (!view.ended(static_cast<int>(i))) all_ended = false;
    }
    for (const int closer : closers_) closed = closed || view.ended(closer);
    if (all_ended && closed && view.Of(destroyed_) != 1) {
      return Of(word_, "F: the descriptor was closed and never destroyed");
    }
    return nullptr;
  }

 private:
  struct Task : Waiter {
    int thread = 0;
  };
  // "closed, writer in, refs 2, 1 reader waits"
  static std::string ShowWord(const LockWord& word) {
    std::string text = (word & lock_word::kClosed) != 0 ? "closed, " : "";
    if ((word & lock_word::kReadHeld) != 0) text += "reader in, ";
    if ((word & lock_word::kWriteHeld) != 0) text += "writer in, ";
    text += "refs " + std::to_string(lock_word::References(word));
    const auto waits = [&](int shift, const char* who) {
      const std::uint32_t count = lock_word::Count(word, shift);
      if (count != 0) text += ", " + std::to_string(count) + who;
    };
    waits(lock_word::kReadWaitShift, " to read");
    waits(lock_word::kWriteWaitShift, " to write");
    return text;
  }
  void NameObjects() {
    word_->name = "word";
    static_cast<ObjectOf<LockWord>*>(word_)->show = ShowWord;
    const char* name = "queue.r";
    for (Object* object : objects()) {
      if (object->KeptAs<KeptTasks>(object->now) == nullptr) continue;
      object->name = name;
      name = "queue.w";
    }
  }

  using Int = ObjectOf<int>;
  using Env = ModelEnv<2>;

  void Wake(Thread& thread, WaiterList& list) {
    while (Waiter* const waiter = list.Pop()) {
      if (!Thread::WakeEarly(static_cast<Task*>(waiter)->thread)) {
        thread.Fail("I1: a waiter for a direction was woken twice");
      }
    }
  }

  void Destroy(Thread& thread) {
    if (cast_.plain) used_[0].Set(0);
    if (cast_.plain) used_[1].Set(0);
    if (Thread::Call<int>("destroy", destroyed_,
                          [](int& count, std::int64_t) -> std::optional<int> {
                            return ++count;
                          }) > 1) {
      thread.Fail("F: the descriptor was destroyed twice");
    }
  }

  // Uses the descriptor: alone in its direction, and before it is destroyed.
  void Use(Thread& thread, Mode direction) {
    if (cast_.plain) {
      Env::Var<int>& used = used_[direction == Mode::kRead ? 0 : 1];
      used.Set(used.Get() + 1);
      return;
    }
    const int bit = static_cast<int>(direction);
    const auto enter = [](int& inside,
                          std::int64_t mask) -> std::optional<int> {
      const bool taken = (inside & mask) != 0;
      inside |= static_cast<int>(mask);
      return taken ? 1 : 0;
    };
    const auto leave = [](int& inside,
                          std::int64_t mask) -> std::optional<int> {
      inside &= ~static_cast<int>(mask);
      return 0;
    };
    if (Thread::Call<int>("use.enter", inside_, enter, bit) != 0) {
      thread.Fail("I3: two tasks use one direction at once");
    }
    if (Thread::Call<int>("use.look", destroyed_,
                          [](int& count, std::int64_t) -> std::optional<int> {
                            return count;
                          }) != 0) {
      thread.Fail("F: a task uses a descriptor that was destroyed");
    }
    Thread::Call<int>("use.leave", inside_, leave, bit);
  }

  // Whether that task was cancelled.
  bool IsCancelled(const Task* task) {
    const auto number = task - tasks_;
    if (number >= cast_.cancels) return false;
    const auto look = [](int& said, std::int64_t) -> std::optional<int> {
      return said;
    };
    return Thread::Call<int>("task.cancelled", cancelled_[number], look) != 0;
  }

  // As a scope does: says so, and then has it leave.
  void Canceller(Thread& thread, int number) {
    thread.May("canceller.go");
    const auto put = [](int& said, std::int64_t to) -> std::optional<int> {
      said = static_cast<int>(to);
      return 0;
    };
    Thread::Call<int>("cancel", cancelled_[number], put, 1);
    const Mode direction = number < cast_.readers ? Mode::kRead : Mode::kWrite;
    if (lock_.Withdraw(direction, &tasks_[number]) &&
        !Thread::WakeEarly(tasks_[number].thread)) {
      thread.Fail("I1: a waiter for a direction was woken twice");
    }
    Thread::Call<int>("cancelled", cancelled_[number], put, 2);
  }

  void User(Thread& thread, Mode direction, Task* task) {
    for (int round = 0; round < cast_.rounds; round += cast_.endless ? 0 : 1) {
      if (cast_.endless) {
        thread.Mark("outside");
        thread.May("user.comes");
      }
      for (;;) {
        thread.Mark("acquire", {round});
        if (cast_.cancels != 0 && IsCancelled(task)) {
          return Forgoes(thread, direction);
        }
        const LockOutcome outcome = lock_.Acquire(direction);
        thread.Mark("acquired", {round, static_cast<int>(outcome)});
        if (outcome == LockOutcome::kClosed) return IsTold(thread);
        if (outcome == LockOutcome::kDone) break;
        const ParkOutcome parks = lock_.Park(
            direction, task, [=, this] { return IsCancelled(task); });
        if (parks == ParkOutcome::kWithdrawn) return;
        if (parks == ParkOutcome::kParked) thread.Park();
      }
      Use(thread, direction);
      if (cast_.keeps && task == &tasks_[cast_.readers + cast_.writers - 1]) {
        thread.May("user.goes");
      }
      thread.Mark("release", {round});
      WaiterList wake;
      const bool last = lock_.Release(direction, wake);
      Wake(thread, wake);
      if (last) {
        Destroy(thread);
        return;
      }
    }
  }

  // It was cancelled, and leaves the direction to the others.
  void Forgoes(Thread& thread, Mode direction) {
    WaiterList wake;
    const bool last = lock_.PassOn(direction, wake);
    Wake(thread, wake);
    if (last) Destroy(thread);
  }

  void Holder(Thread& thread) {
    do {
      thread.Mark("outside");
      thread.May("holder.go");
      if (!lock_.AddReference()) return IsTold(thread);
      thread.Mark("holds");
      if (cast_.plain) (void)used_[1].Get();
      if (lock_.DropReference()) {
        Destroy(thread);
        return;
      }
    } while (cast_.endless);
  }

  void Closer(Thread& thread) {
    thread.May("closer.go");
    WaiterList wake;
    if (cast_.told) word_left_.Set(1);
    if (!lock_.Close(wake)) return;
    Wake(thread, wake);
    thread.Mark("closed");
    if (lock_.DropReference()) Destroy(thread);
  }

  void IsTold(Thread& thread) {
    if (cast_.told && word_left_.Get() != 1) {
      thread.Fail("F: who is told of a close does not see what came before it");
    }
  }

  // Of the lock's word, above the references: from the document.
  static constexpr int kFirstWaiterBit = 23;

  const LockCast cast_;
  DescriptorLock<Env> lock_;
  Env::Var<int> used_[2];
  Env::Var<int> word_left_;
  Object* word_ = nullptr;
  Int inside_;
  Int destroyed_;
  Task tasks_[4];
  Int cancelled_[2] = {Int(0), Int(0)};  // 1: it is to leave, 2: and was told.
  std::vector<int> closers_;
};

inline void AddLockScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, LockCast cast) {
    all.push_back({name, about, false, [cast] {
                     return std::unique_ptr<World>(new LockWorld(cast));
                   }});
  };
  add("lock-two-readers", "two tasks take turns", {.rounds = 2});
  add("lock-three-readers", "two may wait at once", {.readers = 3});
  add("lock-close", "a close lets the waiting task go, the last one destroys",
      {.closers = 1});
  add("lock-close-two-waiting", "a close lets two go that have not yet parked",
      {.readers = 3, .closers = 1});
  add("lock-close-writers", "the same of the other direction",
      {.readers = 0, .writers = 2, .closers = 1});
  add("lock-both-directions", "the directions do not disturb each other",
      {.readers = 2, .writers = 1, .closers = 1});
  add("lock-two-closers", "only one close counts, a reference delays it",
      {.readers = 1, .closers = 2, .reference = true});
  add("lock-cancel", "a task that waits behind one that stays leaves at once",
      {.cancels = 1, .keeps = true});
  add("lock-cancel-next", "and who waits behind it is not left",
      {.readers = 3, .cancels = 1});
  add("lock-cancel-kept", "the same behind one that may stay",
      {.readers = 3, .cancels = 1, .keeps = true});
  add("lock-cancel-close", "a close meets one that leaves",
      {.closers = 1, .cancels = 1});
  add("closed-lock", "two readers take turns for ever, until a close",
      {.closers = 1, .endless = true});
  all.back().closed = true;
  add("closed-lock-three", "three readers: who parked first is not left",
      {.readers = 3, .endless = true});
  all.back().closed = true;
  add("closed-lock-reference", "two closers, and a reference again and again",
      {.readers = 1, .closers = 2, .reference = true, .endless = true});
  all.back().closed = true;
  add("lock-plain", "what one holder wrote is there for the next",
      {.plain = true});
  add("lock-plain-close", "whoever destroys comes after whoever used it",
      {.readers = 1, .closers = 1, .plain = true});
  add("lock-plain-reference", "... and after whoever only kept it open",
      {.readers = 0, .closers = 1, .reference = true, .plain = true});
  add("lock-plain-told", "whoever is told of a close sees what came before it",
      {.readers = 1,
       .closers = 1,
       .reference = true,
       .plain = true,
       .told = true});
  add("huge-lock", "two tasks in each direction, several times, two closers",
      {.readers = 2,
       .writers = 2,
       .rounds = 3,
       .closers = 2,
       .reference = true});
  all.back().huge = true;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_LOCK_WORLD_H_
