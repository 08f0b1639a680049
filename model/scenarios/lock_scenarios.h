// SPDX-License-Identifier: Apache-2.0
//
// The configurations of the descriptor lock.

#ifndef NETPOLL_MODEL_SCENARIOS_LOCK_SCENARIOS_H_
#define NETPOLL_MODEL_SCENARIOS_LOCK_SCENARIOS_H_

#include <memory>
#include <vector>

#include "netpoll/model/scenarios/lock_world.h"

namespace netpoll::model {

inline void AddLockScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, LockCast cast) {
    all.push_back({name, about, false, [cast] {
                     return std::unique_ptr<World>(new LockWorld(cast));
                   }});
  };
  const auto closed = [&](const char* name, const char* about, LockCast cast) {
    cast.endless = true;
    add(name, about, cast);
    all.back().closed = true;
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
  closed("closed-lock", "two readers take turns for ever, until a close",
         {.closers = 1});
  closed("closed-lock-three", "three readers: who parked first is not left",
         {.readers = 3});
  closed("closed-lock-reference",
         "two closers, and a reference again and again",
         {.readers = 1, .closers = 2, .reference = true});
  closed("closed-lock-writers", "two writers, and a reader, until a close",
         {.readers = 1, .writers = 2, .closers = 1, .loses = true});
  closed("closed-lock-cancel", "a reader that is cancelled again and again",
         {.cancels = 1, .keeps = true});
  closed("closed-lock-cancel-close", "the same, until a close",
         {.closers = 1, .cancels = 1});
  closed("closed-lock-cancel-next", "and who waits behind it is not left",
         {.readers = 3, .loses = true, .cancels = 1});
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

#endif  // NETPOLL_MODEL_SCENARIOS_LOCK_SCENARIOS_H_
