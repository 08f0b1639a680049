// SPDX-License-Identifier: Apache-2.0
//
// What the commands about the model share: variants by name, files.

#ifndef NETPOLL_TOOLS_CLI_MODEL_FILES_H_
#define NETPOLL_TOOLS_CLI_MODEL_FILES_H_

#include <optional>
#include <span>
#include <string>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/tools/common/flags.h"

namespace netpoll::tools {

// A known bug, whether it is in this program or not.
struct MutantRow {
  const char* name;
  const char* about;
};
std::span<const MutantRow> MutantRows();

// Null: it was said that there is none.
const model::Variant* FindVariantOrExplain(const Flags& flags,
                                           const std::string& name);
const model::Scenario* FindScenarioOrExplain(const Flags& flags,
                                             const model::Variant& variant,
                                             const std::string& name);

// The exit status; a failure was reported.
int WriteFile(const Flags& flags, const std::string& file,
              const std::string& text);

// Nothing: there is no such file. An error was reported if `*status` is not 0.
std::optional<std::string> ReadFile(const Flags& flags, const std::string& file,
                                    int* status);

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_MODEL_FILES_H_
