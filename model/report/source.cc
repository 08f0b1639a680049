// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/source.h"

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

std::string_view SourceDigest() { return {kDigest, 8}; }

}  // namespace netpoll::model
