// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/trace_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
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

// It was not told to write: most often the runtime did not begin.
TraceFile::~TraceFile() {
  if (child_ < 0) return;
  static_cast<void>(End(trace_->kept() == 0 ? Word::kNothing : Word::kStopped));
}

absl::Status TraceFile::Failed(int error) const {
  return absl::ErrnoToStatus(
      error, absl::StrCat("cannot write ", tools::Quoted(path_)));
}

int TraceFile::FindPlace() {
  struct stat found;
  const bool there = ::stat(path_.c_str(), &found) == 0;
  if (there && !S_ISREG(found.st_mode)) {
    // A FIFO that nobody reads is an error, not a wait.
    const int fd =
        ::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return errno;
    ::fcntl(fd, F_SETFL, 0);
    file_ = ::fdopen(fd, "w");
    return file_ == nullptr ? errno : 0;
  }
  if (there && ::access(path_.c_str(), W_OK) != 0) return errno;
  char* const real = there ? ::realpath(path_.c_str(), nullptr) : nullptr;
  place_ = real != nullptr ? real : path_;
  std::free(real);
  beside_ = absl::StrCat(place_, ".", ::getpid(), ".part");
  // That it can be made is to be known now.
  std::FILE* const tried = std::fopen(beside_.c_str(), "we");
  if (tried == nullptr) return errno;
  std::fclose(tried);
  ::unlink(beside_.c_str());
  return 0;
}

absl::Status TraceFile::Open(RuntimeOptions& options) {
  if (!wanted()) return absl::OkStatus();
  if (const int error = FindPlace(); error != 0) return Failed(error);
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
      Keep(ends[0]);
    }
    if (child_ < 0) error = errno;
    ::close(ends[0]);
    leash_ = ends[1];
  }
  if (file_ != nullptr) std::fclose(std::exchange(file_, nullptr));
  if (error != 0) return Failed(error);
  options.observer = trace_.get();
  return absl::OkStatus();
}

void TraceFile::Keep(int leash) {
  ::setsid();  // What its terminal sends is not for this one.
  CloseAllBut(leash, file_ != nullptr ? ::fileno(file_) : leash);
  char word = 0;
  ssize_t got = 0;
  do {
    got = ::read(leash, &word, 1);
  } while (got < 0 && errno == EINTR);
  const bool killed = got == 0;
  if (!killed && static_cast<Word>(word) == Word::kNothing) ::_exit(0);
  ::_exit(WriteAs(killed));
}

int TraceFile::WriteAs(bool killed) {
  if (!beside_.empty()) file_ = std::fopen(beside_.c_str(), "we");
  if (file_ == nullptr) return errno;
  int error = trace_->Write(file_, killed) ? 0 : errno;
  if (std::fclose(file_) != 0 && error == 0) error = errno;
  if (beside_.empty()) return error;
  if (error == 0 && ::rename(beside_.c_str(), place_.c_str()) != 0) {
    error = errno;
  }
  if (error != 0) ::unlink(beside_.c_str());
  return error;
}

int TraceFile::End(Word word) {
  const char byte = static_cast<char>(word);
  if (::write(leash_, &byte, 1) != 1) return errno;
  ::close(std::exchange(leash_, -1));
  const pid_t child = std::exchange(child_, -1);
  int how = 0;
  while (::waitpid(child, &how, 0) < 0) {
    if (errno != EINTR) return errno;
  }
  if (WIFEXITED(how)) return WEXITSTATUS(how);
  return WTERMSIG(how) == SIGXFSZ ? EFBIG : ECANCELED;
}

absl::Status TraceFile::Write() {
  const int error = wanted() ? End(Word::kStopped) : 0;
  return error == 0 ? absl::OkStatus() : Failed(error);
}

}  // namespace netpoll::server
