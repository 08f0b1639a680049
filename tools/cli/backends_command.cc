// SPDX-License-Identifier: Apache-2.0
//
// netpoll backends: what was built, what runs here, which is the default.
#include <cstdio>
#include <string>
#include <vector>

#include "netpoll/backends/host/host_backends.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/flags.h"
#include "netpoll/tools/cli/json.h"
#include "netpoll/tools/cli/try_backend.h"

namespace netpoll::cli {
namespace {

struct Row {
  std::string name;
  std::string problem;  // Empty: it runs here.
  bool is_default = false;
};

std::vector<Row> Try() {
  std::vector<Row> rows;
  bool found = false;
  for (const std::string& name : HostBackends::Names()) {
    Row row{.name = name};
    HostBackends::Visit(name,
                        [&]<class B>() { row.problem = TryBackend<B>(); });
    row.is_default = row.problem.empty() && !found;
    found = found || row.is_default;
    rows.push_back(row);
  }
  return rows;
}

void PrintText(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const std::string state = row.problem.empty()
                                  ? std::string("runs here")
                                  : "does not run here: " + row.problem;
    std::printf("%-10s %s%s\n", row.name.c_str(), state.c_str(),
                row.is_default ? " (default)" : "");
  }
}

void PrintJson(const std::vector<Row>& rows) {
  std::printf("{\"backends\": [");
  const char* separator = "";
  for (const Row& row : rows) {
    std::printf("%s\n  {\"name\": %s, \"runs\": %s, \"default\": %s", separator,
                JsonString(row.name).c_str(),
                row.problem.empty() ? "true" : "false",
                row.is_default ? "true" : "false");
    if (!row.problem.empty()) {
      std::printf(", \"problem\": %s", JsonString(row.problem).c_str());
    }
    std::printf("}");
    separator = ",";
  }
  std::printf("\n]}\n");
}

}  // namespace

int RunBackends(Arguments arguments) {
  bool json = false;
  Flags flags("backends",
              "Lists the system interfaces that this program was built with, "
              "whether each\nruns on this machine (tried with a byte through a "
              "socket pair), and which is\nthe default: the first that runs.");
  flags.Switch("json", &json, "print JSON");
  flags.Finding("none of them runs here");
  flags.Example("netpoll backends");
  flags.Example("netpoll backends --json");
  if (const auto status = flags.Parse(arguments)) return *status;
  const std::vector<Row> rows = Try();
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
