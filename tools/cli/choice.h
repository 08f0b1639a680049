// SPDX-License-Identifier: Apache-2.0
//
// --only: which of many names are meant, by globs; and --list.

#ifndef NETPOLL_TOOLS_CLI_CHOICE_H_
#define NETPOLL_TOOLS_CLI_CHOICE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netpoll/tools/common/flags.h"

namespace netpoll::tools {

class Choice {
 public:
  // "--only a,b --only 'c*'"; none: all are meant.
  void AddFlag(Flags& flags, const std::string& help);

  bool all() const { return globs_.empty(); }
  bool Has(std::string_view name) const;
  // The first glob that fits none of `names`; empty: there is none.
  std::string FitsNone(const std::vector<std::string_view>& names) const;

 private:
  // What is wrong with `value`, or nothing.
  std::optional<std::string> Take(std::string_view value);

  std::vector<std::string> globs_;
};

bool Fits(const std::string& glob, std::string_view name);

// A name, what it is, and a word or two of its kind, which may be empty.
struct Listed {
  std::string name;
  std::string about;
  std::string kind;
};
// One a line, or {"NOUN": [{"name": ...}, ...]}.
void PrintList(const char* noun, const std::vector<Listed>& list, bool json);

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_CHOICE_H_
