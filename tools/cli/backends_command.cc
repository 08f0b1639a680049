// SPDX-License-Identifier: Apache-2.0
//
// netpoll backends: what was built, what runs here, which is the default.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/tools/cli/choose_backend.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/try_backend.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/json.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {
namespace {

// What the conformance suite said of a backend.
struct Verified {
  const char* name;
  const char* systems;
  const char* how;
  const char* with;
  int kept;
  int asked;
};
constexpr Verified kVerified[] = {
#define NETPOLL_VERIFIED(name, systems, how, with, suite, kept, asked) \
  {name, systems, how, with, kept, asked},
#include "netpoll/tools/cli/verified_backends.inc"
#undef NETPOLL_VERIFIED
};

struct Row {
  Verified verified;
  bool built = false;
  std::string problem;  // Of a built one. Empty: it runs here.
  bool is_default = false;

  bool runs() const { return built && problem.empty(); }
};

std::vector<Row> Try(const std::string& preferred) {
  std::vector<Row> rows;
  for (const Verified& verified : kVerified) {
    Row row{.verified = verified};
    row.built = HostBackends::Visit(
        verified.name, [&]<class B>() { row.problem = TryBackend<B>(); });
    row.is_default = row.runs() && preferred == verified.name;
    rows.push_back(row);
  }
  return rows;
}

std::string State(const Row& row) {
  if (!row.built) return absl::StrCat("not built: for ", row.verified.systems);
  if (!row.problem.empty()) {
    return absl::StrCat("does not run here: ", row.problem);
  }
  return row.is_default ? "runs here (default)" : "runs here";
}

void PrintText(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    constexpr int kIndent = 13;
    const Verified& v = row.verified;
    absl::PrintF("%-12s %s\n%-12s %s\n", v.name, Wrapped(State(row), kIndent),
                 "",
                 Wrapped(absl::StrCat("keeps ", v.kept, " of ", v.asked,
                                      " clauses, ", v.how, " (", v.with, ")"),
                         kIndent));
  }
}

void PrintJson(const std::vector<Row>& rows) {
  std::printf("{\"backends\": [");
  const char* separator = "";
  for (const Row& row : rows) {
    const Verified& v = row.verified;
    JsonObject json;
    json.Add("name", v.name)
        .Add("built", row.built)
        .Add("runs", row.runs())
        .Add("default", row.is_default);
    if (!row.problem.empty()) json.Add("problem", row.problem);
    json.Add("systems", v.systems)
        .Add("clauses_kept", v.kept)
        .Add("clauses_asked", v.asked)
        .Add("verified", v.how)
        .Add("verified_with", v.with);
    std::printf("%s\n  %s", separator, json.text().c_str());
    separator = ",";
  }
  std::printf("\n]}\n");
}

}  // namespace

int RunBackends(Arguments arguments) {
  bool json = false;
  Flags flags("netpoll backends",
              "Lists the system interfaces: whether this program was built "
              "with each, whether it\nruns on this machine (tried with a byte "
              "through a socket pair), which is the\ndefault, and what the "
              "conformance suite said of it where it was last run:\nnatively, "
              "under Wine, or over a shim that gives the system's calls on "
              "Linux.");
  flags.Switch("json", &json, "print JSON");
  flags.Finding("none of them runs here");
  flags.Example("netpoll backends");
  flags.Example("netpoll backends --json");
  if (const auto status = flags.Parse(arguments)) return *status;
  const std::string preferred = DefaultHostBackend();
  if (const auto status = RefuseUnknownBackend(flags, preferred)) {
    return *status;
  }
  const std::vector<Row> rows = Try(preferred);
  if (json) {
    PrintJson(rows);
  } else {
    PrintText(rows);
  }
  for (const Row& row : rows) {
    if (row.is_default) return kExitOk;
  }
  return kExitFinding;
}

}  // namespace netpoll::tools
