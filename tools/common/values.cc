// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/common/values.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "netpoll/tools/common/cat.h"

namespace netpoll::tools {

std::optional<std::int64_t> ParseNumber(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || !std::all_of(text.begin(), text.end(), digit)) return {};
  std::int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanos;
};

// A name comes before those that it begins with.
constexpr Unit kUnits[] = {
    {"ns", 1},
    {"us", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
};

// Takes the digits that `text` begins with.
std::string_view TakeDigits(std::string_view* text) {
  const std::size_t count =
      std::min(text->find_first_not_of("0123456789"), text->size());
  const std::string_view digits = text->substr(0, count);
  text->remove_prefix(count);
  return digits;
}

const Unit* TakeUnit(std::string_view* text) {
  for (const Unit& unit : kUnits) {
    if (!text->starts_with(unit.name)) continue;
    text->remove_prefix(unit.name.size());
    return &unit;
  }
  return nullptr;
}

// What a part of a duration adds to it.
enum class Part { kTaken, kTooLong, kNone };

// Takes "1.5h" or the like, and adds it to `total`.
Part TakePart(std::string_view* text, std::int64_t* total) {
  const std::string_view whole = TakeDigits(text);
  std::string_view fraction;
  if (text->starts_with('.')) {
    text->remove_prefix(1);
    fraction = TakeDigits(text);
  }
  const Unit* const unit = TakeUnit(text);
  if (unit == nullptr || (whole.empty() && fraction.empty())) {
    return Part::kNone;
  }
  std::int64_t nanos = 0;
  if (!whole.empty()) {
    const auto count = ParseNumber(whole);
    if (!count || __builtin_mul_overflow(*count, unit->nanos, &nanos)) {
      return Part::kTooLong;
    }
  }
  std::int64_t digit_nanos = unit->nanos;
  for (const char digit : fraction) {
    digit_nanos /= 10;
    if (__builtin_add_overflow(nanos, (digit - '0') * digit_nanos, &nanos)) {
      return Part::kTooLong;
    }
  }
  const bool fits = !__builtin_add_overflow(*total, nanos, total);
  return fits ? Part::kTaken : Part::kTooLong;
}

}  // namespace

std::optional<std::chrono::nanoseconds> ParseDuration(std::string_view text,
                                                      bool* too_long) {
  bool fits = true;
  std::int64_t total = 0;
  if (text == "0") return std::chrono::nanoseconds(0);
  if (text.empty()) return {};
  while (!text.empty()) {
    const Part part = TakePart(&text, &total);
    if (part == Part::kNone) return {};
    if (part == Part::kTooLong) fits = false;
  }
  if (!fits) {
    if (too_long != nullptr) *too_long = true;
    return {};
  }
  return std::chrono::nanoseconds(total);
}

std::string FormatDuration(std::chrono::nanoseconds duration) {
  std::int64_t left = duration.count();
  if (left == 0) return "0";
  std::string text;
  for (const Unit& unit : {kUnits[5], kUnits[4]}) {
    if (left >= unit.nanos) text += Cat(left / unit.nanos, unit.name);
    left %= unit.nanos;
  }
  if (left == 0) return text;
  // What is left of a minute is of one unit, with a fraction.
  const Unit* unit = &kUnits[3];
  while (text.empty() && left < unit->nanos) --unit;
  text += Cat(left / unit->nanos);
  left %= unit->nanos;
  if (left != 0) text += '.';
  for (std::int64_t digit = unit->nanos / 10; left != 0; digit /= 10) {
    text += static_cast<char>('0' + left / digit);
    left %= digit;
  }
  return Cat(text, unit->name);
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
  if (address.is_unix()) return Cat("unix:", address.path);
  const bool v6 = address.host.find(':') != std::string::npos;
  return Cat(v6 ? "[" : "", address.host, v6 ? "]" : "", ":", address.port);
}

}  // namespace netpoll::tools
