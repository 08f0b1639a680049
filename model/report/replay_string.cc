// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/replay_string.h"

#include <cstdint>
#include <cstdlib>

#include "netpoll/model/source/digest.h"

namespace netpoll::model {
namespace {

constexpr std::string_view kFormat = "np";
constexpr std::string_view kVersion = "1";
constexpr int kThreads = 26;
constexpr std::size_t kLongest = 100'000;  // Steps.
constexpr int kParts = 5;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string Character(std::string_view text, std::size_t at) {
  return "character " + std::to_string(at + 1) + " of the schedule ('" +
         text[at] + "')";
}

// What the string claims to be, before its parts are looked at.
std::string CheckFormat(std::string_view first) {
  if (!first.starts_with(kFormat) || first.size() == kFormat.size()) {
    return "this is not a replay string: one begins with " +
           std::string(kFormat) + std::string(kVersion) + ":";
  }
  const std::string_view version = first.substr(kFormat.size());
  for (const char c : version) {
    if (!IsDigit(c)) {
      return "this is not a replay string: one begins with " +
             std::string(kFormat) + std::string(kVersion) + ":";
    }
  }
  if (version != kVersion) {
    return "the replay string is of version " +
           std::string(version.substr(0, 10)) +
           ", and this program reads version " + std::string(kVersion);
  }
  return "";
}

}  // namespace

// Five letters without the ones that look alike: 25 bits of FNV-1a.
std::string Checksum(std::string_view text) {
  constexpr std::string_view kLetters = "0123456789abcdefghjkmnpqrstvwxyz";
  std::uint64_t hash = Fnv1a(text);
  hash ^= hash >> 32;
  std::string sum;
  for (int i = 0; i < 5; ++i) sum += kLetters[hash >> (5 * i) & 31];
  return sum;
}

std::vector<std::string_view> Split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(by);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string ScheduleText(const std::vector<Choice>& schedule) {
  std::string text;
  for (std::size_t i = 0; i < schedule.size();) {
    std::size_t run = 1;
    while (i + run < schedule.size() && schedule[i + run] == schedule[i]) ++run;
    if (run > 1) text += std::to_string(run);
    text += static_cast<char>('a' + schedule[i].thread);
    if (schedule[i].branch != 0) {
      text += static_cast<char>('A' + schedule[i].branch);
    }
    i += run;
  }
  return text;
}

std::string ParseSchedule(std::string_view text,
                          std::vector<Choice>* schedule) {
  schedule->clear();
  for (std::size_t at = 0; at < text.size();) {
    std::size_t run = 1;
    if (IsDigit(text[at])) {
      const std::size_t first = at;
      run = 0;
      while (at < text.size() && IsDigit(text[at]) && run <= kLongest) {
        run = run * 10 + static_cast<std::size_t>(text[at++] - '0');
      }
      if (run == 0 || schedule->size() + run > kLongest) {
        return Character(text, first) + " begins a number out of range";
      }
      if (at == text.size()) return "the schedule ends with a number";
    }
    const int thread = text[at] - 'a';
    if (thread < 0 || thread >= kThreads) {
      return Character(text, at) + " names no thread";
    }
    Choice choice{static_cast<std::uint8_t>(thread), 0};
    ++at;
    if (at < text.size() && text[at] >= 'B' && text[at] <= 'Z') {
      choice.branch = static_cast<std::uint8_t>(text[at++] - 'A');
    }
    schedule->insert(schedule->end(), run, choice);
  }
  return "";
}

std::string ReplayString::Text() const {
  std::string text = std::string(kFormat) + std::string(kVersion) + ":";
  if (variant != "shipped") text += variant + "/";
  text += scenario + ":" + digest + ":";
  const auto around = cycle < 0 ? schedule.end() : schedule.begin() + cycle;
  text += ScheduleText({schedule.begin(), around});
  if (cycle >= 0) text += "/" + ScheduleText({around, schedule.end()});
  text += ":";
  return text + Checksum(text);
}

std::string ReplayString::Parse(std::string_view text, ReplayString* parsed) {
  const std::vector<std::string_view> parts = Split(text, ':');
  const std::string format = CheckFormat(parts[0]);
  if (!format.empty()) return format;
  if (parts.size() != kParts) {
    return "the replay string has " + std::to_string(parts.size()) +
           " parts between colons, not " + std::to_string(kParts) +
           "; was it cut?";
  }
  const std::string_view sum = parts[4];
  if (sum != Checksum(text.substr(0, text.size() - sum.size()))) {
    return "the replay string's checksum is wrong: a character of it was "
           "changed or lost";
  }
  const std::size_t slash = parts[1].find('/');
  if (slash == std::string_view::npos) {
    parsed->variant = "shipped";
    parsed->scenario = std::string(parts[1]);
  } else {
    parsed->variant = std::string(parts[1].substr(0, slash));
    parsed->scenario = std::string(parts[1].substr(slash + 1));
  }
  parsed->digest = std::string(parts[2]);
  const std::size_t around = parts[3].find('/');
  std::string wrong =
      ParseSchedule(parts[3].substr(0, around), &parsed->schedule);
  parsed->cycle = -1;
  if (wrong.empty() && around != std::string_view::npos) {
    std::vector<Choice> cycle;
    wrong = ParseSchedule(parts[3].substr(around + 1), &cycle);
    parsed->cycle = static_cast<int>(parsed->schedule.size());
    parsed->schedule.insert(parsed->schedule.end(), cycle.begin(), cycle.end());
  }
  return wrong.empty() ? "" : "in the replay string, " + wrong;
}

std::string ReplayCommand(const std::string& replay) {
  const char* const typed = std::getenv("NETPOLL_COMMAND");
  return std::string(typed != nullptr ? typed : "netpoll") + " replay " +
         replay;
}

}  // namespace netpoll::model
