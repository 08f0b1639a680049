// SPDX-License-Identifier: Apache-2.0
//
// netpoll scenario: runs a scenario file. The language is in
// docs/scenarios.md; its parser and runner are in scenario/.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "netpoll/backends/host/host_backends.h"
#include "netpoll/tools/cli/choose_backend.h"
#include "netpoll/tools/cli/command.h"
#include "netpoll/tools/cli/commands.h"
#include "netpoll/tools/cli/scenario/run.h"
#include "netpoll/tools/cli/scenario/runner.h"
#include "netpoll/tools/cli/scenario/statement.h"
#include "netpoll/tools/cli/try_backend.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::tools {
namespace {

template <class Backend>
int RunOn(const Flags& flags, int input, const std::string& file) {
  scenario::Runner<Backend> runner;
  if (const int error = runner.Init(); error != 0) {
    return flags.Fail(
        absl::StrCat("backend ", Backend::kName,
                     " does not run here: ", ExplainInit<Backend>(error)));
  }
  const auto execute = [&](const scenario::Statement& statement) {
    return runner.Execute(statement);
  };
  const bool kept = scenario::Run(input, file, execute, stdout, stderr);
  return kept ? kExitOk : kExitBadUse;
}

int OpenFile(const std::string& file) {
  if (file == "-") return STDIN_FILENO;
  return ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
}

}  // namespace

int RunScenario(Arguments arguments) {
  std::string file;
  std::string backend;
  Flags flags("netpoll scenario",
              "Runs a scenario on one poller and real sockets, statement by "
              "statement, and prints\nwhat each saw. docs/scenarios.md has the "
              "language.");
  flags.Word("FILE", &file, "the scenario; - reads standard input");
  AddBackendFlag(flags, &backend);
  flags.Finding("this system has not got the backend, or forbids it");
  flags.Example("netpoll scenario hello.scenario");
  flags.Example(
      "printf 'open a\\nreader a t 10\\npeer-write a 3\\ntask t\\n' |\n"
      "    netpoll scenario -");
  if (const auto status = flags.Parse(arguments)) return *status;
  if (const auto status = RefuseBackend(flags, backend)) return *status;
  ::signal(SIGPIPE, SIG_IGN);
  const int input = OpenFile(file);
  if (input < 0) {
    return flags.Fail(
        absl::StrCat("cannot open ", Quoted(file), ": ", std::strerror(errno)));
  }
  int status = kExitBadUse;
  HostBackends::Visit(backend, [&]<class Backend>() {
    status = RunOn<Backend>(flags, input, file);
  });
  if (input != STDIN_FILENO) ::close(input);
  return status;
}

}  // namespace netpoll::tools
