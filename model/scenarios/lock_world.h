// SPDX-License-Identifier: Apache-2.0
//
// The descriptor lock: tasks that take turns in one direction, and a close that
// waits for the last of them.

#ifndef NETPOLL_MODEL_SCENARIOS_LOCK_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_LOCK_WORLD_H_

#include <cstdint>
#include <cstring>
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
  // Tasks, those who cancel and the thread with the reference come again and
  // again, for ever, or until somebody closes.
  bool endless = false;
  // Releases may lose their exchange for ever, which is allowed: that a task
  // stays parked is no law then.
  bool loses = false;
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
    return law < cast_.readers + cast_.writers && !cast_.loses
               ? "L11: a task stays parked for ever, though its direction is "
                 "given up again and again"
               : nullptr;
  }
  int Lasting(int law) override { return tasks_[law].thread; }
  bool Lasts(const View& view, int law) override {
    if (!view.parked(tasks_[law].thread)) return false;
    if (law < cast_.cancels && view.Of(cancelled_[law]) == kTold) return true;
    const int keeper = tasks_[cast_.readers + cast_.writers - 1].thread;
    return !cast_.keeps || std::strcmp(view.Next(keeper).site, kStays) != 0;
  }

  const char* AtRest(const View& view) override {
    const std::uint64_t word = word_->Bits(view.Raw(*word_));
    const bool kept = (word & lock_word::kClosed) == 0 &&
                      (word & (lock_word::kReadHeld | lock_word::kWriteHeld));
    int waiting = 0;
    for (int i = 0; i < cast_.readers + cast_.writers; ++i) {
      if (view.parked(tasks_[i].thread)) ++waiting;
      if (view.parked(tasks_[i].thread) && i < cast_.cancels &&
          view.Of(cancelled_[i]) == kTold) {
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

  static std::optional<int> Put(int& value, std::int64_t to) {
    value = static_cast<int>(to);
    return 0;
  }

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
    const auto say = [](int& said, std::int64_t) -> std::optional<int> {
      if (said != kNotCancelled) return std::nullopt;
      said = kSaid;
      return 0;
    };
    do {
      thread.Mark("cancel");
      if (cast_.endless) {
        Thread::MayCall<int>("cancel", cancelled_[number], say);
      } else {
        thread.May("canceller.go");
        Thread::Call<int>("cancel", cancelled_[number], say);
      }
      const Mode direction =
          number < cast_.readers ? Mode::kRead : Mode::kWrite;
      if (lock_.Withdraw(direction, &tasks_[number]) &&
          !Thread::WakeEarly(tasks_[number].thread)) {
        thread.Fail("I1: a waiter for a direction was woken twice");
      }
      Thread::Call<int>("cancelled", cancelled_[number], Put, kTold);
    } while (cast_.endless);
  }

  // As whoever leaves its seat: not while it is being told. The next time it
  // has another scope.
  void LeavesScope(const Task* task) {
    const auto number = task - tasks_;
    if (!cast_.endless || number >= cast_.cancels) return;
    Thread::Call<int>("task.leaves", cancelled_[number],
                      [](int& said, std::int64_t) -> std::optional<int> {
                        if (said == kSaid) return std::nullopt;
                        said = kNotCancelled;
                        return 0;
                      });
  }

  void User(Thread& thread, Mode direction, Task* task) {
    for (int round = 0; round < cast_.rounds; round += cast_.endless ? 0 : 1) {
      if (cast_.endless) {
        thread.Mark("outside");
        thread.May("user.comes");
      }
      switch (TakesTurn(thread, direction, task, round)) {
        case Turn::kTaken:
          break;
        case Turn::kCancelled:
          LeavesScope(task);
          continue;
        case Turn::kClosed:
          return IsTold(thread);
      }
      Use(thread, direction);
      if (cast_.keeps && task == &tasks_[cast_.readers + cast_.writers - 1]) {
        thread.May(kStays);
      }
      thread.Mark("release", {round});
      WaiterList wake;
      const bool last = lock_.Release(direction, wake);
      Wake(thread, wake);
      if (last) return Destroy(thread);
      LeavesScope(task);
    }
  }

  enum class Turn : std::uint8_t { kTaken, kCancelled, kClosed };
  Turn TakesTurn(Thread& thread, Mode direction, Task* task, int round) {
    for (;;) {
      thread.Mark("acquire", {round});
      if (cast_.cancels != 0 && IsCancelled(task)) {
        Forgoes(thread, direction);
        return Turn::kCancelled;
      }
      const LockOutcome outcome = lock_.Acquire(direction);
      thread.Mark("acquired", {round, static_cast<int>(outcome)});
      if (outcome == LockOutcome::kClosed) return Turn::kClosed;
      if (outcome == LockOutcome::kDone) return Turn::kTaken;
      const ParkOutcome parks =
          lock_.Park(direction, task, [=, this] { return IsCancelled(task); });
      if (parks == ParkOutcome::kWithdrawn) return Turn::kCancelled;
      if (parks == ParkOutcome::kParked) thread.Park();
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
  // It is to leave; and was told so.
  enum : int { kNotCancelled, kSaid, kTold };
  static constexpr const char* kStays = "user.goes";
  Int cancelled_[2] = {Int(kNotCancelled), Int(kNotCancelled)};
  std::vector<int> closers_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_LOCK_WORLD_H_
