// SPDX-License-Identifier: Apache-2.0
//
// The configurations of operations on an open descriptor.

#ifndef NETPOLL_MODEL_SCENARIOS_IO_SCENARIOS_H_
#define NETPOLL_MODEL_SCENARIOS_IO_SCENARIOS_H_

#include <vector>

#include "netpoll/model/scenarios/io_world.h"

namespace netpoll::model {

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
  add("io-call", "the system carries the read out", {.flies = true});
  add("io-call-two", "and more", {.reads = 2, .edges = 2, .flies = true});
  add("io-call-end", "the stream may end", {.ends = true, .flies = true});
  add("io-call-close", "a close against the call",
      {.closes = true, .flies = true});
  add("io-call-spoken", "there is something already, and a close",
      {.edges = 0, .spoken = true, .closes = true, .flies = true});
  add("io-call-close-await", "which is awaited",
      {.edges = 0, .closes = true, .awaits = true, .flies = true});
  add("io-call-deadline", "a deadline against the call",
      {.deadline = true, .flies = true});
  add("io-call-deadline-moves", "which may be taken back",
      {.deadline = true, .moves = true, .flies = true});
  add("io-call-cancel", "a cancellation against the call",
      {.cancels = true, .flies = true});
  add("io-call-deadline-close", "a deadline and a close",
      {.edges = 0, .closes = true, .deadline = true, .flies = true});
  add("io-call-pieces", "a read that goes on with the next call",
      {.pieces = 2, .edges = 2, .closes = true, .flies = true});
  add("io-ring-deadline", "a worker's ring has it, and is asked for its end",
      {.edges = 0, .deadline = true, .flies = true, .asks = true});
  add("io-ring-spoken", "for a close, though there is something already",
      {.edges = 0,
       .spoken = true,
       .closes = true,
       .flies = true,
       .asks = true});
  add("io-ring-passed-on", "and another one's was asked before",
      {.edges = 0,
       .deadline = true,
       .flies = true,
       .asks = true,
       .stale = true});
  add("io-guest", "a task of another runtime reads", {.guest = true});
  add("io-guest-close", "and a close", {.closes = true, .guest = true});
  add("io-write", "a task writes when there is room",
      {.readers = 0, .writers = 1, .edges = 0, .takes = 1});
  add("io-write-close", "and a close",
      {.readers = 0, .writers = 1, .edges = 0, .takes = 1, .closes = true});
  add("io-write-cancel", "and a cancellation",
      {.readers = 0, .writers = 1, .edges = 0, .takes = 1, .cancels = true});
  add("io-both", "a task reads, and another one writes",
      {.writers = 1, .takes = 1});
  add("io-levels", "a task reads where levels are reported",
      {.reads = 2, .edges = 2, .levels = true});
  add("io-levels-both", "another one writes",
      {.writers = 1, .takes = 1, .levels = true});
  add("io-levels-close", "and a close", {.levels = true, .closes = true});
  add("io-levels-deadline", "and a deadline that may be taken back",
      {.levels = true, .deadline = true, .moves = true});
  add("io-levels-cancel", "and a cancellation",
      {.levels = true, .cancels = true});
  add("io-levels-skip", "a short read, and the next one waits at once",
      {.reads = 2, .edges = 1, .levels = true, .ends = true, .skips = true});
  const auto closed = [&](const char* name, const char* about, IoCast cast) {
    cast.endless = true;
    add(name, about, cast);
    all.back().closed = true;
  };
  closed("closed-io-read", "a task reads again and again", {});
  closed("closed-io-skip", "and short reads are followed by a wait",
         {.skips = true});
  closed("closed-io-write", "a task writes again and again",
         {.readers = 0, .writers = 1, .edges = 0, .takes = 1});
  closed("closed-io-levels", "one reads, another one writes, by levels",
         {.writers = 1, .takes = 1, .levels = true});
  closed("closed-io-close", "a task reads by levels, until a close",
         {.levels = true, .closes = true});
  closed("closed-io-cancel", "a task reads, and is cancelled again and again",
         {.cancels = true});
  closed("closed-io-deadline", "a task waits, and deadlines come and go",
         {.edges = 0, .deadline = true, .moves = true});
  closed("closed-io-queue", "two tasks read by levels, one at a time",
         {.readers = 2, .levels = true});
  closed("closed-io-yield", "the share of the turn may be used up",
         {.pieces = 2, .yields = true});
  closed("closed-io-guest", "a task of another runtime reads", {.guest = true});
  const auto deep = [&](const char* name, const char* about, IoCast cast) {
    closed(name, about, cast);
    all.back().deep = true;
  };
  deep("deep-closed-io-both", "one reads and another one writes",
       {.writers = 1, .takes = 1});
  deep("deep-closed-io-close", "a task reads, until a close", {.closes = true});
  deep("deep-closed-io-deadline", "a task reads, and deadlines come and go",
       {.deadline = true, .moves = true});
  deep("deep-closed-io-levels-deadline", "the same by levels",
       {.levels = true, .deadline = true, .moves = true});
  deep("deep-closed-io-queue", "two tasks read, and one waits for its turn",
       {.readers = 2});
  deep("deep-closed-io-turns",
       "one waits behind another, and is cancelled again and again",
       {.readers = 2, .edges = 0, .cancels = true});
  deep("deep-closed-io-skip-cancel", "a read that waits at once is cancelled",
       {.skips = true, .cancels = true});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_IO_SCENARIOS_H_
