// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/values.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace netpoll::cli {

std::optional<std::int64_t> ParseNumber(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || !std::all_of(text.begin(), text.end(), digit)) return {};
  std::int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::optional<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  absl::Duration duration;
  if (!absl::ParseDuration(std::string(text), &duration)) return {};
  const absl::Duration longest = absl::Nanoseconds(
      std::numeric_limits<std::chrono::nanoseconds::rep>::max());
  if (duration < absl::ZeroDuration() || duration > longest) return {};
  return absl::ToChronoNanoseconds(duration);
}

std::string FormatDuration(std::chrono::nanoseconds duration) {
  return absl::FormatDuration(absl::FromChrono(duration));
}

std::optional<Address> ParseAddress(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  Address address;
  if (text.starts_with(kUnix)) {
    address.path = text.substr(kUnix.size());
    if (address.path.empty()) return {};
    return address;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {};
  std::string_view host = text.substr(0, colon);
  const bool bracketed =
      host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find(':') != std::string_view::npos) return {};
  if (bracketed && host.empty()) return {};
  const auto port = ParseNumber(text.substr(colon + 1));
  if (!port || *port > 65535) return {};
  address.host = host;
  address.port = static_cast<std::uint16_t>(*port);
  return address;
}

std::string FormatAddress(const Address& address) {
  if (address.is_unix()) return absl::StrCat("unix:", address.path);
  const bool v6 = address.host.find(':') != std::string::npos;
  return absl::StrCat(v6 ? "[" : "", address.host, v6 ? "]" : "", ":",
                      address.port);
}

}  // namespace netpoll::cli
