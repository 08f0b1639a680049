// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/source.h"

#include <cctype>
#include <map>
#include <string>

namespace netpoll::model {
namespace {

constexpr char kDigest[] =
#include "netpoll/model/report/source_digest.inc"
    ;

}  // namespace

const std::vector<SourceSite>& SourceSites() {
  static const auto& sites = *new std::vector<SourceSite>{
#include "netpoll/model/report/source_sites.inc"
  };
  return sites;
}

const std::vector<SourceLine>& SourceLines() {
  static const auto& lines = *new std::vector<SourceLine>{
#include "netpoll/model/report/source_lines.inc"
  };
  return lines;
}

namespace {

const SourceLine* FindLine(std::string_view place) {
  static const auto& places = *new auto([] {
    std::map<std::string_view, const SourceLine*> by_place;
    for (const SourceLine& line : SourceLines()) by_place[line.place] = &line;
    return by_place;
  }());
  const auto found = places.find(place);
  return found == places.end() ? nullptr : found->second;
}

const SourceSite* Find(std::string_view site) {
  for (const SourceSite& known : SourceSites()) {
    if (site == known.site) return &known;
  }
  return nullptr;
}

}  // namespace

std::string_view PlaceOf(std::string_view site) {
  const SourceSite* const found = Find(site);
  return found == nullptr ? std::string_view() : found->place;
}

std::string_view StatementOf(std::string_view site) {
  const SourceSite* const found = Find(site);
  return found == nullptr ? std::string_view() : found->text;
}

std::string_view StatementAt(std::string_view place) {
  const SourceLine* const found = FindLine(place);
  return found == nullptr ? std::string_view() : found->statement;
}

std::string_view LineAt(std::string_view place) {
  const SourceLine* const found = FindLine(place);
  return found == nullptr ? std::string_view() : found->line;
}

std::string PlaceOfFunction(std::string_view file, std::string_view name) {
  const std::string in = std::string(file) + ":";
  const std::string begins = " " + std::string(name) + "(";
  for (const SourceLine& known : SourceLines()) {
    const std::string_view line(known.line);
    if (std::string_view(known.place).starts_with(in) &&
        line.find("constexpr ") != line.npos &&
        line.find(begins) != line.npos) {
      return known.place;
    }
  }
  return std::string(file);
}

namespace {

bool InAName(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Letters alone, all small.
std::string Letters(std::string_view text) {
  std::string letters;
  for (const char c : text) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalpha(letter))
      letters += static_cast<char>(std::tolower(letter));
  }
  return letters;
}

// Whether the file is called like the namespace or class: "lock_word" is in
// descriptor_lock_word.h, "DeadlinePlanner" in deadline_plan.h.
bool CalledLike(std::string_view place, std::string_view owner) {
  const auto folder = place.rfind('/') + 1;
  const std::string file =
      Letters(place.substr(folder, place.find('.', folder) - folder));
  const std::string name = Letters(owner);
  return file.find(name) != file.npos || name.starts_with(file);
}

// Of "status" and "Event": core/status.h:107.
std::string_view PlaceOfPure(std::string_view owner, std::string_view name) {
  const std::string begins = " " + std::string(name) + "(";
  for (const SourceLine& known : SourceLines()) {
    const std::string_view line(known.line);
    if (line.find("constexpr ") != line.npos &&
        line.find(begins) != line.npos && CalledLike(known.place, owner)) {
      return known.place;
    }
  }
  return "";
}

}  // namespace

std::string PureFunctionIn(std::string_view statement) {
  constexpr std::string_view kOf = "::";
  for (auto at = statement.find(kOf); at != statement.npos;
       at = statement.find(kOf, at + 1)) {
    auto begin = at;
    while (begin > 0 && InAName(statement[begin - 1])) --begin;
    auto end = at + kOf.size();
    while (end < statement.size() && InAName(statement[end])) ++end;
    const std::string_view owner = statement.substr(begin, at - begin);
    const std::string_view name =
        statement.substr(at + kOf.size(), end - at - kOf.size());
    if (owner.empty() || name.empty()) continue;
    const std::string_view place = PlaceOfPure(owner, name);
    if (place.empty()) continue;
    return std::string(statement.substr(begin, end - begin)) + ", " +
           std::string(place);
  }
  return "";
}

std::string_view SourceDigest() { return {kDigest, 8}; }

}  // namespace netpoll::model
