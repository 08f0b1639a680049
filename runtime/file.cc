// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpoll/runtime/blocking_pool.h"
#include "netpoll/runtime/errno_status.h"
#include "netpoll/runtime/socket_internal.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"

namespace netpoll {
namespace {

using internal::sys;

absl::Status Failed(absl::string_view doing, const std::string& path,
                    int error) {
  return internal::SystemError(absl::StrCat(doing, " ", path), error);
}

// What follows runs in threads of the pool.

absl::StatusOr<int> OpenIn(const std::string& path, int flags, mode_t mode) {
  if (path.find('\0') != path.npos) return Failed("open", path, EINVAL);
  for (;;) {
    const int fd = sys.open_file(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0) return fd;
    if (errno != EINTR) return Failed("open", path, errno);
  }
}

absl::StatusOr<std::size_t> ReadIn(int fd, const std::string& path,
                                   std::span<char> buffer,
                                   std::uint64_t offset) {
  std::size_t bytes = 0;
  while (bytes < buffer.size()) {
    const ssize_t got =
        sys.pread(fd, buffer.data() + bytes, buffer.size() - bytes,
                  static_cast<off_t>(offset + bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path, errno);
    if (got == 0) break;
    bytes += static_cast<std::size_t>(got);
  }
  return bytes;
}

absl::Status WriteIn(int fd, const std::string& path, std::string_view data,
                     std::uint64_t offset) {
  std::size_t bytes = 0;
  while (bytes < data.size()) {
    const ssize_t put = sys.pwrite(fd, data.data() + bytes, data.size() - bytes,
                                   static_cast<off_t>(offset + bytes));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Failed("write", path, errno);
    if (put == 0) return Failed("write", path, EIO);
    bytes += static_cast<std::size_t>(put);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::uint64_t> SizeIn(int fd, const std::string& path) {
  struct stat info;
  if (sys.fstat(fd, &info) != 0) return Failed("stat", path, errno);
  return static_cast<std::uint64_t>(info.st_size);
}

// Not again: interrupted or not, the descriptor is gone.
absl::Status CloseIn(int fd, const std::string& path) {
  const bool closed = sys.close(fd) == 0 || errno == EINTR;
  return closed ? absl::OkStatus() : Failed("close", path, errno);
}

absl::StatusOr<std::string> ReadAll(const std::string& path,
                                    std::size_t limit) {
  const absl::StatusOr<int> fd = OpenIn(path, O_RDONLY, 0);
  if (!fd.ok()) return fd.status();
  // What the system says of the size is a hint: some files have none.
  constexpr std::size_t kPiece = 64 << 10;
  std::string text;
  absl::Status status;
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + kPiece);
    const auto got = ReadIn(*fd, path, {text.data() + before, kPiece}, before);
    text.resize(before + (got.ok() ? *got : 0));
    status = got.status();
    if (!status.ok() || *got == 0) break;
    if (text.size() > limit) {
      status = absl::ResourceExhaustedError(
          absl::StrCat("read ", path, ": it is longer than ", limit, " bytes"));
      break;
    }
  }
  status.Update(CloseIn(*fd, path));
  if (!status.ok()) return status;
  return text;
}

}  // namespace

File::~File() {
  if (fd_ >= 0) sys.close(fd_);
}

absl::Status File::NotOpen(absl::string_view doing) const {
  return Failed(doing, path_.empty() ? "a file that was not opened" : path_,
                EBADF);
}

Task<absl::StatusOr<File>> File::Open(BlockingPool& pool, std::string path,
                                      int flags, mode_t mode) {
  const absl::StatusOr<int> fd =
      co_await pool.Run([&] { return OpenIn(path, flags, mode); });
  if (!fd.ok()) co_return fd.status();
  co_return File(pool, *fd, std::move(path));
}

Task<absl::StatusOr<std::size_t>> File::ReadAt(std::span<char> buffer,
                                               std::uint64_t offset) {
  if (fd_ < 0) co_return NotOpen("read");
  co_return co_await pool_->Run(
      [&] { return ReadIn(fd_, path_, buffer, offset); });
}

Task<absl::Status> File::WriteAt(std::string_view data, std::uint64_t offset) {
  if (fd_ < 0) co_return NotOpen("write");
  co_return co_await pool_->Run(
      [&] { return WriteIn(fd_, path_, data, offset); });
}

Task<absl::StatusOr<std::uint64_t>> File::Size() {
  if (fd_ < 0) co_return NotOpen("stat");
  co_return co_await pool_->Run([&] { return SizeIn(fd_, path_); });
}

Task<absl::Status> File::Sync() {
  if (fd_ < 0) co_return NotOpen("sync");
  co_return co_await pool_->Run([&] {
    return sys.fsync(fd_) == 0 ? absl::OkStatus()
                               : Failed("sync", path_, errno);
  });
}

Task<absl::Status> File::Close() {
  if (fd_ < 0) co_return NotOpen("close");
  bool begun = false;
  absl::Status status = co_await pool_->Run([&] {
    begun = true;
    return CloseIn(fd_, path_);
  });
  // Cancelled or refused: it is closed here all the same.
  if (!begun) status = CloseIn(fd_, path_);
  fd_ = -1;
  co_return status;
}

Task<absl::StatusOr<std::string>> ReadFile(BlockingPool& pool, std::string path,
                                           std::size_t limit) {
  co_return co_await pool.Run([&] { return ReadAll(path, limit); });
}

Task<absl::Status> WriteFile(BlockingPool& pool, std::string path,
                             std::string_view data, mode_t mode) {
  co_return co_await pool.Run([&]() -> absl::Status {
    const auto fd = OpenIn(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (!fd.ok()) return fd.status();
    absl::Status status = WriteIn(*fd, path, data, 0);
    status.Update(CloseIn(*fd, path));
    return status;
  });
}

}  // namespace netpoll
