// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/trace_file.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <new>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpoll/runtime/runtime_options.h"
#include "netpoll/tools/common/suggest.h"

namespace netpoll::server {
namespace {

// Whoever reads what the process prints is to see its end when it ends.
void CloseAllBut(int one, int other) {
  // By value: of two arguments it would be references to what is gone.
  const auto [low, high] =
      std::minmax({static_cast<unsigned>(one), static_cast<unsigned>(other)});
  if (low > 0) ::close_range(0, low - 1, 0);
  if (low + 1 < high) ::close_range(low + 1, high - 1, 0);
  ::close_range(high + 1, ~0U, 0);
}

}  // namespace

TraceFile::~TraceFile() {
  if (child_ >= 0) static_cast<void>(End(false));
}

absl::Status TraceFile::Failed(int error) const {
  return absl::ErrnoToStatus(
      error, absl::StrCat("cannot write ", tools::Quoted(path_)));
}

absl::Status TraceFile::Open(RuntimeOptions& options) {
  if (!wanted()) return absl::OkStatus();
  std::FILE* const file = std::fopen(path_.c_str(), "we");
  if (file == nullptr) return Failed(errno);
  int error = 0;
  int ends[2];
  try {
    trace_ = Trace::New(options.threads);
  } catch (const std::bad_alloc&) {
    error = ENOMEM;
  }
  if (error == 0 && ::pipe2(ends, O_CLOEXEC) != 0) error = errno;
  if (error == 0) {
    child_ = ::fork();
    if (child_ == 0) {
      ::close(ends[1]);
      Keep(ends[0], file);
    }
    if (child_ < 0) error = errno;
    ::close(ends[0]);
    leash_ = ends[1];
  }
  std::fclose(file);
  if (error != 0) return Failed(error);
  options.observer = trace_.get();
  return absl::OkStatus();
}

void TraceFile::Keep(int leash, std::FILE* file) {
  ::setsid();  // What its terminal sends is not for this one.
  CloseAllBut(leash, ::fileno(file));
  char stopped = 0;
  ssize_t got = 0;
  do {
    got = ::read(leash, &stopped, 1);
  } while (got < 0 && errno == EINTR);
  const bool written = trace_->Write(file, got == 0);
  const int error = written ? 0 : errno;
  ::_exit(std::fclose(file) != 0 ? errno : error);
}

int TraceFile::End(bool stopped) {
  const char byte = 1;
  if (stopped && ::write(leash_, &byte, 1) != 1) return errno;
  ::close(std::exchange(leash_, -1));
  const pid_t child = std::exchange(child_, -1);
  int how = 0;
  while (::waitpid(child, &how, 0) < 0) {
    if (errno != EINTR) return errno;
  }
  return WIFEXITED(how) ? WEXITSTATUS(how) : EINTR;
}

absl::Status TraceFile::Write() {
  const int error = wanted() ? End(true) : 0;
  return error == 0 ? absl::OkStatus() : Failed(error);
}

}  // namespace netpoll::server
