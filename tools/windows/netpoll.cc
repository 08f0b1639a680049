// SPDX-License-Identifier: Apache-2.0
//
// netpoll.exe: the part of the `netpoll` command that runs on Windows.
#include <fcntl.h>
#include <io.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netpoll/backends/iocp/iocp_backend.h"
#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/runtime/iocp/thread_socket.h"
#include "netpoll/tools/cli/scenario/run.h"
#include "netpoll/tools/cli/scenario/runner.h"
#include "netpoll/tools/cli/scenario/statement.h"
#include "netpoll/tools/common/cat.h"
#include "netpoll/tools/common/flags.h"
#include "netpoll/tools/common/suggest.h"
#include "netpoll/tools/common/values.h"
#include "netpoll/tools/windows/echo_server.h"
#include "netpoll/tools/windows/operation_task.h"
#include "netpoll/tools/windows/tcp_pair.h"

namespace netpoll::windows {
namespace {

using tools::Address;
using tools::Arguments;
using tools::Cat;
using tools::DidYouMean;
using tools::Flags;
using tools::FormatAddress;
using tools::kExitBadUse;
using tools::kExitFinding;
using tools::kExitOk;
using tools::Quoted;

constexpr char kUsage[] =
    "usage: netpoll COMMAND [ARGUMENT...]\n"
    "\n"
    "The part of netpoll that runs on Windows, on I/O completion ports.\n"
    "\n"
    "serve     an echo server, until Ctrl-C\n"
    "scenario  runs a scenario and prints what happened\n"
    "\n"
    "netpoll COMMAND --help says more.\n";

int Say(int status, const std::string& sentence) {
  std::fprintf(stderr, "netpoll: %s\n", sentence.c_str());
  return status;
}

int RunScenario(Arguments arguments) {
  std::string file;
  Flags flags("netpoll scenario",
              "Runs a scenario, statement by statement, and prints what each "
              "saw. The pair is a\nTCP connection, and there is no `wait`.");
  flags.Word("FILE", &file, "the scenario; - reads standard input");
  flags.Finding("a completion port cannot be made");
  if (const auto status = flags.Parse(arguments)) return *status;
  const int input = file == "-" ? ::_fileno(stdin)
                                : ::_open(file.c_str(), _O_RDONLY | _O_BINARY);
  if (input < 0) {
    return flags.Fail(
        Cat("cannot open ", Quoted(file), ": ", std::strerror(errno)));
  }
  scenario::Runner<IocpBackend<>, TcpSockets> runner;
  if (const int error = runner.Init(); error != 0) {
    return flags.Found(
        Cat("a completion port cannot be made: ", std::strerror(error)));
  }
  const bool kept = scenario::Run(
      input, file,
      [&](const scenario::Statement& s) { return runner.Execute(s); }, stdout,
      stderr);
  return kept ? kExitOk : kExitBadUse;
}

// Ctrl-C comes on a thread of the system's.
EchoServer* server_to_stop = nullptr;

BOOL WINAPI OnControl(DWORD) {
  server_to_stop->Stop();
  return TRUE;
}

std::string Shown(const sockaddr_in& address) {
  char host[INET_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET, &address.sin_addr, host, sizeof(host));
  return tools::Cat(host, ":", ntohs(address.sin_port));
}

std::optional<sockaddr_in> ToSocketAddress(const Address& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(text.port);
  if (text.is_unix() ||
      ::inet_pton(AF_INET, text.host.c_str(), &address.sin_addr) != 1) {
    return {};
  }
  return address;
}

int Serve(const Flags& flags, const sockaddr_in& address,
          std::chrono::nanoseconds read_timeout) {
  EchoServer server;
  if (const int error = server.Open(address); error != 0) {
    return flags.Found(
        Cat("cannot listen on ", Shown(address), ": ", std::strerror(error)));
  }
  server_to_stop = &server;
  ::SetConsoleCtrlHandler(OnControl, TRUE);
  std::printf("listening on %s\n", Shown(server.address()).c_str());
  std::fflush(stdout);
  const int error = server.Serve(read_timeout);
  ::SetConsoleCtrlHandler(OnControl, FALSE);
  if (error == 0) return kExitOk;
  return flags.Found(Cat("cannot accept: ", std::strerror(error)));
}

int RunServe(Arguments arguments) {
  std::string kind;
  Address listen;
  std::chrono::nanoseconds read_timeout{0};
  Flags flags(
      "netpoll serve",
      "Sends back what it gets until Ctrl-C; the first line on standard "
      "output is\n`listening on ADDRESS`.");
  flags.Word("KIND", &kind, "echo");
  flags.Endpoint("listen", "IPV4:PORT", &listen, "where; port 0: any");
  flags.Require("listen");
  flags.Duration("read-timeout", "D", &read_timeout,
                 "a client that sends nothing for so long is closed; 0: never");
  flags.Finding("it cannot listen, or no longer accept");
  if (const auto status = flags.Parse(arguments)) return *status;
  if (kind != "echo") {
    return flags.Refuse(Cat("KIND is ", Quoted(kind), ", not echo"));
  }
  const auto address = ToSocketAddress(listen);
  if (!address) {
    return flags.Refuse(
        Cat("--listen is ", Quoted(FormatAddress(listen)), ", not IPV4:PORT"));
  }
  return Serve(flags, *address, read_timeout);
}

int Main(Arguments words) {
  for (std::FILE* const file : {stdin, stdout, stderr}) {
    ::_setmode(::_fileno(file), _O_BINARY);
  }
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    std::fputs(kUsage, words.empty() ? stderr : stdout);
    return words.empty() ? kExitBadUse : kExitOk;
  }
  const Winsock winsock;
  if (winsock.error() != 0) {
    return Say(kExitFinding,
               Cat("Winsock does not start: error ", winsock.error()));
  }
  if (words[0] == "serve") return RunServe(words.subspan(1));
  if (words[0] == "scenario") return RunScenario(words.subspan(1));
  const std::string_view names[] = {"serve", "scenario"};
  return Say(kExitBadUse,
             Cat("unknown command ", Quoted(words[0]),
                 DidYouMean(words[0], names), "; see netpoll --help"));
}

}  // namespace
}  // namespace netpoll::windows

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  return netpoll::windows::Main(words);
}
