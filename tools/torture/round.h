// SPDX-License-Identifier: Apache-2.0
//
// What the tasks of one round share. What a round is: conduct.h.

#ifndef NETPOLL_TOOLS_TORTURE_ROUND_H_
#define NETPOLL_TOOLS_TORTURE_ROUND_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/tools/torture/ledger.h"
#include "netpoll/tools/torture/options.h"
#include "netpoll/tools/torture/tally.h"

namespace netpoll::torture {

struct RoundSetting {
  std::uint64_t seed = 1;
  std::string backend;
  int threads = 1;
  Faults faults = 0;
  std::chrono::seconds patience{20};
  std::string folder;  // For Unix sockets.
};

// The surroundings that a round cannot make by itself.
struct RoundHost {
  // Says what is wrong, and does not return.
  std::function<void(const std::string&)> wrong;
  // Has the process stopped and continued; null where nobody can.
  std::function<void()> pause;
};

// What the tasks of a round share.
class Round {
 public:
  Round(const RoundSetting& setting, const RoundHost& host, Tally& tally);

  Runtime& runtime() { return runtime_; }
  Ledger& ledger() { return ledger_; }
  const RoundSetting& setting() const { return setting_; }
  const RoundHost& host() const { return host_; }
  bool Has(Fault fault) const { return (setting_.faults & fault) != 0; }
  void Add(Count what, std::uint64_t count = 1) { tally_.Add(what, count); }

  // Connections may break that nobody broke: what they need was refused.
  bool lenient() const {
    return Has(Fault(kCalls | kMemory)) ||
           lenient_.load(std::memory_order_acquire);
  }
  void BeLenient() { lenient_.store(true, std::memory_order_release); }

  // Does not return.
  void Wrong(const std::string& sentence) { host_.wrong(sentence); }

  // An operation ended with a timeout: the deadline was not early, as far as
  // `earliest` is the earliest that may have ended it.
  void CheckTimeout(const char* what, std::int64_t earliest);

  // Whether making a descriptor may fail so here: the runtime stops, or there
  // are no descriptors or no memory. Says otherwise that it is wrong.
  bool Excused(const char* what, const absl::Status& status);

 private:
  const RoundSetting setting_;
  const RoundHost& host_;
  Tally& tally_;
  std::atomic<bool> lenient_{false};
  Ledger ledger_;
  Runtime runtime_;
};

}  // namespace netpoll::torture

#endif  // NETPOLL_TOOLS_TORTURE_ROUND_H_
