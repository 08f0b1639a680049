// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tests/scenario/run_process.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace netpoll {
namespace {

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

CommandResult RunProcess(std::vector<std::string> command,
                         const std::string& input) {
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
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
  if (::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ) ==
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

}  // namespace netpoll
