// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tests/scenario/command_runner.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace netpoll {
namespace {

constexpr char kCommand[] = "tools/cli/netpoll";

// A file without a name.
int Anonymous(const std::string& content) {
  const int fd = ::memfd_create("netpoll-test", MFD_CLOEXEC);
  const ssize_t written = ::write(fd, content.data(), content.size());
  static_cast<void>(written);
  ::lseek(fd, 0, SEEK_SET);
  return fd;
}

std::string Take(int fd) {
  std::string content;
  char buffer[4096];
  ::lseek(fd, 0, SEEK_SET);
  for (ssize_t n; (n = ::read(fd, buffer, sizeof(buffer))) > 0;) {
    content.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(fd);
  return content;
}

}  // namespace

CommandResult RunNetpoll(std::vector<std::string> arguments,
                         const std::string& input) {
  arguments.insert(arguments.begin(), kCommand);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int files[] = {Anonymous(input), Anonymous(""), Anonymous("")};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (int i = 0; i < 3; ++i) {
    ::posix_spawn_file_actions_adddup2(&actions, files[i], i);
  }
  CommandResult result;
  pid_t pid = 0;
  int status = 0;
  if (::posix_spawn(&pid, kCommand, &actions, nullptr, argv.data(), environ) ==
          0 &&
      ::waitpid(pid, &status, 0) == pid && WIFEXITED(status)) {
    result.status = WEXITSTATUS(status);
  }
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(files[0]);
  result.out = Take(files[1]);
  result.err = Take(files[2]);
  return result;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace netpoll
