// SPDX-License-Identifier: Apache-2.0
//
// The threads of the world: the glue that any scheduler has.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netpoll/model/reference/status_table.h"
#include "netpoll/model/scenarios/descriptor_world.h"
#include "netpoll/model/scenarios/endless_kernel.h"

namespace netpoll::model {

DescriptorWorld::DescriptorWorld(const Cast& cast)
    : cast_(cast),
      kernel_(Kernel{}),
      users_(Users{}),
      poller_(Keep(
          new Shipped(kernel_, cast.open_may_fail, cast.asks, cast.endless))) {
  kernel_.name = "kernel";
  users_.name = "users";
  poller_.waiters();
  desc_ = poller_.Open(3).desc;
  first_ = desc_->generation();
  if (cast.first_deadline != 0) {
    (void)poller_.SetDeadline(desc_, Mode::kRead,
                              Deadline::At(cast.first_deadline));
  }
  for (int i = 0; i < cast.errors_before; ++i) ReportError();
  FindObjects();
  if (cast.endless) {
    (void)poller_.stale_events();
    ObjectAt("stale.load")->left_out = true;
    MarkOnTheWay();
  }
  AddThreads();
  Settle();
}

void DescriptorWorld::AddUser(const char* name, Mode direction, int rounds,
                              WaitKind kind, int incarnation, Task* task) {
  task->thread = AddThread(name, [=, this](Thread& thread) {
    if (cast_.endless) EndlessUserBody(thread, direction, kind, task);
    UserBody(thread, direction, rounds, kind, incarnation, task);
  });
  laws().SetTaskWord(task->thread, reinterpret_cast<std::uint64_t>(
                                       static_cast<Waiter*>(task)));
  users_info_.push_back({task->thread, direction, kind});
  if (incarnation == 0) ++user_count_;
}

void DescriptorWorld::AddThreads() {
  const Cast& cast = cast_;
  if (cast.read_rounds > 0) {
    AddUser("reader", Mode::kRead, cast.read_rounds, cast.read_kind, 0,
            &tasks_[0]);
  }
  if (cast.write_rounds > 0) {
    AddUser("writer", Mode::kWrite, cast.write_rounds, WaitKind::kOrError, 0,
            &tasks_[1]);
  }
  if (cast.second_rounds > 0) {
    AddUser("reader2", Mode::kRead, cast.second_rounds, WaitKind::kOrError, 1,
            &tasks_[2]);
  }
  if (cast.two_readers) {
    AddUser("rival", Mode::kRead, 1, WaitKind::kOrError, 0, &tasks_[3]);
  }
  const int reports =
      cast.read_edges + cast.write_edges + cast.both_edges + cast.error_events;
  for (int i = 0; reports > 0 && i < cast.pollers; ++i) {
    pollers_.push_back(
        AddThread(i == 0 ? "poller" : "poller2",
                  [=, this](Thread& thread) { PollerBody(thread, reports); }));
  }
  const auto peer = [&](const char* name, std::int64_t mode, int edges) {
    if (edges == 0) return;
    AddThread(name,
              [=, this](Thread& thread) { PeerBody(thread, mode, edges); });
  };
  peer("peer.r", 1, cast.read_edges);
  peer("peer.w", 2, cast.write_edges);
  peer("peer.rw", 3, cast.both_edges);
  peer("peer.err", 0, cast.error_events);
  for (const auto& moves : cast.setters) {
    if (!cast.setters_name) ++user_count_;
    const int setter =
        AddThread(setter_ < 0 ? "setter" : "setter2",
                  [=, this](Thread& thread) { SetterBody(thread, moves); });
    if (setter_ < 0) setter_ = setter;
  }
  for (int i = 0; !cast.times.empty() && i < cast.clocks; ++i) {
    clocks_.push_back(AddThread(i == 0 ? "clock" : "clock2",
                                [this](Thread& thread) { ClockBody(thread); }));
  }
  if (cast.closers > 0) {
    closer_ =
        AddThread("closer", [this](Thread& thread) { CloserBody(thread); });
  }
  if (cast.endless) user_count_ = 0;  // They come and go.
  users_.now = users_.Intern({static_cast<std::uint8_t>(user_count_), 0});
}

// The tasks of a result.
std::vector<DescriptorWorld::Task*> DescriptorWorld::TasksOf(
    Thread& thread, PollResult& result) {
  std::vector<Task*> tasks;
  while (Waiter* const waiter = result.ready.Pop()) {
    Task* const task = static_cast<Task*>(waiter);
    if (std::find(tasks.begin(), tasks.end(), task) != tasks.end()) {
      thread.Fail("I5: a task is twice in one result");
    }
    tasks.push_back(task);
  }
  if (result.waiters_delta != -static_cast<std::int32_t>(tasks.size())) {
    thread.Fail("I5: the delta of a result is not minus the number of tasks");
  }
  // In one order, so that what a thread carries is told by whom it holds.
  if (cast_.endless) {
    std::sort(tasks.begin(), tasks.end(), [](const Task* a, const Task* b) {
      return a->thread < b->thread;
    });
    std::int64_t all = 0;
    for (const Task* const task : tasks) all = all << 4 | (task->thread + 1);
    thread.Mark("result", {all});
  }
  return tasks;
}

// Makes the waiters of a result runnable, and only then lowers the count.
void DescriptorWorld::Release(Thread& thread, PollResult result) {
  for (Task* const task : TasksOf(thread, result)) {
    if (cast_.payload && !cast_.payload_late) task->payload.Set(1);
    Thread::MakeRunnable(task->thread);
    if (cast_.payload && cast_.payload_late) task->payload.Set(1);
  }
  poller_.AdjustWaiters(result.waiters_delta);
}

// A poll that finds nothing but an error, before anybody acts.
void DescriptorWorld::ReportError() {
  Thread::Call("setup.error", kernel_, kernel::Error);
  Thread::Call("setup.take", kernel_, kernel::Take);
  PollResult nobody;
  desc_->Ready(desc_->generation(), Mode::kReadWrite,
               {.error = true, .no_more_edges = true}, nobody);
}

// One wait: until ready or an error.
PollError DescriptorWorld::Wait(Thread& thread, Mode direction, WaitKind kind,
                                int round, Task* task) {
  if (cast_.payload) task->payload.Set(0);
  WaitResult wait = poller_.Park(desc_, direction, task, kind);
  while (wait.parked()) {
    thread.Park();
    if (cast_.payload) {
      if (task->payload.Get() != 1) {
        thread.Fail("I1: a task runs before its waker has finished with it");
      }
      task->payload.Set(0);
    }
    thread.Mark("resumed", {round});
    wait = poller_.Resume(desc_, direction, task, kind);
  }
  const PollError error = wait.error();
  if (error == PollError::kNotPollable && !cast_.drained_first &&
      !cast_.endless && cast_.error_events < reference::kErrorReports) {
    thread.Fail("I10: a reader was told of errors before they kept coming");
  }
  const auto seen = thread.note().As<UserNote>();
  if (error != PollError::kNone && seen.announced) {
    thread.Fail(
        "I15: a wait ended with an error that did not look whether it "
        "was ready");
  }
  // An error is one that the task has seen in the status word.
  if (error != reference::ErrorOf(seen.status, direction) &&
      error != PollError::kNone) {
    thread.Fail("I15: a wait ended with an error that the status did not show");
  }
  thread.SetNote({});
  thread.Mark("waited", {round, static_cast<int>(error)});
  return error;
}

// One read or write: reset, try, and wait whenever that would block.
PollError DescriptorWorld::Round(Thread& thread, Mode direction, WaitKind kind,
                                 int count, bool short_reads, bool* drained,
                                 Task* task) {
  // Which round, and whether it begins with the wait, for the marks.
  const int round = *drained ? count + 16 : count;
  thread.Mark("round", {round});
  PollError error = PollError::kNone;
  if (*drained) {
    error = Wait(thread, direction, kind, round, task);
  } else if (kind == WaitKind::kOrError) {
    error = poller_.Reset(desc_, direction);
    if (error !=
        reference::EndedBy(thread.note().As<UserNote>().status, direction)) {
      thread.Fail("I15: Reset did not answer what the status word says");
    }
    thread.SetNote({});
  }
  thread.Mark("reset", {round, static_cast<int>(error)});
  // After an error nothing is known of what there is to take: what was
  // drained still is.
  while (error == PollError::kNone) {
    *drained = false;
    const int got = Thread::Call("user.try", kernel_,
                                 short_reads ? kernel::TakeAll : kernel::Try,
                                 static_cast<int>(direction));
    if (got != 0) {
      *drained = short_reads;
      break;
    }
    thread.Mark("wait", {count});
    error = Wait(thread, direction, kind, count, task);
  }
  return error;
}

// Reset, try, and wait whenever that would block; `rounds` times. A reader that
// has taken all there was skips the first two.
void DescriptorWorld::UserBody(Thread& thread, Mode direction, int rounds,
                               WaitKind kind, int incarnation, Task* task) {
  if (incarnation > 0) {
    Thread::Await<Users>(
        "user.opened", users_,
        [](Users& users, std::int64_t wanted) -> std::optional<int> {
          if (users.incarnation != wanted) return std::nullopt;
          return 0;
        },
        incarnation);
  }
  const bool reads = direction == Mode::kRead;
  const bool short_reads = cast_.short_reads && reads && incarnation == 0;
  bool drained = cast_.drained_first && reads && incarnation == 0;
  for (int count = 0; count < rounds; ++count) {
    const PollError error =
        Round(thread, direction, kind, count, short_reads, &drained, task);
    if (error == PollError::kTimeout && cast_.retry_timeouts) continue;
    if (error == PollError::kNotPollable && cast_.retry_told) {
      if (count > 0) {
        thread.Fail("I10: a reader was told of the same errors again");
      }
      drained = false;  // The next read begins with its call.
      continue;
    }
    if (error == PollError::kClosing && cast_.told && word_left_.Get() != 1) {
      thread.Fail(
          "L2: who is told of a close does not see what came before it");
    }
    if (error != PollError::kNone) break;
  }
  thread.Mark("leave");
  Leave();
}

void DescriptorWorld::PollerBody(Thread& thread, int polls) {
  for (int i = 0; i < polls; i += cast_.endless ? 0 : 1) {
    thread.Mark("poll", {i});
    Release(thread, poller_.Poll(cast_.blocking ? Delta::Forever()
                                                : Delta::NonBlocking()));
    if (cast_.endless) Thread::Call("poll.over", kernel_, kernel::LetGo);
  }
}

void DescriptorWorld::PeerBody(Thread& thread, std::int64_t mode, int edges) {
  for (int i = 0; i < edges; i += cast_.endless ? 0 : 1) {
    thread.Mark("edge", {i});
    if (cast_.endless) {
      Thread::MayCall("peer.edge", kernel_,
                      mode == 0 ? kernel::ErrorAgain : kernel::EdgeAgain, mode);
    } else if (mode == 0) {
      Thread::MayCall("peer.error", kernel_, kernel::Error,
                      cast_.errors_are_news ? 1 : 0);
    } else {
      Thread::MayCall("peer.edge", kernel_, kernel::Edge, mode);
    }
  }
}

void DescriptorWorld::SetterBody(Thread& thread,
                                 const std::vector<DeadlineMove>& moves) {
  if (cast_.endless) EndlessSetterBody(thread, moves);
  for (std::size_t i = 0; i < moves.size(); ++i) {
    thread.Mark("set", {static_cast<std::int64_t>(i)});
    // It may stop before each.
    thread.May("setter.go");
    const DeadlineMove& move = moves[i];
    const DeadlineResult result =
        poller_.SetDeadline(desc_, move.mode, move.deadline,
                            cast_.setters_name ? first_ : Desc::kWhichever);
    if (i == 0 && OnlyDeadlines() && move.deadline.value() > 0 &&
        !result.earliest_moved) {
      thread.Fail("L6: a deadline is the earliest, and the caller is not told");
    }
    Release(thread, result.wake);
  }
  if (cast_.setters_name) return;
  thread.Mark("leave");
  Leave();
}

void DescriptorWorld::ClockBody(Thread& thread) {
  if (cast_.endless) EndlessClockBody(thread);
  for (const std::int64_t now : cast_.times) {
    thread.Mark("time", {now});
    if (cast_.asks) {
      Thread::MayCall("clock.passes", kernel_, kernel::TimePasses);
    } else {
      thread.May("clock.passes");
    }
    Expire(thread, now);
  }
}

void DescriptorWorld::Expire(Thread& thread, std::int64_t now) {
  const DeadlineResult expired = poller_.ExpireTimers(now);
  const auto left = thread.note().As<InHand>();
  if (left.what != InHand::What::kNothing) {
    thread.Fail("L2: deadlines that have passed were left for later");
  }
  if (left.rearmed && !expired.earliest_moved) {
    thread.Fail("L6: a timer is the earliest, and who armed it is not told");
  }
  thread.SetNote({});
  Release(thread, expired.wake);
}

void DescriptorWorld::CloserBody(Thread& thread) {
  if (cast_.endless) EndlessCloserBody(thread);
  thread.Mark("close");
  thread.May("closer.go");
  if (cast_.told) word_left_.Set(1);
  if (!cast_.no_unblock) Release(thread, poller_.Unblock(desc_));
  if (cast_.unblock_twice) Release(thread, poller_.Unblock(desc_));
  thread.Mark("unblocked");
  // Of the users, setters are some: one may stop before its stimulus.
  if (!cast_.close_early)
    Thread::Await<Users>("closer.wait", users_,
                         [](Users& users, std::int64_t) -> std::optional<int> {
                           if (users.count != 0) return std::nullopt;
                           return 0;
                         });
  poller_.Close(desc_);
  thread.Mark("closed");
  if (!cast_.reopen) return;
  thread.May("closer.reopen");
  auto opened = poller_.Open(3);
  if (opened.desc == nullptr) {
    thread.Mark("open failed");
    opened = poller_.Open(4);
  }
  if (opened.desc != desc_) thread.Fail("S9: the pool lost the slot");
  thread.Mark("reopened");
  Thread::Call<Users>("closer.opened", users_,
                      [](Users& users, std::int64_t) -> std::optional<int> {
                        users = {1, 1};
                        return 0;
                      });
  if (cast_.second_deadline == 0) return;
  thread.Mark("reopened, deadline");
  Release(thread, poller_
                      .SetDeadline(desc_, cast_.second_mode,
                                   Deadline::At(cast_.second_deadline))
                      .wake);
}

// Breaking a rule stops the program with a sentence: that is how such a story
// must end.
bool DescriptorWorld::AllowsStop(const std::string& rule) {
  const auto says = [&](const char* part) {
    return rule.find(part) != std::string::npos;
  };
  if (cast_.two_readers &&
      (says("two tasks wait") || says("Reset was called"))) {
    return true;
  }
  if (cast_.close_early && says("a task still waits")) return true;
  if (cast_.blocking && cast_.pollers > 1 && says("in a blocking Poll")) {
    return true;
  }
  if (cast_.unblock_twice && says("Unblock was called twice")) return true;
  return cast_.no_unblock && says("without Unblock before");
}

bool DescriptorWorld::HasInHand(int thread) const {
  return IsClock(thread) ||
         std::find(pollers_.begin(), pollers_.end(), thread) != pollers_.end();
}

bool DescriptorWorld::IsClock(int thread) const {
  return std::find(clocks_.begin(), clocks_.end(), thread) != clocks_.end();
}

}  // namespace netpoll::model
