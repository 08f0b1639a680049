// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/torture/verdict.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/tools/common/json.h"
#include "netpoll/tools/torture/faulty_calls.h"
#include "netpoll/tools/torture/options.h"
#include "netpoll/tools/torture/tally.h"

namespace netpoll::torture {

std::string ReplayCommand(const Options& options, const RoundName& round) {
  // As it can be typed: tools/netpoll says how it was called.
  const char* const typed = std::getenv("NETPOLL_COMMAND");
  std::string command = absl::StrCat(
      typed != nullptr ? typed : "netpoll", " torture --seed ", round.seed,
      " --rounds 1 --backend ", round.backend, " --threads ", round.threads);
  if (options.faults != kAllFaults) {
    absl::StrAppend(&command, " --faults ", FormatFaults(options.faults));
  }
  for (const PlantedName& each : kPlantedNames) {
    if (each.bug == options.planted) {
      absl::StrAppend(&command, " --break ", each.name);
    }
  }
  return command;
}

namespace {

std::array<std::uint64_t, kCallFaults> Injected() {
  if (call_faults == nullptr) return {};
  return call_faults->counts();
}

tools::JsonObject CountsAsJson(const Tally& tally) {
  tools::JsonObject counts;
  for (std::size_t i = 0; i < kCounts; ++i) {
    counts.Add(kCountNames[i].key, tally.Get(static_cast<Count>(i)));
  }
  tools::JsonObject injected;
  const auto of_each = Injected();
  for (std::size_t i = 0; i < kCallFaults; ++i) {
    injected.Add(kCallFaultNames[i], of_each[i]);
  }
  return counts.Add("injected", injected);
}

std::string CountsAsWords(const Tally& tally) {
  std::string text;
  for (std::size_t i = 0; i < kCounts; ++i) {
    const std::uint64_t count = tally.Get(static_cast<Count>(i));
    if (count == 0) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", count, " ",
                    kCountNames[i].words);
  }
  const auto injected = Injected();
  bool first = true;
  for (std::size_t i = 0; i < kCallFaults; ++i) {
    if (injected[i] == 0) continue;
    absl::StrAppend(&text, first ? "; faults injected: " : ", ", injected[i],
                    " ", kCallFaultNames[i]);
    first = false;
  }
  return text;
}

}  // namespace

void PrintGood(const Options& options, const Tally& tally, double seconds) {
  if (options.json) {
    tools::JsonObject json;
    json.Add("good", true)
        .Add("seed", options.seed)
        .Add("seconds", seconds, 1)
        .AddAllOf(CountsAsJson(tally));
    std::printf("%s\n", json.text().c_str());
  } else {
    std::printf("good: %s; %.1f s, seed %llu\n", CountsAsWords(tally).c_str(),
                seconds, static_cast<unsigned long long>(options.seed));
  }
}

void PrintWrong(const Options& options, const Tally& tally,
                const RoundName& round, const std::string& sentence) {
  const std::string replay = ReplayCommand(options, round);
  if (options.json) {
    tools::JsonObject json;
    json.Add("good", false)
        .Add("seed", round.seed)
        .Add("wrong", sentence)
        .Add("replay", replay)
        .AddAllOf(CountsAsJson(tally));
    std::printf("%s\n", json.text().c_str());
    return;
  }
  const std::size_t end = sentence.find('\n');
  std::printf("wrong: %s (seed %llu, %s, %d workers); replay: %s\n",
              sentence.substr(0, end).c_str(),
              static_cast<unsigned long long>(round.seed),
              round.backend.c_str(), round.threads, replay.c_str());
  if (end != std::string::npos) {
    std::printf("%s", sentence.substr(end + 1).c_str());
  }
}

}  // namespace netpoll::torture
