// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/hand_written.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

#include "netpoll/model/report/replay_string.h"

namespace netpoll::model {
namespace {

constexpr std::size_t kLongest = 100'000;  // Steps.

bool IsSpace(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

// Words and slashes.
std::vector<std::string_view> Tokens(std::string_view text) {
  std::vector<std::string_view> tokens;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto ends = [&](std::size_t i) {
      return text[i] == ',' || text[i] == '/' || IsSpace(text[i]);
    };
    if (text[at] == '/') {
      tokens.push_back(text.substr(at++, 1));
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && !ends(end)) ++end;
    if (end > at) tokens.push_back(text.substr(at, end - at));
    at = std::max(end, at + (end == at ? 1 : 0));
  }
  return tokens;
}

// 0: it is no number between 1 and `most`.
std::size_t Number(std::string_view text, std::size_t most) {
  std::size_t number = 0;
  for (const char c : text) {
    if (!IsDigit(c)) return 0;
    number = number * 10 + static_cast<std::size_t>(c - '0');
    if (number > most) return 0;
  }
  return number;
}

// "reader", "4reader" or "reader#2".
struct Word {
  std::string_view count;
  std::string_view name;
  std::string_view branch;
};
Word Parts(std::string_view token) {
  Word word;
  std::size_t digits = 0;
  while (digits < token.size() && IsDigit(token[digits])) ++digits;
  word.count = token.substr(0, digits);
  token.remove_prefix(digits);
  const std::size_t hash = token.find('#');
  word.name = token.substr(0, hash);
  if (hash != std::string_view::npos) word.branch = token.substr(hash + 1);
  return word;
}

int ThreadNamed(const std::vector<std::string>& threads,
                std::string_view name) {
  const auto at = std::find(threads.begin(), threads.end(), name);
  return at == threads.end() ? -1 : static_cast<int>(at - threads.begin());
}

// "reader (a), closer (b)"
std::string Names(const std::vector<std::string>& threads) {
  std::string names;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    names += (i == 0 ? "" : ", ") + threads[i] + " (" +
             static_cast<char>('a' + i) + ")";
  }
  return names;
}

class NameReader {
 public:
  NameReader(const std::vector<std::string>& threads,
             std::vector<Choice>* schedule, int* cycle)
      : threads_(threads), schedule_(schedule), cycle_(cycle) {}

  std::string Read(const std::vector<std::string_view>& tokens) {
    for (const std::string_view token : tokens) {
      const std::string wrong = Take(token);
      if (!wrong.empty()) return wrong;
    }
    return count_ == 0 ? "" : "the schedule ends with a number";
  }

 private:
  std::string Take(std::string_view token) {
    if (token == "/") {
      if (*cycle_ >= 0) return "the schedule has more than one /";
      *cycle_ = static_cast<int>(schedule_->size());
      return "";
    }
    const Word word = Parts(token);
    if (!word.count.empty()) {
      count_ = Number(word.count, kLongest);
      if (count_ == 0) return AsTyped(word.count) + " is a number out of range";
    }
    if (word.name.empty()) return "";
    const int thread = ThreadNamed(threads_, word.name);
    if (thread < 0) {
      return AsTyped(word.name) + " is no thread: there are " + Names(threads_);
    }
    Choice choice{static_cast<std::uint8_t>(thread), 0};
    if (word.branch.data() != nullptr) {
      const std::size_t branch = Number(word.branch, 26);
      if (branch == 0) return AsTyped(token) + " names no branch (1 to 26)";
      choice.branch = static_cast<std::uint8_t>(branch - 1);
    }
    const std::size_t run = std::max<std::size_t>(count_, 1);
    count_ = 0;
    if (schedule_->size() + run > kLongest) return "the schedule is too long";
    schedule_->insert(schedule_->end(), run, choice);
    return "";
  }

  const std::vector<std::string>& threads_;
  std::vector<Choice>* const schedule_;
  int* const cycle_;
  std::size_t count_ = 0;
};

// In letters, as in a string that was printed.
std::string ReadLetters(const std::vector<std::string_view>& tokens,
                        const std::vector<std::string>& threads,
                        std::vector<Choice>* schedule, int* cycle) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view token = tokens[i];
    if (token == "/") {
      if (*cycle >= 0) return "the schedule has more than one /";
      *cycle = static_cast<int>(schedule->size());
      continue;
    }
    std::vector<Choice> some;
    const std::string wrong = ParseSchedule(token, &some);
    const auto none = std::find_if(
        some.begin(), some.end(),
        [&](Choice choice) { return choice.thread >= threads.size(); });
    if (!wrong.empty() || none != some.end()) {
      // Of "4 reeder" it is not the number that is wrong.
      const bool counts = i + 1 < tokens.size() &&
                          token.find_first_not_of("0123456789") == token.npos;
      return AsTyped(counts ? tokens[i + 1] : token) +
             " names no threads: there are " + Names(threads);
    }
    schedule->insert(schedule->end(), some.begin(), some.end());
  }
  return "";
}

}  // namespace

std::string AsTyped(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text.substr(0, 40)) quoted += 0 <= c && c < ' ' ? '?' : c;
  return quoted + "'";
}

bool HandWritten::Looks(std::string_view text) {
  text = Trimmed(text);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view rest = text.substr(colon + 1);
  if (rest.find(':') != std::string_view::npos) return false;
  return std::all_of(
      text.begin(), text.begin() + static_cast<int>(colon), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' ||
               c == '_' || c == '/';
      });
}

HandWritten HandWritten::Parse(std::string_view text) {
  text = Trimmed(text);
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const std::size_t slash = name.find('/');
  HandWritten parsed;
  if (slash != std::string_view::npos) {
    parsed.variant = std::string(name.substr(0, slash));
    parsed.scenario = std::string(name.substr(slash + 1));
  } else {
    parsed.scenario = std::string(name);
  }
  parsed.schedule = std::string(Trimmed(text.substr(colon + 1)));
  return parsed;
}

std::string ReadSchedule(std::string_view text,
                         const std::vector<std::string>& threads,
                         std::vector<Choice>* schedule, int* cycle) {
  schedule->clear();
  *cycle = -1;
  const std::vector<std::string_view> tokens = Tokens(text);
  const bool names =
      std::any_of(tokens.begin(), tokens.end(), [&](std::string_view token) {
        return ThreadNamed(threads, Parts(token).name) >= 0;
      });
  return names ? NameReader(threads, schedule, cycle).Read(tokens)
               : ReadLetters(tokens, threads, schedule, cycle);
}

}  // namespace netpoll::model
