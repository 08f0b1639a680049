// SPDX-License-Identifier: Apache-2.0
//
// Runs a scenario inside the test.

#ifndef NETPOLL_TESTS_SCENARIO_IN_PROCESS_H_
#define NETPOLL_TESTS_SCENARIO_IN_PROCESS_H_

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "netpoll/backends/epoll/epoll_backend.h"
#include "netpoll/tools/cli/scenario/run.h"
#include "netpoll/tools/cli/scenario/runner.h"

namespace netpoll {

struct ScenarioResult {
  bool kept_the_rules = false;
  std::string out;
  std::string err;
};

// What is written to file() ends up in text().
class MemoryFile {
 public:
  MemoryFile() : file_(::open_memstream(&data_, &size_)) {}
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() {
    std::fclose(file_);
    std::free(data_);
  }

  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    return {data_, size_};
  }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* file_;
};

// `name` is what messages call the file.
template <class Backend = EpollBackend<>>
ScenarioResult RunText(std::string_view text, const std::string& name = "f") {
  ::signal(SIGPIPE, SIG_IGN);
  const int input = ::memfd_create("scenario", MFD_CLOEXEC);
  const bool written = ::write(input, text.data(), text.size()) ==
                       static_cast<ssize_t>(text.size());
  ::lseek(input, 0, SEEK_SET);
  MemoryFile out;
  MemoryFile err;
  ScenarioResult result;
  scenario::Runner<Backend> runner;
  result.kept_the_rules =
      written && runner.Init() == 0 &&
      scenario::Run(
          input, name,
          [&](const scenario::Statement& s) { return runner.Execute(s); },
          out.file(), err.file());
  ::close(input);
  result.out = out.text();
  result.err = err.text();
  return result;
}

}  // namespace netpoll

#endif  // NETPOLL_TESTS_SCENARIO_IN_PROCESS_H_
