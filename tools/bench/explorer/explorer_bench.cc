// SPDX-License-Identifier: Apache-2.0
//
// The explorer's speed, on the configuration of poller.pml: a reader, a peer, a
// poller, a timer and a closer, and with --moves a thread that sets deadlines.
// Prints a line of JSON for each way to search.
//
//   explorer_bench ROUNDS EDGES MOVES [REPEAT]
//   explorer_bench closed [REPEAT]    the configuration of closed.pml

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>

#include "netpoll/model/engine/explore.h"
#include "netpoll/model/engine/full_search.h"
#include "netpoll/model/scenarios/descriptor_world.h"

namespace {

using netpoll::Deadline;
using netpoll::Mode;
using netpoll::model::FullResult;

netpoll::model::Cast Cast(int rounds, int edges, int moves) {
  netpoll::model::Cast cast;
  cast.read_rounds = rounds;
  cast.read_edges = edges;
  cast.first_deadline = 5;
  cast.times = {5};
  cast.closers = 1;
  if (moves > 0) {
    cast.times = {5, 9};
    const Deadline to[] = {Deadline::At(9), Deadline::Past(), Deadline::None()};
    cast.setters.emplace_back();
    for (int i = 0; i < moves; ++i) {
      cast.setters[0].push_back({Mode::kRead, to[i % 3]});
    }
  }
  return cast;
}

// closed-past, of model/scenarios/closed_descriptor_scenarios.h.
netpoll::model::Cast ClosedCast() {
  netpoll::model::Cast cast;
  cast.read_rounds = 1;
  cast.read_edges = 1;
  cast.setters = {
      {{Mode::kRead, Deadline::Past()}, {Mode::kRead, Deadline::None()}}};
  cast.endless = true;
  return cast;
}

// Of this process: what else the machine does hardly counts.
double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         1e-9 * static_cast<double>(now.tv_nsec);
}

void Print(const char* how, const FullResult& result, double seconds) {
  std::printf(
      "{\"search\": \"%s\", \"states\": %llu, \"transitions\": %llu, "
      "\"at_rest\": %llu, \"bits\": %d, \"cpu_seconds\": %.4f, "
      "\"states_per_second\": %.0f, \"holds\": %s}\n",
      how, static_cast<unsigned long long>(result.states),
      static_cast<unsigned long long>(result.transitions),
      static_cast<unsigned long long>(result.at_rest), result.bits, seconds,
      static_cast<double>(result.states) / seconds,
      result.violation.empty() ? "true" : "false");
}

}  // namespace

int main(int argc, char** argv) {
  const bool closed = argc > 1 && std::strcmp(argv[1], "closed") == 0;
  const int sizes = closed ? 1 : 3;
  if (argc < 1 + sizes) {
    std::fputs(
        "usage: explorer_bench ROUNDS EDGES MOVES [REPEAT], or\n"
        "       explorer_bench closed [REPEAT]\n",
        stderr);
    return 2;
  }
  const auto cast =
      closed ? ClosedCast()
             : Cast(std::atoi(argv[1]), std::atoi(argv[2]), std::atoi(argv[3]));
  const int repeat = argc > 1 + sizes ? std::atoi(argv[1 + sizes]) : 1;
  netpoll::model::Scenario scenario;
  scenario.name = "bench";
  scenario.closed = closed;
  scenario.make = [cast] {
    return std::make_unique<netpoll::model::DescriptorWorld>(cast);
  };
  const double start = CpuSeconds();
  netpoll::model::Exploration exploration(scenario);
  const auto found = exploration.Run();
  const double tables = CpuSeconds() - start;
  if (!found.violation.empty()) {
    std::fprintf(stderr, "explorer_bench: %s\n", found.violation.c_str());
    return 1;
  }
  std::printf(
      "{\"search\": \"first, finds the tables\", \"states\": %llu, "
      "\"transitions\": %llu, \"runs_of_the_code\": %llu, "
      "\"cpu_seconds\": %.4f}\n",
      static_cast<unsigned long long>(found.states),
      static_cast<unsigned long long>(found.transitions),
      static_cast<unsigned long long>(found.executions), tables);
  for (const bool reduction : {false, true}) {
    for (const bool laws : {true, false}) {
      FullResult result;
      double best = 0;
      for (int i = 0; i < repeat; ++i) {
        const double begin = CpuSeconds();
        result = netpoll::model::FullSearch(
            exploration.tables(),
            {.reduction = reduction, .check_states = laws});
        const double taken = CpuSeconds() - begin;
        if (i == 0 || taken < best) best = taken;
      }
      Print(reduction ? (laws ? "reduced, laws" : "reduced")
                      : (laws ? "full, laws" : "full"),
            result, best);
    }
  }
  return 0;
}
