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
#include "netpoll/tools/cli/cat.h"
#include "netpoll/tools/cli/scenario/run.h"
#include "netpoll/tools/cli/scenario/runner.h"
#include "netpoll/tools/cli/scenario/statement.h"
#include "netpoll/tools/cli/suggest.h"
#include "netpoll/tools/cli/values.h"
#include "netpoll/tools/windows/echo_server.h"
#include "netpoll/tools/windows/operation_task.h"
#include "netpoll/tools/windows/tcp_pair.h"

namespace netpoll::windows {
namespace {

using cli::Quoted;
using Words = std::vector<std::string_view>;

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitBadUse = 2;

constexpr char kUsage[] =
    "usage: netpoll serve echo --listen IPV4:PORT [--read-timeout D]\n"
    "       netpoll scenario FILE\n"
    "\n"
    "The part of netpoll that runs on Windows, on I/O completion ports.\n"
    "\n"
    "serve echo   sends back what it gets until Ctrl-C; the first line on\n"
    "             standard output is `listening on ADDRESS`. Port 0: any. A\n"
    "             client that sends nothing for the read timeout (30s, 1m30s)\n"
    "             is closed; 0, the default, means never.\n"
    "scenario     runs a scenario, statement by statement, and prints what\n"
    "             each saw; FILE - is standard input. The pair is a TCP\n"
    "             connection, and there is no `wait`.\n"
    "\n"
    "exit status: 0 done, 1 it failed, 2 bad use\n";

int Say(int status, const std::string& sentence) {
  std::fprintf(stderr, "netpoll: %s\n", sentence.c_str());
  return status;
}

int BadUse(const std::string& sentence) {
  return Say(kExitBadUse, sentence + " (see netpoll --help)");
}

int RunScenario(const Words& words) {
  if (words.size() != 1) return BadUse("scenario takes one FILE");
  const std::string file(words[0]);
  const int input = file == "-" ? ::_fileno(stdin)
                                : ::_open(file.c_str(), _O_RDONLY | _O_BINARY);
  if (input < 0) {
    return Say(kExitBadUse, cli::Cat("cannot open ", Quoted(file), ": ",
                                     std::strerror(errno)));
  }
  scenario::Runner<IocpBackend<>, TcpSockets> runner;
  if (const int error = runner.Init(); error != 0) {
    return Say(kExitFailed, cli::Cat("a completion port cannot be made: ",
                                     std::strerror(error)));
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
  return cli::Cat(host, ":", ntohs(address.sin_port));
}

std::optional<sockaddr_in> ToSocketAddress(std::string_view text) {
  const auto parsed = cli::ParseAddress(text);
  if (!parsed || parsed->is_unix()) return {};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(parsed->port);
  if (::inet_pton(AF_INET, parsed->host.c_str(), &address.sin_addr) != 1) {
    return {};
  }
  return address;
}

int Serve(const sockaddr_in& address, std::chrono::nanoseconds read_timeout) {
  EchoServer server;
  if (const int error = server.Open(address); error != 0) {
    return Say(kExitFailed, cli::Cat("cannot listen on ", Shown(address), ": ",
                                     std::strerror(error)));
  }
  server_to_stop = &server;
  ::SetConsoleCtrlHandler(OnControl, TRUE);
  std::printf("listening on %s\n", Shown(server.address()).c_str());
  std::fflush(stdout);
  const int error = server.Serve(read_timeout);
  ::SetConsoleCtrlHandler(OnControl, FALSE);
  if (error == 0) return kExitOk;
  return Say(kExitFailed, cli::Cat("cannot accept: ", std::strerror(error)));
}

int RunServe(const Words& words) {
  if (words.empty() || words[0] != "echo") {
    return BadUse("serve takes the word echo");
  }
  std::optional<sockaddr_in> address;
  std::chrono::nanoseconds read_timeout{0};
  for (std::size_t i = 1; i < words.size(); i += 2) {
    const std::string_view flag = words[i];
    if (flag != "--listen" && flag != "--read-timeout") {
      return BadUse(cli::Cat("unknown flag ", Quoted(flag)));
    }
    if (i + 1 == words.size()) return BadUse(cli::Cat(flag, " takes a value"));
    const std::string_view value = words[i + 1];
    if (flag == "--listen") {
      address = ToSocketAddress(value);
      if (!address) {
        return BadUse(cli::Cat(Quoted(value), " is not IPV4:PORT"));
      }
    } else {
      bool too_long = false;
      const auto duration = cli::ParseDuration(value, &too_long);
      if (!duration) {
        return BadUse(
            cli::Cat(flag, " is ", Quoted(value), ", not ",
                     too_long ? cli::kDurationsThatFit : cli::kDurations));
      }
      read_timeout = *duration;
    }
  }
  if (!address) return BadUse("serve needs --listen");
  return Serve(*address, read_timeout);
}

int Main(Words words) {
  for (std::FILE* const file : {stdin, stdout, stderr}) {
    ::_setmode(::_fileno(file), _O_BINARY);
  }
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    std::fputs(kUsage, words.empty() ? stderr : stdout);
    return words.empty() ? kExitBadUse : kExitOk;
  }
  const Winsock winsock;
  if (winsock.error() != 0) {
    return Say(kExitFailed,
               cli::Cat("Winsock does not start: error ", winsock.error()));
  }
  const std::string_view command = words[0];
  words.erase(words.begin());
  if (command == "serve") return RunServe(words);
  if (command == "scenario") return RunScenario(words);
  const std::string_view names[] = {"serve", "scenario"};
  return BadUse(cli::Cat("unknown command ", Quoted(command),
                         cli::DidYouMean(command, names)));
}

}  // namespace
}  // namespace netpoll::windows

int main(int argc, char** argv) {
  return netpoll::windows::Main({argv + 1, argv + argc});
}
