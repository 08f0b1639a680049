// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/torture/options.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace netpoll::torture {

std::optional<Faults> ParseFaults(const std::string& text, std::string* wrong) {
  if (text == "all") return kAllFaults;
  if (text == "none") return Faults{0};
  Faults faults = 0;
  const std::vector<std::string> words = absl::StrSplit(text, ',');
  for (const std::string& word : words) {
    const Faults before = faults;
    for (const FaultName& each : kFaultNames) {
      if (each.name == word) faults |= each.fault;
    }
    if (faults == before) {
      *wrong = word;
      return std::nullopt;
    }
  }
  return faults;
}

std::string FormatFaults(Faults faults) {
  if (faults == kAllFaults) return "all";
  std::string text;
  for (const FaultName& each : kFaultNames) {
    if ((faults & each.fault) == 0) continue;
    absl::StrAppend(&text, text.empty() ? "" : ",", each.name);
  }
  return text.empty() ? "none" : text;
}

}  // namespace netpoll::torture
