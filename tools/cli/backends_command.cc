// SPDX-License-Identifier: Apache-2.0
//
// netpoll backends: what was built, what runs here, which is the default.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/tools/cli/choose_backend.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/flags.h"
#include "netpoll/tools/cli/json.h"
#include "netpoll/tools/cli/try_backend.h"

namespace netpoll::cli {
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
    std::printf("%-12s %s\n%-12s keeps %d of %d clauses, %s (%s)\n",
                row.verified.name, State(row).c_str(), "", row.verified.kept,
                row.verified.asked, row.verified.how, row.verified.with);
  }
}

void PrintJson(const std::vector<Row>& rows) {
  std::printf("{\"backends\": [");
  const char* separator = "";
  for (const Row& row : rows) {
    const Verified& v = row.verified;
    std::printf(
        "%s\n  {\"name\": %s, \"built\": %s, \"runs\": %s, \"default\": %s",
        separator, JsonString(v.name).c_str(), row.built ? "true" : "false",
        row.runs() ? "true" : "false", row.is_default ? "true" : "false");
    if (!row.problem.empty()) {
      std::printf(", \"problem\": %s", JsonString(row.problem).c_str());
    }
    std::printf(
        ",\n   \"systems\": %s, \"clauses_kept\": %d, \"clauses_asked\": %d, "
        "\"verified\": %s, \"verified_with\": %s}",
        JsonString(v.systems).c_str(), v.kept, v.asked,
        JsonString(v.how).c_str(), JsonString(v.with).c_str());
    separator = ",";
  }
  std::printf("\n]}\n");
}

}  // namespace

int RunBackends(Arguments arguments) {
  bool json = false;
  Flags flags("backends",
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
  const std::string preferred = DefaultBackend();
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

}  // namespace netpoll::cli
