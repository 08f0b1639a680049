// SPDX-License-Identifier: Apache-2.0
//
// One descriptor in runs of any length: whoever is there goes on for ever.

#ifndef NETPOLL_MODEL_SCENARIOS_CLOSED_DESCRIPTOR_SCENARIOS_H_
#define NETPOLL_MODEL_SCENARIOS_CLOSED_DESCRIPTOR_SCENARIOS_H_

#include <memory>
#include <utility>
#include <vector>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/scenarios/descriptor_world.h"

namespace netpoll::model {

inline void AddClosedDescriptorScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, Cast cast,
                          bool deep = false) {
    cast.endless = true;
    all.push_back({name, about, deep, [cast = std::move(cast)] {
                     return std::make_unique<DescriptorWorld>(cast);
                   }});
    all.back().closed = true;
  };
  constexpr Mode kR = Mode::kRead;
  [[maybe_unused]] constexpr Mode kW = Mode::kWrite;
  constexpr Mode kRW = Mode::kReadWrite;
  const Deadline none = Deadline::None();
  const Deadline past = Deadline::Past();
  const Deadline soon = Deadline::At(5);
  [[maybe_unused]] const Deadline later = Deadline::At(9);

  add("closed-edges", "a reader, and readiness again and again",
      {.read_rounds = 1, .read_edges = 1});
  add("closed-short-reads", "the same, and reads that take all there is",
      {.read_rounds = 1, .read_edges = 1, .short_reads = true});
  add("closed-past", "... and a deadline that comes and goes",
      {.read_rounds = 1,
       .read_edges = 1,
       .setters = {{{kR, past}, {kR, none}}}});
  add("closed-deadlines", "a reader, deadlines of every kind, and a timer",
      {.read_rounds = 1,
       .setters = {{{kR, none}, {kR, past}, {kR, soon}}},
       .times = {5}});
  add("closed-life", "a descriptor is closed and opened again and again",
      {.read_rounds = 1, .read_edges = 1, .closers = 1});
  add("closed-timer-life", "the same with deadlines and a timer",
      {.setters = {{{kR, none}, {kR, soon}}}, .times = {5}, .closers = 1});
  add("closed-errors", "errors and readiness",
      {.read_rounds = 1, .read_edges = 1, .error_events = 1});
  add("closed-both", "both directions and every report",
      {.read_rounds = 1, .write_rounds = 1, .both_edges = 1});
  add("closed-both-shared", "a deadline that both directions share, and leave",
      {.setters = {{{kRW, soon}, {kR, none}}}, .times = {5}});
  add("closed-two-times", "deadlines that are moved to and fro",
      {.read_rounds = 1,
       .setters = {{{kR, none}, {kR, soon}, {kR, later}}},
       .times = {5, 9}});
  add("closed-writer-past", "a writer, and deadlines of each direction",
      {.write_rounds = 1, .setters = {{{kW, none}, {kW, past}, {kR, past}}}});
  add("closed-writer-soon", "a writer, and a timer of each direction",
      {.write_rounds = 1, .setters = {{{kW, none}, {kW, soon}}}, .times = {5}});
  add("closed-writer-errors", "errors and room for a writer",
      {.write_rounds = 1, .write_edges = 1, .error_events = 1});
  // Large: everything of one direction, or of a deadline that two share.
  add("deep-closed-deadlines",
      "readiness, deadlines of every kind, and a timer",
      {.read_rounds = 1,
       .read_edges = 1,
       .setters = {{{kR, none}, {kR, past}, {kR, soon}}},
       .times = {5}},
      true);
  add("deep-closed-shared", "a writer whose deadline is shared, and left",
      {.write_rounds = 1, .setters = {{{kRW, soon}, {kR, none}}}, .times = {5}},
      true);
  add("deep-closed-life", "a reader, deadlines, a timer, and life after life",
      {.read_rounds = 1,
       .setters = {{{kR, none}, {kR, soon}}},
       .times = {5},
       .closers = 1},
      true);
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_CLOSED_DESCRIPTOR_SCENARIOS_H_
