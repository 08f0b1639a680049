// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/torture/round.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/tools/torture/clock.h"
#include "netpoll/tools/torture/ledger.h"

namespace netpoll::torture {

Round::Round(const RoundSetting& setting, const RoundHost& host, Tally& tally)
    : setting_(setting),
      host_(host),
      tally_(tally),
      runtime_({.threads = setting.threads, .backend = setting.backend}) {}

void Round::CheckTimeout(const char* what, std::int64_t earliest) {
  const std::int64_t now = TrueNow();
  Add(Count::kTimeouts);
  if (now >= earliest) return;
  if (earliest == kNever) {
    Wrong(absl::StrCat("a ", what, " without a deadline timed out"));
  }
  Wrong(absl::StrCat("the deadline of a ", what, " was ", earliest - now,
                     " ns early"));
}

bool Round::Excused(const char* what, const absl::Status& status) {
  if (runtime_.stopping()) return true;
  if (absl::IsResourceExhausted(status) &&
      Has(Fault(kDescriptors | kCalls | kMemory))) {
    Add(Count::kExhausted);
    return true;
  }
  Wrong(absl::StrCat(what, ": ", status.ToString()));
  return false;
}

}  // namespace netpoll::torture
