// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <string>

#include "absl/time/time.h"
#include "netpoll/tools/cli/values.h"

namespace netpoll::cli {

std::string FormatDuration(std::chrono::nanoseconds duration) {
  return absl::FormatDuration(absl::FromChrono(duration));
}

}  // namespace netpoll::cli
