// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/mutants/row.h"

#include <sstream>

#include "netpoll/model/engine/weaken.h"

namespace netpoll::model {
namespace {

constexpr std::string_view kSpace = " \t";

// The rest of `line` if it begins with `key` and a colon.
bool Field(std::string_view line, std::string_view key, std::string* value) {
  if (!line.starts_with(key) || line.substr(key.size(), 1) != ":") return false;
  line.remove_prefix(key.size() + 1);
  const auto begin = line.find_first_not_of(kSpace);
  if (begin != std::string_view::npos) {
    *value = line.substr(begin, line.find_last_not_of(kSpace) + 1 - begin);
  }
  return true;
}

// How often `part` is in `text`, and where first.
int Count(std::string_view text, std::string_view part, std::size_t* first) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + 1)) {
    if (count++ == 0) *first = at;
  }
  return count;
}

// "SITE HOW", or "SITE OPERATION HOW".
bool ParseWeaker(const std::string& text, Row* row) {
  const auto last = text.rfind(' ');
  if (last == std::string::npos) return false;
  row->weaker_site = text.substr(0, last);
  row->weaker_how = text.substr(last + 1);
  const Weakness how = WeaknessNamed(row->weaker_how);
  if (IsOrder(how)) return true;
  return how != Weakness::kNone &&
         row->weaker_site.find(' ') == std::string::npos;
}

// Which part of the file a line belongs to.
enum class Part { kHead, kOld, kNew };

}  // namespace

bool ParseRow(std::string_view name, std::string_view text, Row* row,
              std::string* why) {
  *row = {};
  row->name = name;
  std::istringstream lines{std::string(text)};
  std::string line;
  std::string file;
  std::string laws;
  std::string weaken;
  Part part = Part::kHead;
  int number = 0;
  const auto fail = [&](const char* what) {
    *why = row->name + ":" + std::to_string(number) + ": " + what;
    return false;
  };
  while (std::getline(lines, line)) {
    ++number;
    if (part == Part::kOld && line == "====") {
      part = Part::kNew;
      // The old text ends where its last line does.
      std::string& old_text = row->changes.back().old_text;
      if (old_text.empty()) return fail("no old text");
      old_text.pop_back();
    } else if (part == Part::kNew && line == ">>>>") {
      part = Part::kHead;
      std::string& new_text = row->changes.back().new_text;
      if (!new_text.empty()) new_text.pop_back();
    } else if (part == Part::kOld) {
      row->changes.back().old_text += line + "\n";
    } else if (part == Part::kNew) {
      row->changes.back().new_text += line + "\n";
    } else if (line == "<<<<") {
      if (file.empty()) return fail("a change before any \"file:\" line");
      row->changes.push_back({file, "", ""});
      part = Part::kOld;
    } else if (!line.empty() && line[0] != '#' &&
               !Field(line, "about", &row->about) &&
               !Field(line, "file", &file) && !Field(line, "breaks", &laws) &&
               !Field(line, "weaken", &weaken)) {
      return fail("not a line of a mutant");
    }
  }
  if (part != Part::kHead) return fail("a change that does not end with >>>>");
  std::istringstream words(laws);
  for (std::string law; words >> law;) row->breaks.push_back(law);
  if (row->about.empty()) return fail("no \"about:\" line");
  if (row->breaks.empty()) return fail("no \"breaks:\" line");
  if (row->changes.empty() && weaken.empty()) return fail("changes nothing");
  if (!row->changes.empty() && !weaken.empty()) {
    return fail("changes the source and weakens a site");
  }
  if (!weaken.empty() && !ParseWeaker(weaken, row)) {
    return fail(
        "not \"weaken: SITE split\", blind, dropped, unlocked, or "
        "\"SITE OPERATION\" and a memory order");
  }
  return true;
}

bool Apply(const Row& row, std::string_view file, std::string* text,
           std::string* why) {
  for (const Change& change : row.changes) {
    if (change.file != file) continue;
    std::size_t at = 0;
    const int count = Count(*text, change.old_text, &at);
    if (count != 1) {
      *why = row.name + ": " + change.file + " has this text " +
             std::to_string(count) + " times, not once:\n" + change.old_text;
      return false;
    }
    text->replace(at, change.old_text.size(), change.new_text);
  }
  return true;
}

}  // namespace netpoll::model
