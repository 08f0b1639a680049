// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/suggest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace netpoll::cli {
namespace {

constexpr std::size_t kLongest = 60;

// Edits (insert, delete, replace a letter) from `a` to `b`.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replace = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replace, diagonal + 1, row[j] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string Quoted(std::string_view word) {
  const bool cut = word.size() > kLongest;
  // Debian's abseil has a string_view of its own: hence std::string.
  return absl::StrCat(
      "'", absl::Utf8SafeCEscape(std::string(word.substr(0, kLongest))),
      cut ? "..." : "", "'");
}

std::string_view Nearest(std::string_view word,
                         std::span<const std::string_view> names) {
  if (word.size() > kLongest) return {};
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view name : names) {
    const std::size_t distance = Distance(word, name);
    if (distance < least && distance < name.size()) {
      least = distance;
      best = name;
    }
  }
  return best;
}

std::string DidYouMean(std::string_view word,
                       std::span<const std::string_view> names) {
  const std::string_view name = Nearest(word, names);
  return name.empty()
             ? ""
             : absl::StrCat(" (did you mean '", std::string(name), "'?)");
}

}  // namespace netpoll::cli
