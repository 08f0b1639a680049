// SPDX-License-Identifier: Apache-2.0
//
// The entry for libFuzzer: bytes are a configuration and a schedule (target.h).
// New states count as coverage. Before the first input the canary must have
// been found, otherwise nothing that follows would mean anything.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "netpoll/model/fuzz/session.h"
#include "netpoll/model/fuzz/target.h"
#include "netpoll/model/report/check.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes,
                                      std::size_t size);

namespace {

constexpr std::size_t kCounters = std::size_t{1} << 16;
constexpr std::uint64_t kCanaryRuns = 100'000;

#if defined(__clang__)
__attribute__((section("__libfuzzer_extra_counters"), used))
#endif
std::uint8_t new_states[kCounters];

void CountNewState(std::uint64_t hash) { ++new_states[hash % kCounters]; }

netpoll_fuzz::Target& Shipped() {
  static auto& target = *new netpoll_fuzz::Target(
      netpoll_fuzz::Fuzzed(*netpoll_model::FindVariant("shipped")),
      CountNewState);
  return target;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const netpoll_model::Variant* const canary = netpoll_fuzz::Canary();
  if (canary == nullptr) {
    std::fputs("schedules: the canary is not linked in\n", stderr);
    std::exit(2);
  }
  netpoll_fuzz::Target target(netpoll_fuzz::Fuzzed(*canary));
  netpoll_fuzz::Session session(target, 1);
  if (!netpoll_fuzz::RunUntilBroken(session, kCanaryRuns).broken()) {
    std::fputs("schedules: the canary was not found\n", stderr);
    std::exit(1);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes,
                                      std::size_t size) {
  const auto outcome = Shipped().Run(bytes, size);
  if (!outcome.broken()) return 0;
  const netpoll_model::Story story = netpoll_model::TellTwice(
      "shipped", *outcome.scenario, outcome.run.schedule);
  std::fprintf(stderr, "%s\n  netpoll replay %s\n",
               outcome.run.violation.c_str(),
               netpoll_model::ReplayStringOf(story).c_str());
  std::abort();
}
