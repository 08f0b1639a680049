// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/check_folder.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/model/report/source.h"
#include "netpoll/model/report/state_graph.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/dispatch.h"
#include "netpoll/tools/cli/model_files.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {
namespace {

constexpr char kMatrix[] =
#include "netpoll/model/mutants/matrix_text.inc"
    ;

}  // namespace

bool NamesAPage(std::string_view path) {
  return path.ends_with(".html") || path.ends_with(".htm");
}

int CheckFolder::Make(const Flags& flags) const {
  if (folder_.empty()) return kExitOk;
  struct stat found {};
  if (::stat(folder_.c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode)) return kExitOk;
    return flags.Fail(absl::StrCat(Quoted(folder_),
                                   " is a file: --html takes a folder, or the "
                                   "name of a page that ends in .html"));
  }
  if (::mkdir(folder_.c_str(), 0777) == 0) return kExitOk;
  return flags.Fail(absl::StrCat("cannot make the folder ", Quoted(folder_),
                                 ": ", std::strerror(errno)));
}

void CheckFolder::Add(const Flags& flags, const model::Verdict& verdict) {
  if (folder_.empty()) return;
  overview_.rows.push_back(model::Overview::Of(verdict));
  const model::Overview::Row& row = overview_.rows.back();
  if (verdict.ok()) {
    if (verdict.closed()) {
      closed_ += model::ClosedLine(verdict);
    } else {
      overview_.certificate += model::Certificate::Line(verdict);
      counted_.Add(verdict);
    }
  } else if (!row.page.empty() && status_ == kExitOk) {
    status_ = WriteFile(flags, folder_ + "/" + row.page,
                        model::HtmlPage(verdict.story));
  }
}

int CheckFolder::Write(const Flags& flags, const model::Variant& variant,
                       bool whole, double seconds) {
  if (folder_.empty() || status_ != kExitOk) return status_;
  const model::Coverage coverage = counted_.coverage();
  overview_.version = kVersion;
  overview_.variant = variant.name;
  overview_.seconds = seconds;
  overview_.whole = whole;
  overview_.coverage = coverage;
  overview_.mutants = kMatrix;
  overview_.certificate =
      model::Certificate::Head() + overview_.certificate +
      (closed_.empty() ? "" : "\n" + model::ClosedHead() + closed_) +
      (whole ? "\n" + coverage.Text() : "") + "\nnetpoll " + kVersion +
      ", source " + std::string(model::SourceDigest()) + "\n";
  // The largest that can still be looked at.
  std::uint64_t most = 0;
  for (const model::Overview::Row& row : overview_.rows) {
    const bool fits = row.states <= std::uint64_t{model::kMostDrawnStates};
    if (!row.holds || !fits || row.states <= most) continue;
    most = row.states;
    overview_.drawn = row.configuration;
  }
  const bool draws = most != 0;
  const model::Scenario* const drawn =
      draws ? model::FindScenario(variant, overview_.drawn) : nullptr;
  if (draws) overview_.drawing = model::StateGraphSvg(*drawn, false);
  const auto write = [&](const char* name, const std::string& text) {
    if (status_ == kExitOk) {
      status_ = WriteFile(flags, folder_ + "/" + name, text);
    }
  };
  write("index.html", model::OverviewPage(overview_));
  write("certificate.txt", overview_.certificate);
  if (draws) write("states.svg", model::StateGraphSvg(*drawn, true));
  return status_;
}

}  // namespace netpoll::tools
