// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/source.h"

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

namespace {

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

std::string_view SourceDigest() { return {kDigest, 8}; }

}  // namespace netpoll::model
