// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/scenario/statement.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netpoll/core/types.h"
#include "netpoll/tools/common/cat.h"
#include "netpoll/tools/common/suggest.h"
#include "netpoll/tools/common/values.h"

namespace netpoll::scenario {
namespace {

using tools::Cat;
using tools::Quoted;

constexpr std::int64_t kAnyMillis = std::numeric_limits<std::int64_t>::max();

// `operands` has a letter for each word after the verb:
//   D descriptor, T task, d direction, m direction or both,
//   n bytes of a raw call, N bytes of a task, l deadline, s milliseconds
struct Rule {
  std::string_view name;
  Verb verb;
  std::string_view operands;
  bool prints;
};

constexpr Rule kRules[] = {
    {"open", Verb::kOpen, "D", true},
    {"reset", Verb::kReset, "Dd", true},
    {"wait", Verb::kWait, "DdT", false},
    {"reader", Verb::kReader, "DTN", false},
    {"writer", Verb::kWriter, "DTN", false},
    {"task", Verb::kTask, "T", true},
    {"read", Verb::kRead, "Dn", true},
    {"write", Verb::kWrite, "Dn", true},
    {"peer-read", Verb::kPeerRead, "Dn", true},
    {"peer-write", Verb::kPeerWrite, "Dn", true},
    {"fill", Verb::kFill, "D", true},
    {"drain", Verb::kDrain, "D", true},
    {"peer-drain", Verb::kPeerDrain, "D", true},
    {"peer-close", Verb::kPeerClose, "D", false},
    {"peer-shutdown", Verb::kPeerShutdown, "D", false},
    {"deadline", Verb::kDeadline, "Dml", false},
    {"sleep", Verb::kSleep, "s", false},
    {"unblock", Verb::kUnblock, "D", false},
    {"close", Verb::kClose, "D", false},
};

const Rule* FindRule(std::string_view name) {
  for (const Rule& rule : kRules) {
    if (rule.name == name) return &rule;
  }
  return nullptr;
}

std::string UnknownStatement(std::string_view word) {
  std::vector<std::string_view> names;
  for (const Rule& rule : kRules) names.push_back(rule.name);
  return Cat("unknown statement ", Quoted(word),
             tools::DidYouMean(word, names));
}

// Each Take function stores an operand, or says what is wrong with it.

std::string TakeNumber(std::string_view word, std::int64_t least,
                       std::int64_t most, std::int64_t* number) {
  const auto value = tools::ParseNumber(word);
  if (!value || *value < least || *value > most) {
    return Cat(Quoted(word), " is not a number from ", least, " to ", most);
  }
  *number = *value;
  return {};
}

std::string TakeDirection(std::string_view word, bool both, Mode* mode) {
  if (word == "r") {
    *mode = Mode::kRead;
  } else if (word == "w") {
    *mode = Mode::kWrite;
  } else if (both && word == "rw") {
    *mode = Mode::kReadWrite;
  } else {
    return Cat(Quoted(word), " is not a direction: r",
               both ? ", w or rw" : " or w");
  }
  return {};
}

std::string TakeDeadline(std::string_view word, Statement* statement) {
  if (word == "none") {
    statement->deadline = DeadlineKind::kNone;
  } else if (word == "past") {
    statement->deadline = DeadlineKind::kPast;
  } else {
    statement->deadline = DeadlineKind::kAfter;
    std::string error = TakeNumber(word, 1, kAnyMillis, &statement->number);
    if (!error.empty()) error += ", none or past";
    return error;
  }
  return {};
}

std::string TakeOperand(char kind, std::string_view word,
                        Statement* statement) {
  switch (kind) {
    case 'D':
      statement->descriptor = word;
      return {};
    case 'T':
      statement->task = word;
      return {};
    case 'd':
      return TakeDirection(word, false, &statement->mode);
    case 'm':
      return TakeDirection(word, true, &statement->mode);
    case 'n':
      return TakeNumber(word, 1, kMaxRawBytes, &statement->number);
    case 'N':
      return TakeNumber(word, 1, kMaxTaskBytes, &statement->number);
    case 's':
      return TakeNumber(word, 0, kMaxSleepMillis, &statement->number);
    default:
      return TakeDeadline(word, statement);
  }
}

std::vector<std::string> Words(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\v\f";
  std::vector<std::string> words;
  for (std::size_t end = 0;;) {
    const std::size_t begin = text.find_first_not_of(kSpaces, end);
    if (begin == std::string_view::npos) return words;
    end = std::min(text.find_first_of(kSpaces, begin), text.size());
    words.emplace_back(text.substr(begin, end - begin));
  }
}

ParsedLine Wrong(std::string error) { return {std::nullopt, std::move(error)}; }

}  // namespace

ParsedLine ParseLine(std::string_view line) {
  const std::string_view code = line.substr(0, line.find('#'));
  const std::vector<std::string> words = Words(code);
  if (words.empty()) return {};
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  for (const std::string& word : words) {
    if (std::any_of(word.begin(), word.end(), control)) {
      return Wrong(Cat("control character in ", Quoted(word)));
    }
  }
  const Rule* const rule = FindRule(words[0]);
  if (rule == nullptr) return Wrong(UnknownStatement(words[0]));
  if (words.size() != rule->operands.size() + 1) {
    return Wrong(Cat(words[0], " takes ", rule->operands.size(),
                     rule->operands.size() == 1 ? " word" : " words",
                     " after it, not ", words.size() - 1));
  }
  Statement statement;
  statement.verb = rule->verb;
  statement.prints = rule->prints;
  statement.text = words[0];
  for (std::size_t i = 1; i < words.size(); ++i) {
    statement.text += ' ' + words[i];
  }
  for (std::size_t i = 0; i < rule->operands.size(); ++i) {
    std::string error =
        TakeOperand(rule->operands[i], words[i + 1], &statement);
    if (!error.empty()) return Wrong(std::move(error));
  }
  return {std::move(statement), {}};
}

}  // namespace netpoll::scenario
