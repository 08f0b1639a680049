// SPDX-License-Identifier: Apache-2.0
//
// The configurations of a scheduler at work.

#ifndef NETPOLL_MODEL_SCENARIOS_DISPATCH_SCENARIOS_H_
#define NETPOLL_MODEL_SCENARIOS_DISPATCH_SCENARIOS_H_

#include <vector>

#include "netpoll/model/scenarios/dispatch_world.h"

namespace netpoll::model {

// Each worker over its own poller.
inline void AddShardedScenarios(std::vector<Scenario>& all) {
  using enum TaskKind;
  const auto sharded = [&all](const char* name, const char* about,
                              DispatchCast cast) {
    cast.sharded = true;
    if (cast.workers == 1) cast.workers = 2;
    AddScenario<DispatchWorld>(all, name, about, cast);
  };
  sharded("shards-spawns", "two pollers, and a task spawns another",
          {.tasks = {kSpawns}});
  sharded("shards-lasting", "... and lasts until that one has ended",
          {.tasks = {kLasts}});
  sharded("shards-spawner", "two pollers, and a thread spawns",
          {.tasks = {kEnds}, .spawned = 1});
  sharded("shards-event", "a task waits for an event of the other's poller",
          {.event_at = 1, .tasks = {kWaits}, .event = true});
  sharded("shards-pair",
          "one poll wakes two, and the first lasts until the other has ended",
          {.tasks = {kWaits, kWaits}, .event = true, .pair = true});
  sharded("shards-pair-beside-stays", "... beside a task that stays",
          {.tasks = {kWaits, kWaits, kEnds},
           .stay_first = 4,
           .event = true,
           .pair = true});
  sharded("shards-pair-stays", "... which stays, and may run before the other",
          {.tasks = {kWaits, kWaits},
           .stay_first = 1,
           .looks = true,
           .event = true,
           .pair = true});
  sharded("shards-waker", "a thread wakes the last one, and all is freed",
          {.tasks = {kWaits}, .waker = true, .frees = true});
  sharded("shards-stays", "a task spawns one that stays on the other worker",
          {.tasks = {kSpawns}, .stay = 2});
  sharded("shards-stays-event", "one that stays waits for the other's event",
          {.event_at = 1, .tasks = {kWaits}, .stay_first = 1, .event = true});
  sharded("shards-held",
          "a worker is held while the event of its poller may come",
          {.tasks = {kWaits, kHolds}, .event = true});
  sharded(
      "shards-held-later",
      "... by a task that a thread spawns before, maybe while both poll",
      {.tasks = {kWaits}, .spawned = 1, .spawned_hold = true, .event = true});
  sharded("shards-held-later-stays", "... and that stays there",
          {.tasks = {kWaits},
           .spawned = 1,
           .spawned_hold = true,
           .stay_first = 2,
           .event = true});
  sharded(
      "shards-held-stays", "... of a task that stays on the other one",
      {.tasks = {kWaits, kHolds}, .stay_first = 2, .stay = 1, .event = true});
  sharded("shards-held-deadline", "... and its deadline is set before",
          {.tasks = {kWaits, kHolds}, .stay_first = 2, .own_deadline = true});
  sharded("shards-deadline", "a task sets a deadline in the other's poller",
          {.event_at = 1,
           .tasks = {kWaits},
           .stay_first = 1,
           .own_deadline = true});
  sharded("shards-sleep", "a task sleeps",
          {.tasks = {kWaits}, .own_deadline = true, .sleep = true});
  sharded("shards-sleep-thread", "a thread sets the end of a sleep",
          {.tasks = {kWaits}, .deadline = true, .sleep = true});
  sharded("shards-rest",
          "a thread spawns two, and the first lasts until the other has ended",
          {.tasks = {kWaits}, .spawned = 2, .spawned_hold = true});
  sharded("shards-held-sleep", "a task sleeps, and a worker is held",
          {.tasks = {kWaits, kHolds}, .own_deadline = true, .sleep = true});
}

inline void AddDispatchScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about,
                          DispatchCast cast) {
    AddScenario<DispatchWorld>(all, name, about, cast);
  };
  using enum TaskKind;
  add("run-one", "a task ends, and Run returns", {.tasks = {kEnds}});
  add("run-spawns", "a task spawns another", {.tasks = {kSpawns}});
  add("run-spawner", "a thread spawns while Run is at work",
      {.tasks = {kEnds}, .spawned = 1});
  add("run-twice", "a thread spawns, and Run is called twice",
      {.tasks = {kEnds}, .spawned = 1, .runs = 2});
  add("run-two-callers", "two threads call Run",
      {.tasks = {kEnds}, .spawned = 1, .callers = 2});
  add("run-no-threads", "Run may find no threads, and is called again",
      {.tasks = {kEnds}, .spawned = 1, .runs = 2, .fails = true});
  add("run-event", "a task waits for an event",
      {.tasks = {kWaits}, .event = true});
  add("run-waker", "a thread wakes the last task, and all of it is freed",
      {.tasks = {kWaits}, .waker = true, .frees = true});
  add("run-background-alone", "none but a background task is there",
      {.tasks = {kWaits}, .background = 1});
  add("run-background", "a task leaves a background task alone",
      {.tasks = {kEnds, kWaits}, .background = 1});
  add("run-background-spawns", "one of its tasks spawns another meanwhile",
      {.tasks = {kSpawns, kWaits}, .background = 1});
  add("run-background-workers", "two workers end the last two at a time",
      {.workers = 2, .tasks = {kEnds, kEnds, kWaits}, .background = 1});
  add("run-background-ends", "a background task may end first",
      {.tasks = {kEnds, kWaits}, .background = 1, .event = true});
  add("run-looks", "a busy worker looks for events",
      {.tasks = {kWaits, kEnds}, .looks = true, .event = true});
  add("run-guest", "a guest waits, and all of it is freed when it has left",
      {.tasks = {kEnds}, .event = true, .guest = true, .frees = true});
  add("run-guest-waker", "the same, and a thread wakes it",
      {.tasks = {kEnds}, .waker = true, .guest = true, .frees = true});
  add("drive-one",
      "a loop of somebody else's has a task run, and a thread spawns",
      {.tasks = {kEnds}, .spawned = 1, .driven = true});
  add("drive-event",
      "... one that waits for an event, and one spawned, each a turn",
      {.tasks = {kWaits},
       .spawned = 1,
       .looks = true,
       .event = true,
       .driven = true});
  add("drive-waker", "... a thread wakes the last one, and all of it is freed",
      {.tasks = {kWaits}, .waker = true, .frees = true, .driven = true});
  add("drive-guest", "... a guest waits, and all of it is freed",
      {.tasks = {kEnds},
       .event = true,
       .guest = true,
       .frees = true,
       .driven = true});
  add("drive-twice", "... and once more, when nobody was left",
      {.tasks = {kEnds}, .spawned = 1, .runs = 2, .driven = true});
  add("drive-and-run", "... and another thread calls Run",
      {.tasks = {kEnds}, .spawned = 1, .callers = 2, .driven = true});
  add("drive-background", "... a task leaves a background task alone",
      {.tasks = {kEnds, kWaits}, .background = 1, .driven = true});
  add("run-two-workers", "two workers, and a task spawns another",
      {.workers = 2, .tasks = {kSpawns, kEnds}});
  add("run-lasting",
      "two workers, and a task lasts until the one that it has spawned has "
      "ended",
      {.workers = 2, .tasks = {kLasts}});
  add("run-two-workers-spawner", "two workers, and a thread spawns",
      {.workers = 2, .tasks = {kEnds}, .spawned = 1});
  add("run-two-workers-event", "two workers, a task waits for an event",
      {.workers = 2, .tasks = {kWaits}, .event = true});
  add("run-stays", "a task spawns one that stays on the other worker",
      {.workers = 2, .tasks = {kSpawns}, .stay = 2});
  add("run-stays-lasting", "and lasts until that one has ended",
      {.workers = 2, .tasks = {kLasts}, .stay_first = 1, .stay = 2});
  add("run-stays-spawner", "a thread spawns one that stays",
      {.workers = 2, .tasks = {kEnds}, .spawned = 1, .stay = 2});
  add("run-stays-event", "a task that stays waits for an event",
      {.workers = 2, .tasks = {kWaits}, .stay = 1, .event = true});
  add("run-stays-waker",
      "a thread wakes the last task, which stays, and all of it is freed",
      {.tasks = {kWaits}, .stay = 1, .waker = true, .frees = true});
  add("drive-stays", "a task that stays is driven by a loop of somebody else's",
      {.tasks = {kWaits, kEnds}, .stay = 1, .event = true, .driven = true});
  add("run-three-workers", "three workers, and a task that ends",
      {.workers = 3, .tasks = {kEnds}});
  add("run-deadline", "a thread sets a deadline for a task that waits",
      {.tasks = {kWaits}, .event = true, .deadline = true});
  add("run-deadline-own", "it sets one itself, and another task runs",
      {.tasks = {kWaits, kEnds}, .event = true, .own_deadline = true});
  add("run-two-workers-deadline", "two workers, and a thread sets a deadline",
      {.workers = 2, .tasks = {kWaits}, .deadline = true});
  add("run-two-workers-own-deadline", "or the task itself",
      {.workers = 2, .tasks = {kWaits}, .own_deadline = true});
  AddShardedScenarios(all);
  const auto closed = [&](const char* name, const char* about,
                          DispatchCast cast) {
    cast.endless = true;
    add(name, about, cast);
    all.back().closed = true;
  };
  closed("closed-run", "Run again and again, and a thread that spawns",
         {.spawned = 1});
  closed("closed-run-busy", "events and spawned tasks for a worker that looks",
         {.tasks = {kServes}, .spawned = 1, .looks = true, .event = true});
  closed("closed-drive",
         "a loop of somebody else's, events and spawned tasks, turns of two",
         {.tasks = {kServes},
          .spawned = 1,
          .looks = true,
          .event = true,
          .driven = true});
  closed("closed-run-two", "two workers, and a task that takes turns with one",
         {.workers = 2, .tasks = {kServes}, .event = true});
  closed("closed-run-stays", "one that stays takes turns with those that don't",
         {.tasks = {kServes},
          .spawned = 1,
          .stay = 2,
          .looks = true,
          .event = true});
  closed("closed-run-deadline",
         "a task that takes turns, and deadlines of the scheduler",
         {.tasks = {kServes}, .event = true, .deadline = true});
  closed("closed-run-deadline-looks", "and a worker that looks",
         {.tasks = {kServes}, .spawned = 1, .looks = true, .deadline = true});
  closed("closed-run-keeps",
         "two workers, and a task that keeps one until another task has ended",
         {.workers = 2, .tasks = {kKeeps}, .event = true});
  // Large.
  closed(
      "deep-closed-run-deadline",
      "two workers, and a task that sets deadlines of its own",
      {.workers = 2, .tasks = {kServes}, .event = true, .own_deadline = true});
  all.back().deep = true;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_DISPATCH_SCENARIOS_H_
