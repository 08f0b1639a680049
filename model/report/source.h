// SPDX-License-Identifier: Apache-2.0
//
// What the build knows about the source that was compiled: where each site is,
// and a digest that tells one version of the core and its model from another.

#ifndef NETPOLL_MODEL_REPORT_SOURCE_H_
#define NETPOLL_MODEL_REPORT_SOURCE_H_

#include <string>
#include <string_view>
#include <vector>

namespace netpoll::model {

struct SourceSite {
  const char* site;
  const char* place;  // "core/poll_desc.h:171"
  const char* text;   // The statement there, on one line.
};

// The sites of core/ and of the model's scenarios.
const std::vector<SourceSite>& SourceSites();

// Where the access is written, or nothing.
std::string_view PlaceOf(std::string_view site);

// The statement that it is in, or nothing.
std::string_view StatementOf(std::string_view site);

// A line in which an access is, or a pure function begins.
struct SourceLine {
  const char* place;  // "core/poll_desc.h:171"
  const char* statement;
  const char* line;
};
const std::vector<SourceLine>& SourceLines();

// The statement at a place, and its line; or nothing.
std::string_view StatementAt(std::string_view place);
std::string_view LineAt(std::string_view place);

// Where the pure function is in that file, "core/status.h:107"; or the file.
std::string PlaceOfFunction(std::string_view file, std::string_view name);

// The first pure function that a statement names with where it belongs, and
// where that is: "status::Event, core/status.h:107"; or nothing.
std::string PureFunctionIn(std::string_view statement);

// Eight hexadecimal digits.
std::string_view SourceDigest();

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_SOURCE_H_
