// SPDX-License-Identifier: Apache-2.0
//
// The configurations of the sleep protocol and the workers' glue.

#ifndef NETPOLL_MODEL_SCENARIOS_SLEEP_SCENARIOS_H_
#define NETPOLL_MODEL_SCENARIOS_SLEEP_SCENARIOS_H_

#include <memory>
#include <vector>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/scenarios/sleep_world.h"

namespace netpoll::model {

inline void AddSleepScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, SleepCast cast) {
    all.push_back({name, about, false, [cast] {
                     return std::unique_ptr<World>(new SleepWorld(cast));
                   }});
  };
  add("sleep-one", "one worker, one push: announce, look again, poll",
      {.workers = 1});
  add("sleep-two", "two workers, one polls and one sleeps",
      {.workers = 2, .pushes = 2});
  // What that one does, cut into pieces that have few graphs (cutoff_test).
  add("sleep-one-again", "one worker, and it is woken twice",
      {.workers = 1, .pushes = 2});
  add("sleep-two-polled", "one polls, the other one runs out of work",
      {.workers = 2, .polled = true});
  add("sleep-two-settled", "one polls and one sleeps, and both are woken",
      {.workers = 2, .pushes = 2, .polled = true, .asleep = 1});
  add("sleep-deadline", "a deadline is brought forward under a blocked poll",
      {.workers = 1, .submitters = 0, .deadlines = {5}});
  add("sleep-deadlines", "... and once more, before the time that is polled to",
      {.workers = 1, .submitters = 0, .deadlines = {9, 5}});
  add("sleep-moves", "a deadline is cleared, and a later one set",
      {.workers = 1, .submitters = 0, .deadlines = {5, SleepCast::kNoTime, 9}});
  add("sleep-expires", "a deadline passes, and a later one is set meanwhile",
      {.workers = 2,
       .submitters = 0,
       .polled = true,
       .deadline = 5,
       .deadlines = {9},
       .times = {5}});
  add("sleep-expires-three", "... and a third worker sleeps",
      {.workers = 3,
       .submitters = 0,
       .polled = true,
       .asleep = 2,
       .deadline = 5,
       .deadlines = {9},
       .times = {5}});
  add("sleep-event", "an event and a deadline, and a wait that is interrupted",
      {.workers = 1,
       .submitters = 0,
       .deadline = 5,
       .times = {5},
       .event = true,
       .signal = true});
  add("sleep-event-later", "... and the deadline moves later meanwhile",
      {.workers = 1,
       .submitters = 0,
       .deadline = 5,
       .deadlines = {9},
       .times = {5, 9},
       .event = true});
  add("sleep-event-look", "... and a worker with work that looks, too",
      {.workers = 2,
       .submitters = 0,
       .lasting = true,
       .looks = true,
       .work = 1,
       .deadline = 5,
       .times = {5},
       .event = true});
  add("sleep-look-later", "only that one, and the deadline moves later",
      {.workers = 1,
       .submitters = 0,
       .lasting = true,
       .looks = true,
       .work = 1,
       .deadline = 5,
       .deadlines = {9},
       .times = {5, 9},
       .event = true});
  add("sleep-lasting", "work that never ends, and other work meanwhile",
      {.workers = 2, .submitters = 2, .lasting = true});
  add("sleep-three", "one polls, one sleeps, one has just run out of work",
      {.workers = 3,
       .submitters = 2,
       .lasting = true,
       .polled = true,
       .asleep = 1});
  add("sleep-two-idle", "one polls, two run out of work at once",
      {.workers = 3, .lasting = true, .polled = true});
  add("sleep-two-asleep", "one polls, two sleep: each wake-up has its sleeper",
      {.workers = 3,
       .submitters = 2,
       .lasting = true,
       .polled = true,
       .asleep = 2});
  add("sleep-lasting-deadline", "work that never ends, and a deadline",
      {.workers = 2, .submitters = 1, .lasting = true, .deadlines = {5}});
  const auto closed = [&](const char* name, const char* about, SleepCast cast,
                          bool deep = false) {
    cast.endless = true;
    add(name, about, cast);
    all.back().closed = true;
    all.back().deep = deep;
  };
  closed("closed-work", "work without end for one worker", {.workers = 1});
  closed("closed-sleep", "work without end for two workers", {.workers = 2});
  closed("closed-sleep-lasting", "... that may never be done with one",
         {.workers = 2, .lasting = true});
  closed("closed-sleep-busy", "events, and a worker that looks and may last",
         {.workers = 2,
          .submitters = 0,
          .lasting = true,
          .looks = true,
          .event = true});
  closed("closed-sleep-look", "... who look for events now and then",
         {.workers = 2, .looks = true});
  closed("closed-sleep-deadlines", "deadlines that come, move and go",
         {.workers = 1,
          .submitters = 0,
          .deadlines = {SleepCast::kNoTime, 5, 9},
          .times = {5, 9}});
  closed("closed-sleep-events", "events, signals and deadlines",
         {.workers = 1,
          .submitters = 0,
          .deadlines = {SleepCast::kNoTime, 5},
          .times = {5},
          .event = true,
          .signal = true});
  closed("deep-closed-sleep-two", "... and two workers",
         {.workers = 2,
          .submitters = 1,
          .deadlines = {SleepCast::kNoTime, 5},
          .times = {5}},
         true);
  closed("deep-closed-sleep-three", "work without end for three workers",
         {.workers = 3}, true);
  add("huge-sleep", "four workers, three threads that push, two deadlines",
      {.workers = 4, .submitters = 3, .pushes = 3, .deadlines = {9, 5}});
  all.back().huge = true;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_SLEEP_SCENARIOS_H_
