// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/flags.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/suggest.h"
#include "netpoll/tools/cli/values.h"

namespace netpoll::cli {
namespace {

// "  LEFT  right", with the right side aligned.
std::string Row(const std::string& left, const std::string& right) {
  return absl::StrFormat("  %-24s %s\n", left, right);
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
  std::string one_of = absl::StrCat("one of ", absl::StrJoin(choices, ", "));
  absl::StrAppend(&help, ": ", one_of);
  Custom(
      std::move(name), std::move(placeholder), *target, std::move(help),
      [target, choices = std::move(choices),
       one_of](std::string_view value) -> std::optional<std::string> {
        if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
          const std::vector<std::string_view> names(choices.begin(),
                                                    choices.end());
          return absl::StrCat(one_of, DidYouMean(value, names));
        }
        *target = value;
        return {};
      });
}

void Flags::Count(std::string name, std::string placeholder, int* target,
                  int least, int most, std::string help) {
  const std::string range = absl::StrCat("a number from ", least, " to ", most);
  Custom(std::move(name), std::move(placeholder), absl::StrCat(*target),
         std::move(help),
         [=](std::string_view value) -> std::optional<std::string> {
           const auto number = ParseNumber(value);
           if (!number || *number < least || *number > most) return range;
           *target = static_cast<int>(*number);
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
          absl::StrCat("--", flag.name, " ", flag.placeholder, " is required"));
    }
  }
  if (const auto status = TakeWords(words)) return status;
  FindDefaults();
  return {};
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
      return Refuse(absl::StrCat(name, " takes no value"));
    }
  } else if (equals != std::string::npos) {
    value = std::string_view(word).substr(equals + 1);
  } else if (*next < arguments.size()) {
    value = arguments[(*next)++];
  } else {
    return Refuse(absl::StrCat(name, " needs a value, ", flag->placeholder));
  }
  flag->given = true;
  if (const auto expected = flag->setter(value)) {
    return Refuse(
        absl::StrCat(name, " is ", Quoted(value), ", not ", *expected));
  }
  return {};
}

std::optional<int> Flags::TakeWords(const std::vector<std::string>& words) {
  if (words.size() > words_.size()) {
    return Refuse(
        absl::StrCat("unexpected word ", Quoted(words[words_.size()])));
  }
  if (words.size() < words_.size()) {
    return Refuse(absl::StrCat(words_[words.size()].name, " is missing"));
  }
  for (std::size_t i = 0; i < words.size(); ++i) *words_[i].target = words[i];
  return {};
}

int Flags::Refuse(const std::string& sentence) const {
  std::fprintf(stderr, "netpoll %s: %s; see netpoll %s --help\n",
               command_.c_str(), sentence.c_str(), command_.c_str());
  return kExitBadUse;
}

int Flags::Fail(const std::string& sentence) const {
  std::fprintf(stderr, "netpoll %s: %s\n", command_.c_str(), sentence.c_str());
  return kExitBadUse;
}

int Flags::Found(const std::string& sentence) const {
  Fail(sentence);
  return kExitFinding;
}

int Flags::UnknownFlag(std::string_view word) const {
  std::vector<std::string> spelled = {"--help"};
  for (const Flag& flag : flags_) {
    spelled.push_back(absl::StrCat("--", flag.name));
  }
  const std::vector<std::string_view> names(spelled.begin(), spelled.end());
  return Refuse(
      absl::StrCat("unknown flag ", Quoted(word), DidYouMean(word, names)));
}

std::string Flags::Usage() const {
  std::string usage = absl::StrCat("netpoll ", command_);
  for (const Positional& word : words_) absl::StrAppend(&usage, " ", word.name);
  for (const Flag& flag : flags_) {
    absl::StrAppend(&usage, flag.required ? " " : " [", "--", flag.name,
                    flag.placeholder.empty() ? "" : " ", flag.placeholder,
                    flag.required ? "" : "]");
  }
  return usage;
}

std::string Flags::Help() const {
  std::string help =
      absl::StrCat("usage: ", Usage(), "\n\n", description_, "\n\n");
  for (const Positional& word : words_) {
    absl::StrAppend(&help, Row(word.name, word.help));
  }
  for (const Flag& flag : flags_) {
    absl::StrAppend(
        &help,
        Row(absl::StrCat("--", flag.name, flag.placeholder.empty() ? "" : " ",
                         flag.placeholder),
            absl::StrCat(flag.help, flag.required ? " (required)" : "",
                         flag.initial.empty()
                             ? ""
                             : absl::StrCat(" (default ", flag.initial, ")"))));
  }
  absl::StrAppend(&help, Row("--help", "print this and exit"));
  absl::StrAppend(&help, "\nexit status:\n  0  done\n");
  if (!finding_.empty()) absl::StrAppend(&help, "  1  ", finding_, "\n");
  absl::StrAppend(&help, "  2  bad use, or it could not be carried out\n");
  if (!examples_.empty()) absl::StrAppend(&help, "\nexamples:\n");
  for (const std::string& line : examples_) {
    absl::StrAppend(&help, "  ", line, "\n");
  }
  return help;
}

}  // namespace netpoll::cli
