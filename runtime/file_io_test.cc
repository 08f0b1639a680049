// SPDX-License-Identifier: Apache-2.0
//
// Files on a pool.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/blocking_pool.h"
#include "netpoll/runtime/file.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket_test_support.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

class FileIoTest : public WorkersTest {
 protected:
  static std::string Path(const char* name) {
    const char* const folder = std::getenv("TEST_TMPDIR");
    return std::string(folder != nullptr ? folder : "/tmp") + "/" + name;
  }
  BlockingPool pool_;
  const internal::SysOverride restore_;
};
NETPOLL_INSTANTIATE_WORKERS(FileIoTest);

TEST_P(FileIoTest, WhatIsWrittenIsRead) {
  RunTest(threads(), [&](Runtime&) -> Task<> {
    const std::string path = Path("whole");
    const std::string text(200'000, 'x');
    EXPECT_TRUE((co_await WriteFile(pool_, path, text)).ok());
    EXPECT_EQ((co_await ReadFile(pool_, path)).value(), text);
    EXPECT_TRUE((co_await WriteFile(pool_, path, "short")).ok());
    EXPECT_EQ((co_await ReadFile(pool_, path)).value(), "short");
    const auto limited = co_await ReadFile(pool_, path, 4);
    ExpectSays(limited.status(),
               "read " + path + ": it is longer than 4 bytes");
    // One that says it has no size.
    EXPECT_FALSE((co_await ReadFile(pool_, "/proc/self/status"))->empty());

    auto file = co_await File::Open(pool_, path, O_RDWR);
    EXPECT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE((co_await file->WriteAt("-er", 5)).ok());
    EXPECT_EQ((co_await file->Size()).value(), 8u);
    std::string buffer(20, '\0');
    EXPECT_EQ((co_await file->ReadAt(buffer, 2)).value(), 6u);
    EXPECT_EQ(buffer.substr(0, 6), "ort-er");
    EXPECT_EQ((co_await file->ReadAt(buffer, 100)).value(), 0u);
    EXPECT_TRUE((co_await file->Sync()).ok());
    EXPECT_TRUE((co_await file->Close()).ok());
    ExpectSays(co_await file->Close(), "close " + path + ": EBADF");
    ExpectSays((co_await File().Size()).status(),
               "stat a file that was not opened: EBADF");
    ::unlink(path.c_str());
  });
}

TEST_P(FileIoTest, ErrorsNameTheFile) {
  RunTest(threads(), [&](Runtime&) -> Task<> {
    ExpectSays((co_await ReadFile(pool_, "/no/file")).status(),
               "open /no/file: ENOENT");
    ExpectSays((co_await ReadFile(pool_, "/")).status(), "read /: EISDIR");
    ExpectSays(co_await WriteFile(pool_, "/dev/full", "x"),
               "write /dev/full: ENOSPC");
    const auto null =
        co_await File::Open(pool_, std::string("a\0b", 3), O_RDONLY);
    EXPECT_EQ(null.status().code(), absl::StatusCode::kInvalidArgument);
  });
}

// The calls do a byte at a time, and are interrupted between.
TEST_P(FileIoTest, ShortAndInterruptedCallsAreCompleted) {
  static int calls;
  calls = 0;
  internal::sys.pread = [](int fd, void* buffer, std::size_t size, off_t at) {
    if (++calls % 2 == 0) {
      errno = EINTR;
      return ssize_t{-1};
    }
    return ::pread(fd, buffer, std::min<std::size_t>(size, 1), at);
  };
  internal::sys.pwrite = [](int fd, const void* data, std::size_t size,
                            off_t at) {
    if (++calls % 2 == 0) {
      errno = EINTR;
      return ssize_t{-1};
    }
    return ::pwrite(fd, data, std::min<std::size_t>(size, 1), at);
  };
  RunTest(threads(), [&](Runtime&) -> Task<> {
    const std::string path = Path("pieces");
    EXPECT_TRUE((co_await WriteFile(pool_, path, "pieces")).ok());
    EXPECT_EQ((co_await ReadFile(pool_, path)).value(), "pieces");
    ::unlink(path.c_str());
  });
}

TEST_P(FileIoTest, ACloseThatFindsNoThreadClosesAllTheSame) {
  Runtime runtime({.threads = threads()});
  const DescriptorGuard guard;
  auto work = [&]() -> Task<> {
    auto file = co_await File::Open(pool_, "/dev/null", O_RDONLY);
    runtime.Stop();
    EXPECT_EQ((co_await file->Sync()).code(), absl::StatusCode::kCancelled);
    EXPECT_TRUE((co_await file->Close()).ok());
    EXPECT_EQ(file->fd(), -1);
  };
  runtime.Spawn(work());
  EXPECT_TRUE(RunWatched(runtime).ok());
}

}  // namespace
}  // namespace netpoll
