// SPDX-License-Identifier: Apache-2.0
//
// The small configurations of one descriptor. Each names what only it can show.

#ifndef NETPOLL_MODEL_SCENARIOS_DESCRIPTOR_SCENARIOS_H_
#define NETPOLL_MODEL_SCENARIOS_DESCRIPTOR_SCENARIOS_H_

#include <memory>
#include <utility>
#include <vector>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/scenarios/descriptor_world.h"

namespace netpoll::model {

inline void AddDescriptorScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, Cast cast,
                          bool deep = false) {
    all.push_back({name, about, deep, [cast = std::move(cast)] {
                     return std::make_unique<DescriptorWorld>(cast);
                   }});
  };
  constexpr Mode kR = Mode::kRead;
  [[maybe_unused]] constexpr Mode kW = Mode::kWrite;
  [[maybe_unused]] constexpr Mode kRW = Mode::kReadWrite;
  const Deadline five = Deadline::At(5);
  [[maybe_unused]] const Deadline nine = Deadline::At(9);
  const Deadline past = Deadline::Past();
  const Deadline none = Deadline::None();

  add("read-edge", "one reader, one edge: the park and the report",
      {.read_rounds = 1, .read_edges = 1});
  add("read-edges", "two rounds, two edges: reset against a late report",
      {.read_rounds = 2, .read_edges = 2});
  add("read-close", "one reader, a close and nothing else: the Dekker pair",
      {.read_rounds = 1, .closers = 1});
  add("read-edge-close", "a report against a close",
      {.read_rounds = 1, .read_edges = 1, .closers = 1});
  add("read-past", "a deadline set to the past and nothing else",
      {.read_rounds = 1, .setters = {{{kR, past}}}});
  add("read-past-cleared", "a report against a deadline that comes and goes",
      {.read_rounds = 1,
       .read_edges = 1,
       .setters = {{{kR, past}, {kR, none}}}});
  add("read-past-ready", "readiness that an expiry finds is not passed over",
      {.read_rounds = 1,
       .ready_first = true,
       .read_edges = 1,
       .setters = {{{kR, past}}}});
  add("read-timer", "a deadline that a timer serves",
      {.read_rounds = 1, .setters = {{{kR, five}}}, .times = {5}});
  add("read-edge-timer", "a report against a timer",
      {.read_rounds = 1,
       .read_edges = 1,
       .setters = {{{kR, five}}},
       .times = {5}});
  add("ask-timer", "a report that is late against a timer, which asks",
      {.read_rounds = 1,
       .read_edges = 1,
       .first_deadline = 5,
       .times = {5},
       .asks = true});
  add("ask-both", "a timer of both directions asks about both",
      {.write_rounds = 1,
       .write_edges = 1,
       .setters = {{{kRW, five}}},
       .times = {5},
       .asks = true});
  add("ask-more", "a deadline comes that it has not asked about",
      {.write_rounds = 1,
       .write_edges = 1,
       .setters = {{{kR, five}, {kW, five}}},
       .times = {5},
       .asks = true});
  add("read-timer-later", "a stale timer against a later deadline",
      {.read_rounds = 1,
       .setters = {{{kR, five}, {kR, nine}}},
       .times = {5, 9}});
  add("read-timer-close", "a timer against a close",
      {.read_rounds = 1,
       .setters = {{{kR, five}}},
       .times = {5},
       .closers = 1});
  add("two-setters", "two threads set one deadline, a timer serves it",
      {.read_rounds = 1,
       .setters = {{{kR, five}}, {{kR, past}}},
       .times = {5}});
  add("two-setters-later", "two threads set two deadlines of one direction",
      {.read_rounds = 1,
       .setters = {{{kR, five}}, {{kR, nine}}},
       .times = {5, 9}});
  add("two-clocks", "a timer in two hands, and deadlines of the same time",
      {.read_rounds = 1,
       .retry_timeouts = true,
       .setters = {{{kR, nine}, {kR, five}, {kR, nine}}},
       .times = {9},
       .clocks = 2});
  add("two-clocks-close", "the same, of two lives",
      {.setters = {{{kR, five}}},
       .times = {5},
       .clocks = 2,
       .closers = 1,
       .reopen = true,
       .second_rounds = 1,
       .second_deadline = 5});
  add("read-timer-sooner", "a deadline is brought forward",
      {.read_rounds = 1, .setters = {{{kR, nine}, {kR, five}}}, .times = {5}});
  add("retry-after-timeout", "the reader goes on when the deadline is gone",
      {.read_rounds = 2,
       .retry_timeouts = true,
       .read_edges = 1,
       .setters = {{{kR, past}, {kR, none}}}});
  add("wait-canceled", "a completion is waited for whatever else happens",
      {.read_rounds = 1,
       .read_kind = WaitKind::kUntilReady,
       .read_edges = 1,
       .setters = {{{kR, past}}}});
  add("payload-edge", "whoever wakes a task leaves something for it",
      {.read_rounds = 2, .read_edges = 2, .payload = true});
  add("payload-past", "... also whoever sets a deadline that has passed",
      {.read_rounds = 1,
       .read_edges = 1,
       .setters = {{{kR, past}}},
       .payload = true});
  add("payload-close", "... and whoever closes",
      {.read_rounds = 1, .read_edges = 1, .closers = 1, .payload = true});
  add("payload-told", "who is told of a close sees what came before it",
      {.read_rounds = 1, .closers = 1, .told = true});
  add("error-event", "a report that says nothing but error",
      {.read_rounds = 1, .error_events = 1});
  add("error-then-edge", "an error report, then a proper one",
      {.read_rounds = 1, .read_edges = 1, .error_events = 1});
  add("error-past", "an error report against deadlines that come and go",
      {.read_rounds = 1,
       .error_events = 1,
       .setters = {{{kR, past}, {kR, none}}}});
  add("error-timer", "an error report against a timer",
      {.error_events = 1, .first_deadline = 5, .times = {5}});
  add("error-writer", "an error report wakes a writer and tells it nothing",
      {.write_rounds = 1, .error_events = 1});
  add("error-limit-writer", "the last of many errors under a writer",
      {.write_rounds = 1, .error_events = 1, .errors_before = 7});
  add("error-news-writer", "an error beyond the limit that ends a write",
      {.write_rounds = 1,
       .error_events = 1,
       .errors_before = 8,
       .errors_are_news = true});
  add("error-limit-both", "the last of many errors under both: one is told",
      {.read_rounds = 1,
       .write_rounds = 1,
       .error_events = 1,
       .errors_before = 7,
       .short_reads = true,
       .drained_first = true});
  add("error-counted", "errors that keep coming are counted to the end",
      {.error_events = 2, .errors_before = 6});
  add("error-forgotten", "what was reported before a read does not count",
      {.read_rounds = 1, .error_events = 1, .errors_before = 8});
  add("error-told", "the last of many errors in a row ends the wait",
      {.read_rounds = 1,
       .error_events = 1,
       .errors_before = 7,
       .short_reads = true,
       .drained_first = true});
  add("error-told-once", "who was told tries again, and waits",
      {.read_rounds = 2,
       .error_events = 1,
       .errors_before = 7,
       .retry_told = true,
       .short_reads = true,
       .drained_first = true});
  add("error-told-late", "the last error against a proper report",
      {.read_rounds = 1,
       .read_edges = 1,
       .error_events = 1,
       .errors_before = 7,
       .short_reads = true,
       .drained_first = true});
  add("short-read-edges", "a wait that begins without the call, and a report",
      {.read_rounds = 2,
       .read_edges = 2,
       .short_reads = true,
       .drained_first = true});
  add("short-read-error", "the same, an error and readiness",
      {.read_rounds = 1,
       .read_edges = 1,
       .error_events = 1,
       .short_reads = true,
       .drained_first = true});
  add("short-read-past", "the same, a deadline and readiness",
      {.read_rounds = 2,
       .retry_timeouts = true,
       .read_edges = 1,
       .short_reads = true,
       .drained_first = true,
       .setters = {{{kR, past}, {kR, none}}}});
  add("short-read-timer", "the same, a timer, a later deadline and readiness",
      {.read_rounds = 2,
       .retry_timeouts = true,
       .read_edges = 1,
       .short_reads = true,
       .drained_first = true,
       .setters = {{{kR, none}}},
       .first_deadline = 5,
       .times = {5}});
  add("short-read-close", "the same, a close and readiness",
      {.read_rounds = 1,
       .read_edges = 1,
       .short_reads = true,
       .drained_first = true,
       .closers = 1});
  add("write-edge-close", "the other direction, against a close",
      {.write_rounds = 1, .write_edges = 1, .closers = 1});
  add("both-one-event", "one report makes both directions ready",
      {.read_rounds = 1, .write_rounds = 1, .both_edges = 1});
  add("both-close", "a close wakes both directions",
      {.read_rounds = 1, .write_rounds = 1, .closers = 1});
  add("both-combined", "one timer serves both directions",
      {.read_rounds = 1,
       .write_rounds = 1,
       .setters = {{{kRW, five}}},
       .times = {5}});
  add("both-split", "the shared timer, when one direction leaves",
      {.read_rounds = 1,
       .write_rounds = 1,
       .setters = {{{kRW, five}, {kW, nine}}},
       .times = {5, 9}});
  add("both-joined", "two deadlines of one time",
      {.read_rounds = 1,
       .write_rounds = 1,
       .setters = {{{kW, five}, {kR, five}}},
       .times = {5}});
  add("both-past", "a deadline in the past ends the waits of both directions",
      {.read_rounds = 1, .write_rounds = 1, .setters = {{{kRW, past}}}});
  add("both-timers", "two deadlines pass at once",
      {.read_rounds = 1,
       .write_rounds = 1,
       .setters = {{{kR, five}, {kW, nine}}},
       .times = {9}});
  add("two-pollers", "two threads poll: only one gets the waiter",
      {.read_rounds = 1, .read_edges = 2, .pollers = 2});
  add("poll-again", "a poll that blocks, and another",
      {.read_rounds = 1, .read_edges = 2, .blocking = true});
  add("misuse-two-polls", "two threads that block in a poll are noticed",
      {.read_edges = 1, .pollers = 2, .blocking = true});
  add("reopen-stale-event", "a report of the last incarnation comes late",
      {.read_rounds = 1,
       .read_edges = 2,
       .closers = 1,
       .reopen = true,
       .second_rounds = 1});
  add("reopen-stale-error", "an error of the last incarnation comes late",
      {.read_rounds = 1,
       .error_events = 1,
       .closers = 1,
       .reopen = true,
       .second_rounds = 1});
  add("reopen-after-failure", "the system refuses the second open at first",
      {.read_rounds = 1,
       .read_edges = 1,
       .closers = 1,
       .reopen = true,
       .second_rounds = 1,
       .open_may_fail = true});
  add("reopen-new-deadline", "a late timer against the next life's deadline",
      {.setters = {{{kR, five}}},
       .times = {5, 9},
       .closers = 1,
       .reopen = true,
       .second_rounds = 1,
       .second_deadline = 9});
  add("reopen-new-write-deadline", "the same of the other direction",
      {.setters = {{{kW, five}}},
       .times = {5, 9},
       .closers = 1,
       .reopen = true,
       .second_rounds = 1,
       .second_deadline = 9,
       .second_mode = kW});
  add("reopen-late-setter", "a deadline is set that the last life was to have",
      {.read_rounds = 1,
       .setters = {{{kR, five}}},
       .setters_name = true,
       .times = {5},
       .closers = 1,
       .reopen = true,
       .second_rounds = 1});
  add("ask-reopen", "a timer of the last incarnation asks about this one",
      {.read_edges = 1,
       .first_deadline = 5,
       .times = {5},
       .asks = true,
       .closers = 1,
       .reopen = true,
       .second_rounds = 1});
  add("misuse-two-readers", "two tasks in one direction are noticed",
      {.read_rounds = 1, .read_edges = 1, .two_readers = true});
  add("misuse-unblock-twice", "a second Unblock is noticed",
      {.read_rounds = 1, .closers = 1, .unblock_twice = true});
  add("misuse-close-early", "a Close under a waiting task is noticed",
      {.read_rounds = 1, .closers = 1, .close_early = true});
  add("misuse-close-writer", "a Close under a waiting writer is noticed",
      {.write_rounds = 1,
       .closers = 1,
       .close_early = true,
       .looks_at_both = true});
  add("misuse-no-unblock", "a Close without Unblock is noticed",
      {.closers = 1, .no_unblock = true});
  add("setter-close", "a deadline is set while the descriptor closes",
      {.read_rounds = 1, .setters = {{{kR, five}, {kR, past}}}, .closers = 1});
  add("write-deadline", "a writer's deadline leaves the reader alone",
      {.read_rounds = 1,
       .write_rounds = 1,
       .setters = {{{kW, five}}},
       .times = {5}});
  add("write-past", "a write deadline in the past, then cleared",
      {.write_rounds = 1,
       .write_edges = 1,
       .setters = {{{kW, past}, {kW, none}}}});
  add("both-read-leaves", "the shared timer, when the reader's deadline moves",
      {.write_rounds = 1,
       .setters = {{{kRW, five}, {kR, nine}}},
       .times = {5, 9}});
  // Large: everything at once. What they would hide, the small ones show.
  add("deep-both-close", "both directions, a shared deadline and a close",
      {.read_rounds = 1,
       .write_rounds = 1,
       .both_edges = 1,
       .setters = {{{kRW, five}}},
       .times = {5},
       .closers = 1},
      true);
  add("deep-reopen",
      "both directions, a shared deadline, a close, and the next life with a "
      "late report and a late timer",
      {.read_rounds = 1,
       .write_rounds = 1,
       .both_edges = 1,
       .setters = {{{kRW, five}}},
       .times = {5},
       .closers = 1,
       .reopen = true,
       .second_rounds = 1,
       .second_deadline = 9},
      true);
  // Too large to exhaust: fuzzed.
  add("huge-both-reopen",
      "everybody at once, several times, and again in the next life",
      {.read_rounds = 3,
       .write_rounds = 2,
       .retry_timeouts = true,
       .read_edges = 2,
       .write_edges = 2,
       .both_edges = 1,
       .error_events = 1,
       .pollers = 2,
       .setters = {{{kRW, five}}, {{kR, past}, {kRW, none}}},
       .times = {5, 9},
       .closers = 1,
       .reopen = true,
       .second_rounds = 2,
       .second_deadline = 9});
  all.back().huge = true;
  add("reopen-stale-timer", "a timer of the last incarnation comes late",
      {.setters = {{{kR, five}}},
       .times = {5},
       .closers = 1,
       .reopen = true,
       .second_rounds = 1});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_DESCRIPTOR_SCENARIOS_H_
