// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/choice.h"

#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/report/pictures.h"
#include "netpoll/tools/common/json.h"

namespace netpoll::tools {

std::optional<std::string> Choice::Take(std::string_view value) {
  for (;;) {
    const std::size_t comma = value.find(',');
    const std::string_view glob = value.substr(0, comma);
    if (glob.empty()) return "names or globs, such as 'read-*'";
    globs_.emplace_back(glob);
    if (comma == std::string_view::npos) return {};
    value.remove_prefix(comma + 1);
  }
}

void Choice::AddFlag(Flags& flags, const std::string& help) {
  flags.Custom("only", "GLOB[,GLOB]", "", help,
               [this](std::string_view value) { return Take(value); });
}

bool Fits(const std::string& glob, std::string_view name) {
  return ::fnmatch(glob.c_str(), std::string(name).c_str(), 0) == 0;
}

bool Choice::Has(std::string_view name) const {
  return all() || std::any_of(globs_.begin(), globs_.end(),
                              [name](const std::string& glob) {
                                return Fits(glob, name);
                              });
}

std::string Choice::FitsNone(const std::vector<std::string_view>& names) const {
  for (const std::string& glob : globs_) {
    if (std::none_of(
            names.begin(), names.end(),
            [&glob](std::string_view name) { return Fits(glob, name); })) {
      return glob;
    }
  }
  return "";
}

void PrintList(const char* noun, const std::vector<Listed>& list, bool json) {
  constexpr int kNames = 26;
  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  if (json) std::printf("{\"%s\": [", noun);
  const char* between = "\n";
  for (const Listed& one : list) {
    if (json) {
      JsonObject object;
      object.Add("name", one.name)
          .Add("about", one.about)
          .Add("kind", one.kind);
      std::printf("%s  %s", between, object.text().c_str());
      between = ",\n";
      continue;
    }
    std::string line = absl::StrFormat("%-*s ", kNames, one.name);
    absl::StrAppend(&line, one.about);
    if (!one.kind.empty()) absl::StrAppend(&line, " (", one.kind, ")");
    // A file has a line for each.
    std::fputs(terminal
                   ? model::Wrapped(line, model::TerminalWidth(STDOUT_FILENO),
                                    std::string(kNames + 1, ' '))
                         .c_str()
                   : (line + "\n").c_str(),
               stdout);
  }
  if (json) std::fputs("\n]}\n", stdout);
}

}  // namespace netpoll::tools
