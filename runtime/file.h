// SPDX-License-Identifier: Apache-2.0
//
// Files, read and written on a BlockingPool, since no poller can wait for them.
//
//   auto text = co_await ReadFile(pool, "/etc/hosts");
//
//   auto file = co_await File::Open(pool, path, O_RDWR | O_CREAT);
//   co_await file->WriteAt(data, 0);
//   co_await file->Sync();

#ifndef NETPOLL_RUNTIME_FILE_H_
#define NETPOLL_RUNTIME_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpoll/runtime/blocking_pool.h"
#include "netpoll/runtime/task.h"

namespace netpoll {

// An error is the sentence "read PATH: EIO: ...", with the errno's code; or
// what BlockingPool::Run says. Buffers stay until the operation has ended.
// Operations may be awaited at once; where they meet, the system decides.
//
// The handle must neither move nor go while an operation is awaited.
class File {
 public:
  File() = default;
  File(File&& other) noexcept
      : pool_(other.pool_),
        fd_(std::exchange(other.fd_, -1)),
        path_(std::move(other.path_)) {}
  File& operator=(File&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    return *this;
  }
  // Closes, in the thread that calls: await Close where that may block, or
  // where its error counts.
  ~File();

  // open(2); close-on-exec, and never descriptor 0, 1 or 2.
  static Task<absl::StatusOr<File>> Open(BlockingPool& pool, std::string path,
                                         int flags, mode_t mode = 0666);

  // As many bytes as there are from `offset` on, fewer than the buffer takes
  // only at the end: 0 beyond it.
  Task<absl::StatusOr<std::size_t>> ReadAt(std::span<char> buffer,
                                           std::uint64_t offset);
  // All of it, or an error.
  Task<absl::Status> WriteAt(std::string_view data, std::uint64_t offset);
  Task<absl::StatusOr<std::uint64_t>> Size();
  // fsync(2): on its device.
  Task<absl::Status> Sync();
  Task<absl::Status> Close();

  // For SendFile; -1: closed.
  int fd() const { return fd_; }

 private:
  File(BlockingPool& pool, int fd, std::string path)
      : pool_(&pool), fd_(fd), path_(std::move(path)) {}

  absl::Status NotOpen(absl::string_view doing) const;

  BlockingPool* pool_ = nullptr;
  int fd_ = -1;
  std::string path_;
};

// All of a file; more than `limit` bytes are kResourceExhausted.
Task<absl::StatusOr<std::string>> ReadFile(BlockingPool& pool, std::string path,
                                           std::size_t limit = 64 << 20);
// A file with this in it, whatever was there.
Task<absl::Status> WriteFile(BlockingPool& pool, std::string path,
                             std::string_view data, mode_t mode = 0666);

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_FILE_H_
