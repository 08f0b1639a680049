// SPDX-License-Identifier: Apache-2.0
//
// The kinds of values that flags take, parsed strictly. Pure.

#ifndef NETPOLL_TOOLS_COMMON_VALUES_H_
#define NETPOLL_TOOLS_COMMON_VALUES_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netpoll::tools {

// Decimal digits only: no sign, no spaces, no other base. Nothing also when it
// does not fit 63 bits.
std::optional<std::int64_t> ParseNumber(std::string_view text);

// "1s", "250ms", "1m30s", "1.5h"; not negative, not infinite; 0 needs no unit.
// Nothing if it is no duration, or longer than can be said: then `too_long`.
std::optional<std::chrono::nanoseconds> ParseDuration(std::string_view text,
                                                      bool* too_long = nullptr);

// What ParseDuration takes, for a sentence that refuses something else.
inline constexpr std::string_view kDurations =
    "a duration such as 250ms or 1m30s";
inline constexpr std::string_view kDurationsThatFit =
    "a duration of at most 2562047h (292 years)";

// Shortest, as ParseDuration reads it.
std::string FormatDuration(std::chrono::nanoseconds duration);

// HOST:PORT, [IPV6]:PORT or unix:PATH.
struct Address {
  std::string host;  // Without brackets. Empty (":80"): every address.
  std::uint16_t port = 0;
  std::string path;  // Not empty: a Unix socket.

  bool is_unix() const { return !path.empty(); }
  friend bool operator==(const Address&, const Address&) = default;
};

std::optional<Address> ParseAddress(std::string_view text);

// As ParseAddress reads it.
std::string FormatAddress(const Address& address);

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_COMMON_VALUES_H_
