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

std::string_view PlaceOf(std::string_view site) {
  for (const SourceSite& known : SourceSites()) {
    if (site == known.site) return known.place;
  }
  return {};
}

std::string_view SourceDigest() { return {kDigest, 8}; }

}  // namespace netpoll::model
