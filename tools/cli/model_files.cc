// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/model_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpoll/model/engine/crash.h"
#include "netpoll/model/report/check.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {
namespace {

constexpr MutantRow kRows[] = {
#include "netpoll/model/mutants/row_names.inc"
};

}  // namespace

std::span<const MutantRow> MutantRows() { return kRows; }

const model::Variant* FindVariantOrExplain(const Flags& flags,
                                           const std::string& name) {
  const model::Variant* const found = model::FindVariant(name);
  if (found != nullptr) {
    model::CatchCrashes();
    return found;
  }
  std::vector<std::string_view> names;
  for (const MutantRow& row : kRows) names.push_back(row.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    flags.Fail(absl::StrCat(
        "mutant ", Quoted(name),
        " is not in this program, or its change does "
        "not fit the source any more: bazel test //model/mutants:rows_test "
        "says which; tools/netpoll builds it when its name is a word of the "
        "command, and bazel build //tools/cli:netpoll_mutants all of them"));
    return nullptr;
  }
  for (const auto& variant : model::Variants()) names.push_back(variant.name);
  flags.Fail(absl::StrCat("no mutant is named ", Quoted(name),
                          DidYouMean(name, names)));
  return nullptr;
}

const model::Scenario* FindScenarioOrExplain(const Flags& flags,
                                             const model::Variant& variant,
                                             const std::string& name) {
  const model::Scenario* const found = model::FindScenario(variant, name);
  if (found != nullptr) return found;
  std::vector<std::string_view> names;
  for (const auto& scenario : variant.scenarios) names.push_back(scenario.name);
  flags.Fail(absl::StrCat("no configuration is named ", Quoted(name),
                          DidYouMean(name, names)));
  return nullptr;
}

int WriteFile(const Flags& flags, const std::string& file,
              const std::string& text) {
  std::FILE* const out = std::fopen(file.c_str(), "w");
  bool written = out != nullptr;
  if (written) {
    written = std::fwrite(text.data(), 1, text.size(), out) == text.size();
    written = std::fclose(out) == 0 && written;
  }
  if (written) return kExitOk;
  return flags.Fail(
      absl::StrCat("cannot write ", Quoted(file), ": ", std::strerror(errno)));
}

std::optional<std::string> ReadFile(const Flags& flags, const std::string& file,
                                    int* status) {
  constexpr std::size_t kLargest = 16 << 20;
  *status = kExitOk;
  std::FILE* const in = file == "-" ? stdin : std::fopen(file.c_str(), "r");
  if (in == nullptr && errno == ENOENT) return std::nullopt;
  std::string text;
  char buffer[4096];
  bool failed = in == nullptr;
  while (!failed && text.size() < kLargest) {
    const std::size_t got = std::fread(buffer, 1, sizeof buffer, in);
    text.append(buffer, got);
    if (got < sizeof buffer) {
      failed = std::ferror(in) != 0;
      break;
    }
  }
  const int error = errno;
  if (in != nullptr && in != stdin) std::fclose(in);
  if (failed) {
    *status = flags.Fail(
        absl::StrCat("cannot read ", Quoted(file), ": ", std::strerror(error)));
  } else if (text.size() >= kLargest) {
    *status = flags.Fail(absl::StrCat(Quoted(file), " is too large"));
  }
  return text;
}

}  // namespace netpoll::tools
