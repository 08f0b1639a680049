// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/left_out.h"

#include <cctype>
#include <cstdlib>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpoll/model/mutants/matrix.h"
#include "netpoll/model/source/reach.h"

namespace netpoll::tools {
namespace {

using model::Scenario;

// "closed descriptor" of "ClosedDescriptor".
std::string Words(const std::string& family) {
  std::string words;
  for (const char c : family) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isupper(byte) && !words.empty()) words += ' ';
    words += static_cast<char>(std::tolower(byte));
  }
  return words;
}

// "token 9, closed descriptor 12": they are side by side.
std::string Families(const std::vector<Scenario>& scenarios) {
  std::string text;
  for (std::size_t i = 0; i < scenarios.size();) {
    const std::string& family = scenarios[i].family;
    std::size_t count = 0;
    for (; i < scenarios.size() && scenarios[i].family == family; ++i) ++count;
    absl::StrAppend(&text, text.empty() ? "" : ", ", Words(family), " ", count);
  }
  return text;
}

std::vector<std::string> Names(const std::vector<Scenario>& scenarios) {
  std::vector<std::string> names;
  for (const Scenario& scenario : scenarios) names.push_back(scenario.name);
  return names;
}

// Few of them: what else there is was no lone edit.
std::string Listed(const std::vector<std::string>& files) {
  constexpr std::size_t kMost = 4;
  if (files.size() <= kMost) return absl::StrJoin(files, ", ");
  return absl::StrCat(absl::StrJoin(files.begin(), files.begin() + kMost, ", "),
                      " and ", files.size() - kMost, " others");
}

// The families that include one of the files, as a mutant's unit has them.
std::set<std::string> Including(const std::vector<std::string>& files) {
  const DecidingSources& sources = CompiledSources();
  std::set<std::string> including;
  for (const model::Family& family : sources.families) {
    const std::set<std::string> has = FilesOf(sources, family, model::kSeam);
    for (const std::string& file : files) {
      if (has.contains(file)) including.insert(family.name);
    }
  }
  return including;
}

}  // namespace

std::string RecordOfThisCheckout() {
  const char* const file = std::getenv("NETPOLL_HELD");
  return file == nullptr ? "" : file;
}

Split TakeUnchanged(const HeldRecord& held, std::vector<Scenario>* selected) {
  Split split;
  if (!held.HeldAll()) return split;
  std::vector<Scenario> changed;
  for (const Scenario& scenario : *selected) {
    (held.Holds(scenario) ? split.unchanged : changed).push_back(scenario);
  }
  if (changed.empty() || split.unchanged.empty()) return {};
  const std::size_t all = selected->size();
  *selected = std::move(changed);
  split.left_out.configurations = Names(split.unchanged);
  split.left_out.text = absl::StrCat(
      "changed since everything held: ", Listed(held.Changed()), "; left out, ",
      split.unchanged.size(), " of ", all,
      " configurations that held and include none of it (--anew explores them "
      "too): ",
      Families(split.unchanged));
  return split;
}

LeftOut NotInMutant(const model::Variant& mutant) {
  LeftOut left_out;
  if (mutant.files.empty()) return left_out;  // It is weaker wherever it is.
  std::set<std::string> has;
  for (const Scenario& scenario : mutant.scenarios) has.insert(scenario.name);
  const std::set<std::string> including = Including(mutant.files);
  std::vector<Scenario> without;
  std::vector<Scenario> others;
  for (const Scenario& scenario : model::Shipped()->scenarios) {
    if (scenario.deep || scenario.huge || has.contains(scenario.name)) continue;
    left_out.configurations.push_back(scenario.name);
    (including.contains(scenario.family) ? others : without)
        .push_back(scenario);
  }
  if (left_out.configurations.empty()) return left_out;
  left_out.text = absl::StrCat(
      mutant.name, " changes ", Listed(mutant.files), "; left out, ",
      without.size(),
      " configurations that do not include it: ", Families(without));
  if (!others.empty()) {
    absl::StrAppend(&left_out.text, "; and ", others.size(),
                    " of backends that have it from elsewhere, and mutants of "
                    "their own: ",
                    Families(others));
  }
  return left_out;
}

}  // namespace netpoll::tools
