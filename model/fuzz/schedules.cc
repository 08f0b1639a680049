// SPDX-License-Identifier: Apache-2.0
//
// The entry for libFuzzer: bytes are a configuration and a schedule (target.h).
// New states count as coverage. Before the first input the canary must have
// been found, otherwise nothing that follows would mean anything.

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "netpoll/model/fuzz/session.h"
#include "netpoll/model/fuzz/target.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/pictures.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes,
                                      std::size_t size);

namespace netpoll::model {
namespace {

constexpr std::size_t kCounters = std::size_t{1} << 16;
constexpr std::uint64_t kCanaryRuns = 100'000;

#if defined(__clang__)
__attribute__((section("__libfuzzer_extra_counters"), used))
#endif
std::uint8_t new_states[kCounters];

void CountNewState(std::uint64_t hash) { ++new_states[hash % kCounters]; }

Target& Shipped() {
  static auto& target =
      *new Target(Fuzzed(*FindVariant("shipped")), CountNewState);
  return target;
}

// Files are named, and inputs saved, where `bazel run` was typed.
void GoWhereTheUserIs() {
  const char* const folder = std::getenv("BUILD_WORKING_DIRECTORY");
  if (folder != nullptr && ::chdir(folder) != 0) std::perror(folder);
}

// Flags of libFuzzer, before those of the user, which win. What was seen of
// each configuration takes 16 MiB, which is no leak; names of functions that
// are new say nothing here.
void AddFlags(int* argc, char*** argv) {
  static char memory[] = "-rss_limit_mb=8192";
  static char quiet[] = "-print_funcs=0";
  static auto& all = *new std::vector<char*>(*argv, *argv + *argc);
  all.insert(all.begin() + 1, {memory, quiet});
  *argc = static_cast<int>(all.size());
  all.push_back(nullptr);
  *argv = all.data();
}

void FindCanary() {
  const Variant* const canary = Canary();
  if (canary == nullptr) {
    std::fputs("schedules: the canary is not linked in\n", stderr);
    std::exit(2);
  }
  Target target(Fuzzed(*canary));
  Session session(target, 1);
  if (!RunUntilBroken(session, kCanaryRuns).broken()) {
    std::fputs("schedules: the canary was not found\n", stderr);
    std::exit(1);
  }
  std::fprintf(stderr, "schedules: the canary was found after %llu runs\n",
               static_cast<unsigned long long>(session.runs()));
}

// As small as could be made.
void TellSmallest(const Target::Outcome& outcome) {
  const auto small =
      Shipped().Run(Shipped().Shrink(outcome.plain, outcome.run.violation));
  const Story story = TellTwice("shipped", *small.scenario, small.run.schedule);
  std::fprintf(stderr, "\n%s: %s\n", story.scenario.c_str(),
               Counterexample(story, TerminalWidth(STDERR_FILENO)).c_str());
}

}  // namespace
}  // namespace netpoll::model

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  netpoll::model::GoWhereTheUserIs();
  netpoll::model::AddFlags(argc, argv);
  netpoll::model::FindCanary();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes,
                                      std::size_t size) {
  const auto outcome = netpoll::model::Shipped().Run(bytes, size);
  if (!outcome.broken()) return 0;
  netpoll::model::TellSmallest(outcome);
  std::abort();
}
