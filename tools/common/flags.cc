// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/common/flags.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "netpoll/tools/common/cat.h"
#include "netpoll/tools/common/suggest.h"
#include "netpoll/tools/common/values.h"

namespace netpoll::tools {
namespace {

// `words` on lines that fit a terminal: after `first`, and then so far to the
// right.
std::string Lines(const std::string& first,
                  const std::vector<std::string>& words, std::size_t indent) {
  constexpr std::size_t kWidth = 80;
  std::string text;
  std::string line = first;
  for (const std::string& word : words) {
    const bool begun = line.find_first_not_of(' ') != std::string::npos;
    if (begun && line.size() + 1 + word.size() > kWidth) {
      text += line + "\n";
      line.assign(indent, ' ');
    } else if (begun && !line.ends_with(' ')) {
      line += ' ';
    }
    line += word;
  }
  return text + line + "\n";
}

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    if (end != 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

// "  LEFT  right", with the right side aligned.
std::string Row(const std::string& left, const std::string& right) {
  constexpr std::size_t kLeft = 24;
  const std::string gap(kLeft - std::min(left.size(), kLeft), ' ');
  return Lines(Cat("  ", left, gap, " "), Words(right), kLeft + 3);
}

// Paragraphs, filled; what is indented in them stays as it is.
std::string Filled(std::string_view text) {
  std::string filled;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    const std::string_view paragraph = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    filled += paragraph.find("\n ") == paragraph.npos
                  ? Lines("", Words(paragraph), 0)
                  : Cat(paragraph, "\n");
    if (!text.empty()) filled += "\n";
  }
  return filled;
}

}  // namespace

Flags::Flags(std::string command, std::string description)
    : command_(std::move(command)), description_(std::move(description)) {}

void Flags::Word(std::string name, std::string* target, std::string help) {
  words_.push_back({std::move(name), std::move(help), target});
}

void Flags::Custom(std::string name, std::string placeholder,
                   std::string initial, std::string help, Setter setter) {
  flags_.push_back({std::move(name), std::move(placeholder), std::move(initial),
                    std::move(help), std::move(setter)});
}

void Flags::Switch(std::string name, bool* target, std::string help) {
  Custom(std::move(name), "", "", std::move(help),
         [target](std::string_view) -> std::optional<std::string> {
           *target = true;
           return {};
         });
}

void Flags::Text(std::string name, std::string placeholder, std::string* target,
                 std::string help) {
  Custom(std::move(name), std::move(placeholder), *target, std::move(help),
         [target](std::string_view value) -> std::optional<std::string> {
           if (value.empty()) return "a value";
           *target = value;
           return {};
         });
}

void Flags::Choice(std::string name, std::string placeholder,
                   std::string* target, std::vector<std::string> choices,
                   std::string help) {
  std::string one_of = "one of ";
  for (const std::string& choice : choices) {
    one_of += Cat(&choice == &choices[0] ? "" : ", ", choice);
  }
  help += Cat(": ", one_of);
  Custom(
      std::move(name), std::move(placeholder), *target, std::move(help),
      [target, choices = std::move(choices),
       one_of](std::string_view value) -> std::optional<std::string> {
        if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
          const std::vector<std::string_view> names(choices.begin(),
                                                    choices.end());
          return Cat(one_of, DidYouMean(value, names));
        }
        *target = value;
        return {};
      });
}

void Flags::Count(std::string name, std::string placeholder, int* target,
                  int least, int most, std::string help) {
  const std::string range = Cat("a number from ", least, " to ", most);
  Custom(std::move(name), std::move(placeholder), Cat(*target), std::move(help),
         [=](std::string_view value) -> std::optional<std::string> {
           const auto number = ParseNumber(value);
           if (!number || *number < least || *number > most) return range;
           *target = static_cast<int>(*number);
           return {};
         });
}

void Flags::Count(std::string name, std::string placeholder,
                  std::int64_t* target, std::int64_t least, std::string help) {
  // Below: a default that means "none".
  Custom(std::move(name), std::move(placeholder),
         *target < least ? "" : Cat(*target), std::move(help),
         [=](std::string_view value) -> std::optional<std::string> {
           const auto number = ParseNumber(value);
           if (!number || *number < least) {
             return Cat("a number, ", least, " or more");
           }
           *target = *number;
           return {};
         });
}

void Flags::Real(std::string name, std::string placeholder, double* target,
                 std::string help) {
  Custom(std::move(name), std::move(placeholder), Cat(*target), std::move(help),
         [target](std::string_view value) -> std::optional<std::string> {
           const char* const end = value.data() + value.size();
           double number = 0;
           const auto read = std::from_chars(value.data(), end, number,
                                             std::chars_format::fixed);
           if (read.ec != std::errc() || read.ptr != end || !(number >= 0) ||
               !std::isfinite(number)) {
             return "a number such as 0.5";
           }
           *target = number;
           return {};
         });
}

void Flags::Duration(std::string name, std::string placeholder,
                     std::chrono::nanoseconds* target, std::string help) {
  Custom(std::move(name), std::move(placeholder), FormatDuration(*target),
         std::move(help),
         [target](std::string_view value) -> std::optional<std::string> {
           bool too_long = false;
           const auto duration = ParseDuration(value, &too_long);
           if (!duration) {
             return std::string(too_long ? kDurationsThatFit : kDurations);
           }
           *target = *duration;
           return {};
         });
}

void Flags::Endpoint(std::string name, std::string placeholder, Address* target,
                     std::string help) {
  const bool set = *target != Address{};
  Custom(std::move(name), std::move(placeholder),
         set ? FormatAddress(*target) : "", std::move(help),
         [target](std::string_view value) -> std::optional<std::string> {
           auto address = ParseAddress(value);
           if (!address) return "HOST:PORT, [IPV6]:PORT or unix:PATH";
           *target = *std::move(address);
           return {};
         });
}

void Flags::Require(std::string_view name) { Find(name)->required = true; }

void Flags::Default(std::string_view name, std::function<std::string()> find) {
  Find(name)->find_initial = std::move(find);
}

void Flags::FindDefaults() {
  for (Flag& flag : flags_) {
    if (flag.given || flag.find_initial == nullptr) continue;
    flag.initial = std::exchange(flag.find_initial, nullptr)();
  }
}

Flags::Flag* Flags::Find(std::string_view name) {
  for (Flag& flag : flags_) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

std::optional<int> Flags::Parse(Arguments arguments) {
  std::vector<std::string> words;
  bool flags_ended = false;
  for (std::size_t next = 0; next < arguments.size();) {
    const std::string& word = arguments[next];
    if (flags_ended || word == "-" || !word.starts_with("-")) {
      words.push_back(word);
      ++next;
    } else if (word == "--") {
      flags_ended = true;
      ++next;
    } else if (word == "--help" || word == "-h") {
      FindDefaults();
      std::fputs(Help().c_str(), stdout);
      return kExitOk;
    } else if (const auto status = ParseFlag(arguments, &next)) {
      return status;
    }
  }
  for (const Flag& flag : flags_) {
    if (flag.required && !flag.given) {
      return Refuse(
          Cat("--", flag.name, " ", flag.placeholder, " is required"));
    }
  }
  if (const auto status = TakeWords(words)) return status;
  FindDefaults();
  return {};
}

std::optional<int> Flags::Parse(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  return Parse(words);
}

// One flag at `*next`, and its value.
std::optional<int> Flags::ParseFlag(Arguments arguments, std::size_t* next) {
  const std::string& word = arguments[(*next)++];
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  Flag* const flag =
      word.starts_with("--") ? Find(std::string_view(name).substr(2)) : nullptr;
  if (flag == nullptr) return UnknownFlag(name);
  std::string_view value;
  if (flag->placeholder.empty()) {
    if (equals != std::string::npos) {
      return Refuse(Cat(name, " takes no value"));
    }
  } else if (equals != std::string::npos) {
    value = std::string_view(word).substr(equals + 1);
  } else if (*next < arguments.size()) {
    value = arguments[(*next)++];
  } else {
    return Refuse(Cat(name, " needs a value, ", flag->placeholder));
  }
  flag->given = true;
  if (const auto expected = flag->setter(value)) {
    return Refuse(Cat(name, " is ", Quoted(value), ", not ", *expected));
  }
  return {};
}

std::optional<int> Flags::TakeWords(const std::vector<std::string>& words) {
  if (words.size() > words_.size()) {
    return Refuse(Cat("unexpected word ", Quoted(words[words_.size()])));
  }
  if (words.size() < words_.size()) {
    return Refuse(Cat(words_[words.size()].name, " is missing"));
  }
  for (std::size_t i = 0; i < words.size(); ++i) *words_[i].target = words[i];
  return {};
}

int Flags::Refuse(const std::string& sentence) const {
  std::fprintf(stderr, "%s: %s; see %s --help\n", command_.c_str(),
               sentence.c_str(), command_.c_str());
  return kExitBadUse;
}

int Flags::Fail(const std::string& sentence) const {
  std::fprintf(stderr, "%s: %s\n", command_.c_str(), sentence.c_str());
  return kExitBadUse;
}

int Flags::Found(const std::string& sentence) const {
  Fail(sentence);
  return kExitFinding;
}

int Flags::UnknownFlag(std::string_view word) const {
  std::vector<std::string> spelled = {"--help"};
  for (const Flag& flag : flags_) {
    spelled.push_back(Cat("--", flag.name));
  }
  const std::vector<std::string_view> names(spelled.begin(), spelled.end());
  return Refuse(Cat("unknown flag ", Quoted(word), DidYouMean(word, names)));
}

std::vector<std::string> Flags::Parts() const {
  std::vector<std::string> parts;
  for (const Positional& word : words_) parts.push_back(word.name);
  for (const Flag& flag : flags_) {
    parts.push_back(Cat(flag.required ? "" : "[", "--", flag.name,
                        flag.placeholder.empty() ? "" : " ", flag.placeholder,
                        flag.required ? "" : "]"));
  }
  return parts;
}

std::string Flags::Help() const {
  const std::string first = Cat("usage: ", command_);
  std::string help =
      Cat(Lines(first, Parts(), 9), "\n", Filled(description_), "\n");
  for (const Positional& word : words_) {
    help += Row(word.name, word.help);
  }
  for (const Flag& flag : flags_) {
    help += Row(
        Cat("--", flag.name, flag.placeholder.empty() ? "" : " ",
            flag.placeholder),
        Cat(flag.help, flag.required ? " (required)" : "",
            flag.initial.empty() ? "" : Cat(" (default ", flag.initial, ")")));
  }
  help += Row("--help", "print this and exit");
  help += "\nexit status:\n  0  done\n";
  if (!finding_.empty()) help += Cat("  1  ", finding_, "\n");
  help += "  2  bad use, or it could not be carried out\n";
  if (!examples_.empty()) help += "\nexamples:\n";
  for (const std::string& line : examples_) {
    help += Cat("  ", line, "\n");
  }
  return help;
}

}  // namespace netpoll::tools
