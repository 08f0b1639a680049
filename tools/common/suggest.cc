// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/common/suggest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "netpoll/tools/common/cat.h"

namespace netpoll::tools {
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

// As in C, with what is not ASCII left as it is.
std::string Escaped(std::string_view word) {
  constexpr std::string_view kPlain = "\n\r\t\"'\\";
  constexpr std::string_view kNamed = "nrt\"'\\";
  std::string text;
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    const std::size_t at = kPlain.find(c);
    if (at != std::string_view::npos) {
      text += '\\';
      text += kNamed[at];
    } else if (byte < 0x20 || byte == 0x7f) {
      // Three octal digits.
      text += '\\';
      for (const int shift : {6, 3, 0}) {
        text += static_cast<char>('0' + ((byte >> shift) & 7));
      }
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::string Quoted(std::string_view word) {
  const bool cut = word.size() > kLongest;
  return Cat("'", Escaped(word.substr(0, kLongest)), cut ? "..." : "", "'");
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
  return name.empty() ? "" : Cat(" (did you mean '", name, "'?)");
}

std::string InShell(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
      "_-./:,=@%+";
  if (!word.empty() &&
      word.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(word);
  }
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string Wrapped(std::string_view text, int indent) {
  const std::size_t room = 79 - static_cast<std::size_t>(indent);
  std::string wrapped;
  while (text.size() > room) {
    std::size_t blank = text.rfind(' ', room);
    if (blank == std::string_view::npos) blank = text.find(' ');
    if (blank == std::string_view::npos) break;
    wrapped += std::string(text.substr(0, blank)) + "\n" +
               std::string(static_cast<std::size_t>(indent), ' ');
    text.remove_prefix(blank + 1);
  }
  return wrapped + std::string(text);
}

}  // namespace netpoll::tools
