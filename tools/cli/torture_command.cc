// SPDX-License-Identifier: Apache-2.0
//
// netpoll torture: the fault campaign.
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/tools/cli/choose_backend.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/try_backend.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/suggest.h"
#include "netpoll/tools/torture/campaign.h"
#include "netpoll/tools/torture/faulty_calls.h"
#include "netpoll/tools/torture/options.h"

namespace netpoll::tools {
namespace {

using torture::Planted;
using torture::PlantedName;

std::vector<std::string> BackendsThatRun() {
  std::vector<std::string> names;
  for (const std::string& name : HostBackends::Names()) {
    bool runs = false;
    HostBackends::Visit(name,
                        [&]<class B>() { runs = TryBackend<B>().empty(); });
    if (runs) names.push_back(name);
  }
  return names;
}

void AddFaultsFlag(Flags& flags, torture::Faults* faults) {
  std::string names;
  for (const torture::FaultName& each : torture::kFaultNames) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", each.name);
  }
  flags.Custom(
      "faults", "LIST", "all",
      absl::StrCat("what may disturb: all, none, or some of ", names),
      [faults](std::string_view text) -> std::optional<std::string> {
        std::string wrong;
        const auto parsed = torture::ParseFaults(std::string(text), &wrong);
        if (!parsed) {
          return absl::StrCat("kinds of faults with commas between, and ",
                              Quoted(wrong), " is none");
        }
        *faults = *parsed;
        return std::nullopt;
      });
}

std::vector<std::string> BackendChoices() {
  std::vector<std::string> names = HostBackends::Names();
  names.insert(names.begin(), "all");
  return names;
}

}  // namespace

int RunTorture(Arguments arguments) {
  constexpr int kMost = std::numeric_limits<int>::max();
  torture::Options options;
  std::string backend = "all";
  std::string broken;
  int seed = 1;
  int patience = static_cast<int>(options.patience.count());
  Flags flags(
      "netpoll torture",
      "Runs an echo server and its clients over every kind of stream and "
      "datagram, in\nrounds, verifies each byte, and disturbs them: deadlines, "
      "resets, closes, full\nbacklogs, no descriptors, signals, stops, failing "
      "system calls. Prints one line:\nwhat was verified and injected, or what "
      "is wrong and how to run it again.");
  flags.Count("seed", "S", &seed, 0, kMost,
              "of the first round; each next one has the next");
  flags.Count("rounds", "N", &options.rounds, 0, kMost,
              "how many rounds; 0: as --duration says");
  flags.Duration("duration", "D", &options.duration,
                 "how long; 0: as --rounds says, or 10s");
  flags.Choice("backend", "NAME", &backend, BackendChoices(),
               "the system interface; all: each round draws one");
  flags.Count("threads", "N", &options.threads, 0, 64,
              "worker threads; 0: each round draws 1, 2 or 4");
  AddFaultsFlag(flags, &options.faults);
  flags.Count("patience", "SECONDS", &patience, 1, 86'400,
              "how long nothing may move, or a deadline be overdue");
  std::vector<std::string> bugs;
  for (const PlantedName& each : torture::kPlantedNames) {
    bugs.emplace_back(each.name);
  }
  flags.Choice("break", "BUG", &broken, bugs,
               "plant this bug, to see it found");
  flags.Switch("verbose", &options.verbose,
               "say on standard error what each round does");
  flags.Switch("json", &options.json, "print JSON");
  flags.Finding("something is wrong: the line says what, and the seed");
  flags.Example("netpoll torture");
  flags.Example("netpoll torture --duration 8h --seed 1000000");
  flags.Example("netpoll torture --backend poll --faults resets,deadlines");
  if (const auto status = flags.Parse(arguments)) return *status;
  if (backend == "all") {
    options.backends = BackendsThatRun();
    if (options.backends.empty()) return flags.Found("no backend runs here");
  } else {
    if (const auto status = RefuseBackend(flags, backend)) return *status;
    options.backends = {backend};
  }
  for (const PlantedName& each : torture::kPlantedNames) {
    if (each.name == broken) options.planted = each.bug;
  }
  if (options.planted != Planted::kNone && torture::call_faults == nullptr) {
    return flags.Fail(
        "this program can't plant bugs: use netpoll_torture, as tools/netpoll "
        "does");
  }
  if (options.rounds == 0 && options.duration.count() == 0) {
    options.duration = std::chrono::seconds(10);
  }
  options.seed = static_cast<std::uint64_t>(seed);
  options.patience = std::chrono::seconds(patience);
  return torture::RunCampaign(options);
}

}  // namespace netpoll::tools
