// SPDX-License-Identifier: Apache-2.0
//
// Unix names that are taken already: by a dead socket, by a live one, by
// something else.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/bound_name.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/unix_name_test.h"

namespace netpoll {
namespace {

class TakenNameTest : public UnixNameTest {};

TEST_F(TakenNameTest, ATakenNameIsAnErrorAndStays) {
  const std::string path = Path("s");
  ForEachKind([&](Runtime& runtime, const Kind& kind) -> Task<> {
    MakeDead(path, kind.type);
    auto socket = kind.make(runtime, Unix(path), {});
    EXPECT_EQ(socket.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_NE(socket.status().message().find(path + ": EADDRINUSE"),
              std::string::npos)
        << socket.status();
    EXPECT_TRUE(Exists(path));
    ::unlink(path.c_str());
    co_return;
  });
}

// Only that the name is taken is a reason to look who has it.
TEST_F(TakenNameTest, AnotherErrorRemovesNoDeadSocket) {
  const std::string path = Path("s");
  ForEachKind([&](Runtime& runtime, const Kind& kind) -> Task<> {
    MakeDead(path, kind.type);
    const internal::SysOverride restore;
    internal::sys.bind = [](int, const sockaddr*, socklen_t) {
      errno = EACCES;
      return -1;
    };
    auto socket = kind.make(runtime, Unix(path), {.replace_dead = true});
    EXPECT_EQ(socket.status().code(), absl::StatusCode::kPermissionDenied)
        << socket.status();
    EXPECT_TRUE(Exists(path));
    ::unlink(path.c_str());
    co_return;
  });
}

// The folder is locked from before a name is taken until its socket listens: in
// between it looks dead to others.
TEST_F(TakenNameTest, NobodyElseReplacesWhileOneDoes) {
  static int lock_error;
  static int locked_at;
  lock_error = locked_at = 0;
  const internal::SysOverride restore;
  static std::string folder;
  folder = Path("");
  const auto try_lock = [] {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const int how : {LOCK_EX, LOCK_SH}) {
      if (::flock(fd, how | LOCK_NB) != 0) lock_error = errno;
      locked_at += lock_error == EWOULDBLOCK ? 1 : 0;
      lock_error = 0;
    }
    ::close(fd);
  };
  static void (*const attempt)() = try_lock;
  internal::sys.bind = [](int fd, const sockaddr* name, socklen_t size) {
    attempt();
    return ::bind(fd, name, size);
  };
  internal::sys.listen = [](int fd, int backlog) {
    attempt();
    return ::listen(fd, backlog);
  };
  RunTest(1, [&](Runtime& runtime) -> Task<> {
    const auto listener = Listener::Listen(runtime, Unix(Path("s")),
                                           {.file = {.replace_dead = true}});
    EXPECT_TRUE(listener.ok()) << listener.status();
    co_return;
  });
  EXPECT_EQ(locked_at, 4) << "twice at bind, twice at listen";
  attempt();
  EXPECT_EQ(locked_at, 4) << "it is still locked";
}

TEST_F(TakenNameTest, ANameMayBeInTheRoot) {
  EXPECT_EQ(internal::FolderLock(Unix("/netpoll-no-file")).error(), 0);
}

TEST_F(TakenNameTest, ADeadSocketsNameIsTakenIfAskedFor) {
  const std::string path = Path("s");
  ForEachKind([&](Runtime& runtime, const Kind& kind) -> Task<> {
    MakeDead(path, kind.type);
    auto socket = kind.make(runtime, Unix(path), {.replace_dead = true});
    EXPECT_TRUE(socket.ok()) << socket.status();
    // Now it is alive.
    auto another = kind.make(runtime, Unix(path), {.replace_dead = true});
    EXPECT_EQ(another.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(Exists(path));
    socket->reset();
    EXPECT_FALSE(Exists(path));
    // And nothing there is as good as a dead one.
    socket = kind.make(runtime, Unix(path), {.replace_dead = true});
    EXPECT_TRUE(socket.ok()) << socket.status();
    co_return;
  });
}

TEST_F(TakenNameTest, OnlyADeadSocketIsReplaced) {
  const std::string path = Path("s");
  ForEachKind([&](Runtime& runtime, const Kind& kind) -> Task<> {
    const auto refused = [&](const char* what) {
      auto socket = kind.make(runtime, Unix(path), {.replace_dead = true});
      EXPECT_FALSE(socket.ok()) << what;
      EXPECT_TRUE(Exists(path)) << what;
      ::unlink(path.c_str());
    };
    MakeFile(path);
    refused("a regular file");
    EXPECT_EQ(::symlink("nowhere", path.c_str()), 0);
    refused("a link that leads nowhere");
    MakeDead(Path("dead"), kind.type);
    EXPECT_EQ(::symlink("dead", path.c_str()), 0);
    refused("a link to a dead socket");
    EXPECT_TRUE(Exists(Path("dead")));
    ::unlink(Path("dead").c_str());
    for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
      const int alive = MakeAlive(path, type);
      EXPECT_TRUE(type != SOCK_SEQPACKET || ::listen(alive, 1) == 0);
      refused("a live socket");
      ::close(alive);
    }
    co_return;
  });
}

TEST_F(TakenNameTest, ALiveListenerSeesAConnectionThatEndsAtOnce) {
  RunTest(1, [&](Runtime& runtime) -> Task<> {
    auto alive = Listener::Listen(runtime, Unix(Path("s")));
    EXPECT_FALSE(Listener::Listen(runtime, Unix(Path("s")),
                                  {.file = {.replace_dead = true}})
                     .ok());
    AcceptResult accepted = co_await alive->Accept();
    char byte;
    const IoResult got = co_await accepted.socket.Read({&byte, 1});
    EXPECT_TRUE(got.ok() && got.bytes == 0);
  });
}

// Two that find a dead one at once: the folder's lock lets one of them look.
TEST_F(TakenNameTest, OneAtATimeReplacesADeadSocket) {
  const std::string path = Path("s");
  ForEachKind([&](Runtime& runtime, const Kind& kind) -> Task<> {
    MakeDead(path, kind.type);
    const int other =
        ::open(Path("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const int lock : {LOCK_EX, LOCK_SH}) {
      EXPECT_EQ(::flock(other, lock), 0);
      auto refused = kind.make(runtime, Unix(path), {.replace_dead = true});
      EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
    }
    // Without the option nobody asks for the lock.
    EXPECT_TRUE(kind.make(runtime, Unix(Path("t")), {}).ok());
    ::close(other);
    auto socket = kind.make(runtime, Unix(path), {.replace_dead = true});
    EXPECT_TRUE(socket.ok()) << socket.status();
    co_return;
  });
}

// Somebody who asks for no lock takes the name while it is looked at.
TEST_F(TakenNameTest, ASuccessorOfADeadSocketIsNotRemoved) {
  static std::string path;
  static int type;
  static int successor;
  path = Path("s");
  const internal::SysOverride restore;
  internal::sys.connect = [](int fd, const sockaddr* to, socklen_t size) {
    const int result = ::connect(fd, to, size);
    const int error = errno;
    ::unlink(path.c_str());
    successor = MakeAlive(path, type);
    errno = error;
    return result;
  };
  ForEachKind([&](Runtime& runtime, const Kind& kind) -> Task<> {
    type = kind.type;
    MakeDead(path, type);
    auto socket = kind.make(runtime, Unix(path), {.replace_dead = true});
    EXPECT_EQ(socket.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(Exists(path));
    ::close(successor);
    ::unlink(path.c_str());
    co_return;
  });
}

TEST_F(TakenNameTest, AMissingFolderIsAnErrorThatSaysSo) {
  ForEachKind([&](Runtime& runtime, const Kind& kind) -> Task<> {
    for (const bool replace : {false, true}) {
      auto socket =
          kind.make(runtime, Unix(Path("no/s")), {.replace_dead = replace});
      EXPECT_EQ(socket.status().code(), absl::StatusCode::kNotFound);
      EXPECT_NE(socket.status().message().find(Path("no/s") + ": ENOENT"),
                std::string::npos)
          << socket.status();
    }
    co_return;
  });
}

}  // namespace
}  // namespace netpoll
