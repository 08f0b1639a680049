// SPDX-License-Identifier: Apache-2.0
//
// Calls about the files of Unix sockets that the system refuses: what
// runtime/sys.h says of each.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/unix_name_test.h"

namespace netpoll {
namespace {

using internal::sys;

class NameFailureTest : public UnixNameTest {
 protected:
  // Whether a listener is made under `path`, asking for a dead one's name.
  absl::Status Listen(const std::string& path) {
    return Listener::Listen(runtime_, Unix(path),
                            {.file = {.replace_dead = true}})
        .status();
  }

  const internal::SysOverride restore_;
  Runtime runtime_;
};

TEST_F(NameFailureTest, AFileStaysWhoseFolderHasNoName) {
  ASSERT_EQ(::chdir(Path("").c_str()), 0);
  ASSERT_TRUE(Listener::Listen(runtime_, Unix("s")).ok());
  EXPECT_FALSE(Exists(Path("s")));
  sys.getcwd = [](char*, std::size_t) -> char* {
    errno = EACCES;
    return nullptr;
  };
  ASSERT_TRUE(Listener::Listen(runtime_, Unix("s")).ok());
  EXPECT_TRUE(Exists(Path("s")));
}

TEST_F(NameFailureTest, AFileStaysThatCannotBeLookedAt) {
  sys.lstat = [](const char*, struct stat*) {
    errno = EIO;
    return -1;
  };
  ASSERT_TRUE(Listener::Listen(runtime_, Unix(Path("s"))).ok());
  EXPECT_TRUE(Exists(Path("s")));
}

TEST_F(NameFailureTest, AFileStaysThatCannotBeRemoved) {
  sys.unlink = [](const char*) {
    errno = EROFS;
    return -1;
  };
  ASSERT_TRUE(Listener::Listen(runtime_, Unix(Path("s"))).ok());
  EXPECT_TRUE(Exists(Path("s")));
}

TEST_F(NameFailureTest, ADeadOnesFileThatCannotBeOpenedIsNotReplaced) {
  MakeDead(Path("s"));
  sys.open = [](const char* name, int flags) {
    if ((flags & O_PATH) == 0) return internal::OpenName(name, flags);
    errno = EMFILE;
    return -1;
  };
  EXPECT_EQ(Listen(Path("s")).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Exists(Path("s")));
}

TEST_F(NameFailureTest, ADeadOnesFileThatCannotBeLookedAtIsNotReplaced) {
  MakeDead(Path("s"));
  sys.fstat = [](int, struct stat*) {
    errno = EIO;
    return -1;
  };
  EXPECT_EQ(Listen(Path("s")).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Exists(Path("s")));
}

TEST_F(NameFailureTest, AFolderThatCannotBeLockedIsTold) {
  sys.flock = [](int, int) {
    errno = ENOLCK;
    return -1;
  };
  const absl::Status told = Listen(Path("s"));
  EXPECT_NE(told.message().find("ENOLCK"), std::string::npos) << told;
  EXPECT_FALSE(Exists(Path("s")));
}

TEST_F(NameFailureTest, AFolderThatCannotBeOpenedIsTold) {
  sys.open = [](const char*, int) {
    errno = EACCES;
    return -1;
  };
  const absl::Status told = Listen(Path("s"));
  EXPECT_NE(told.message().find("EACCES"), std::string::npos) << told;
  EXPECT_FALSE(Exists(Path("s")));
}

}  // namespace
}  // namespace netpoll
