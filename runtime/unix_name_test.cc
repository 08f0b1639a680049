// SPDX-License-Identifier: Apache-2.0
//
// The files of Unix sockets: a name is not the socket.

#include "netpoll/runtime/unix_name_test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/bound_name.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {
namespace {

TEST_F(UnixNameTest, GoesWhenTheSocketCloses) {
  const std::string path = Path("s");
  const SocketAddress address = Unix(path);
  ForEachKind([&](Runtime& runtime, const Kind& kind) -> Task<> {
    auto socket = kind.make(runtime, address, {});
    EXPECT_TRUE(Exists(path));
    EXPECT_TRUE((co_await (*socket)->Close()).ok());
    EXPECT_FALSE(Exists(path)) << "Close";

    socket = kind.make(runtime, address, {});
    (*socket)->CloseNow();
    EXPECT_FALSE(Exists(path)) << "CloseNow";

    socket = kind.make(runtime, address, {});
    EXPECT_TRUE(Exists(path));
    socket->reset();
    EXPECT_FALSE(Exists(path)) << "the handle's end";
  });
}

TEST_F(UnixNameTest, GoesWhenAnotherHandleIsMovedOnto) {
  RunTest(1, [&](Runtime& runtime) -> Task<> {
    auto one = Listener::Listen(runtime, Unix(Path("1")));
    auto two = Listener::Listen(runtime, Unix(Path("2")));
    *one = *std::move(two);
    EXPECT_FALSE(Exists(Path("1")));
    EXPECT_TRUE(Exists(Path("2")));
    EXPECT_EQ(one->address(), Unix(Path("2")));
    Listener last = *std::move(one);
    one = absl::CancelledError();
    EXPECT_TRUE(Exists(Path("2"))) << "a handle that was moved from";
    last = Listener();
    EXPECT_FALSE(Exists(Path("2")));

    auto datagrams = DatagramSocket::Bind(runtime, Unix(Path("3")));
    *datagrams = DatagramSocket();
    EXPECT_FALSE(Exists(Path("3")));
    co_return;
  });
}

TEST_F(UnixNameTest, GoesWhenTheRuntimeStops) {
  Runtime runtime;
  auto listener = Listener::Listen(runtime, Unix(Path("l")));
  auto datagrams = DatagramSocket::Bind(runtime, Unix(Path("d")));
  ASSERT_TRUE(listener.ok() && datagrams.ok());
  runtime.Stop();
  EXPECT_FALSE(Exists(Path("l")));
  EXPECT_FALSE(Exists(Path("d")));
}

// Who waits in Accept finds the name gone: a successor may bind it.
TEST_F(UnixNameTest, IsGoneBeforeAnybodyIsToldThatItCloses) {
  const std::string path = Path("s");
  static std::atomic<bool> told;
  told = false;
  const internal::SysOverride restore;
  internal::sys.unlink = [](const char* file) {
    // Time enough for the other worker, had it been told.
    ::poll(nullptr, 0, 50);
    EXPECT_FALSE(told.load());
    return ::unlink(file);
  };
  RunTest(2, [&](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Unix(path));
    auto accept = [&](Listener& one) -> Task<> {
      const AcceptResult accepted = co_await one.Accept();
      told = true;
      EXPECT_TRUE(accepted.status.closing());
      EXPECT_FALSE(Exists(path));
    };
    JoinHandle<void> acceptor = runtime.Spawn(accept(*listener));
    co_await runtime.Yield();
    listener->CloseNow();
    co_await std::move(acceptor);
  });
}

// A draining server closes its listener and goes on with what it has.
TEST_F(UnixNameTest, GoesOnceAndIsNotTheSuccessors) {
  const std::string path = Path("s");
  ForEachKind([&](Runtime& runtime, const Kind& kind) -> Task<> {
    auto old = kind.make(runtime, Unix(path), {});
    (*old)->CloseNow();
    auto successor = kind.make(runtime, Unix(path), {});
    EXPECT_TRUE(successor.ok()) << successor.status();
    EXPECT_TRUE((co_await (*old)->Close()).closing());
    EXPECT_TRUE(Exists(path));
    old->reset();
    EXPECT_TRUE(Exists(path));
    successor->reset();
    EXPECT_FALSE(Exists(path));
  });
}

TEST_F(UnixNameTest, ASuccessorsSocketStays) {
  const std::string path = Path("s");
  ForEachKind([&](Runtime& runtime, const Kind& kind) -> Task<> {
    auto old = kind.make(runtime, Unix(path), {});
    ::unlink(path.c_str());
    const int successor = MakeAlive(path, kind.type);
    old->reset();
    EXPECT_TRUE(Exists(path)) << "not its own";
    ::close(successor);
    ::unlink(path.c_str());
    co_return;
  });
}

TEST_F(UnixNameTest, ARegularFileAFolderOrALinkInItsPlaceStay) {
  const std::string path = Path("s");
  ForEachKind([&](Runtime& runtime, const Kind& kind) -> Task<> {
    auto socket = kind.make(runtime, Unix(path), {});
    ::unlink(path.c_str());
    MakeFile(path);
    socket->reset();
    EXPECT_TRUE(Exists(path));
    ::unlink(path.c_str());

    socket = kind.make(runtime, Unix(path), {});
    ::unlink(path.c_str());
    EXPECT_EQ(::mkdir(path.c_str(), 0700), 0);
    socket->reset();
    EXPECT_TRUE(Exists(path));
    ::rmdir(path.c_str());

    // Moved away; the link leads to it.
    socket = kind.make(runtime, Unix(path), {});
    EXPECT_EQ(::rename(path.c_str(), Path("moved").c_str()), 0);
    EXPECT_EQ(::symlink("moved", path.c_str()), 0);
    socket->reset();
    EXPECT_TRUE(Exists(path) && Exists(Path("moved")));
    ::unlink(path.c_str());
    ::unlink(Path("moved").c_str());
    co_return;
  });
}

TEST_F(UnixNameTest, ARelativePathIsThatOfTheFolderWhereItWasBound) {
  ASSERT_EQ(::mkdir(Path("elsewhere").c_str(), 0700), 0);
  MakeFile(Path("elsewhere/s"));
  ForEachKind([&](Runtime& runtime, const Kind& kind) -> Task<> {
    EXPECT_EQ(::chdir(Path("").c_str()), 0);
    auto socket = kind.make(runtime, Unix("s"), {});
    EXPECT_TRUE(Exists(Path("s")));
    EXPECT_EQ(::chdir(Path("elsewhere").c_str()), 0);
    socket->reset();
    EXPECT_TRUE(Exists(Path("elsewhere/s"))) << "another folder's file";
    EXPECT_FALSE(Exists(Path("s"))) << "its own was left behind";
    co_return;
  });
}

TEST_F(UnixNameTest, StaysAfterDetachAndIsTheNewOwners) {
  const std::string path = Path("s");
  RunTest(1, [&](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Unix(path));
    absl::StatusOr<int> fd = co_await listener->Detach();
    EXPECT_TRUE(fd.ok());
    *listener = Listener();
    EXPECT_TRUE(Exists(path));

    // Whoever adopts it does not have the file, unless asked.
    auto adopted = Listener::Adopt(runtime, *fd);
    EXPECT_TRUE(adopted.ok()) << adopted.status();
    EXPECT_EQ(adopted->address(), Unix(path));
    fd = co_await adopted->Detach();
    EXPECT_TRUE(Exists(path));
    const int copy = ::fcntl(*fd, F_DUPFD_CLOEXEC, 0);
    adopted = Listener::Adopt(runtime, *fd);
    co_await adopted->Close();
    EXPECT_TRUE(Exists(path));
    adopted = Listener::Adopt(runtime, copy, AdoptedFile::kTakenOver);
    EXPECT_TRUE(adopted.ok()) << adopted.status();
    co_await adopted->Close();
    EXPECT_FALSE(Exists(path));
  });
}

TEST_F(UnixNameTest, StaysIfSo) {
  const std::string path = Path("s");
  ForEachKind([&](Runtime& runtime, const Kind& kind) -> Task<> {
    auto socket = kind.make(runtime, Unix(path), {.remove = false});
    EXPECT_TRUE(socket.ok()) << socket.status();
    socket->reset();
    EXPECT_TRUE(Exists(path));
    ::unlink(path.c_str());
    co_return;
  });
}

TEST_F(UnixNameTest, AbstractAndUnnamedSocketsHaveNoFile) {
  ForEachKind([&](Runtime& runtime, const Kind& kind) -> Task<> {
    EXPECT_EQ(::chdir(Path("").c_str()), 0);
    const std::string name = Path("s");
    MakeFile(name);
    auto socket =
        kind.make(runtime, *SocketAddress::Parse(absl::StrCat("unix:@", name)),
                  {.replace_dead = true});
    EXPECT_TRUE(socket.ok()) << socket.status();
    socket->reset();
    socket = kind.make(runtime, *SocketAddress::Parse("unix:(unnamed)"),
                       {.replace_dead = true});
    EXPECT_TRUE(socket.ok()) << socket.status();
    socket->reset();
    EXPECT_TRUE(Exists(name));
    ::unlink(name.c_str());
    co_return;
  });
}

// Nothing is left of a listener that could not be made.
TEST_F(UnixNameTest, GoesWhenListeningFails) {
  const internal::SysOverride restore;
  RunTest(1, [&](Runtime& runtime) -> Task<> {
    internal::sys.listen = [](int, int) {
      errno = EOPNOTSUPP;
      return -1;
    };
    EXPECT_FALSE(Listener::Listen(runtime, Unix(Path("s"))).ok());
    EXPECT_FALSE(Exists(Path("s")));
    co_return;
  });
}

TEST_F(UnixNameTest, GoesWhenTheRuntimeIsStoppingAlready) {
  Runtime runtime;
  runtime.Stop();
  for (const Kind& kind : kKinds) {
    for (const bool remove : {true, false}) {
      auto socket = kind.make(runtime, Unix(Path("s")), {.remove = remove});
      EXPECT_EQ(socket.status().code(), absl::StatusCode::kCancelled);
      EXPECT_FALSE(Exists(Path("s"))) << kind.name;
    }
  }
}

// The child drops what it got with the parent's memory.
TEST_F(UnixNameTest, AForkedChildDoesNotRemoveIt) {
  const std::string path = Path("s");
  MakeDead(path);
  const auto name = internal::BoundName::Of(Unix(path), path);
  ASSERT_NE(name, nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    name->Remove();
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(Exists(path));
  name->Remove();
  EXPECT_FALSE(Exists(path));
}

// Another thread changes the folder while the socket is made: which file is
// meant can't be told, and nothing is removed.
TEST_F(UnixNameTest, AFolderThatChangesWhileBindingLeavesTheFile) {
  ASSERT_EQ(::mkdir(Path("elsewhere").c_str(), 0700), 0);
  ASSERT_EQ(::chdir(Path("").c_str()), 0);
  static std::string elsewhere;
  elsewhere = Path("elsewhere");
  MakeDead(Path("elsewhere/s"));
  const internal::SysOverride restore;
  internal::sys.bind = [](int fd, const sockaddr* address, socklen_t size) {
    const int result = ::bind(fd, address, size);
    EXPECT_EQ(::chdir(elsewhere.c_str()), 0);
    return result;
  };
  RunTest(1, [&](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Unix("s"));
    EXPECT_TRUE(listener.ok()) << listener.status();
    co_await listener->Close();
    EXPECT_TRUE(Exists(Path("elsewhere/s")));
  });
}

// The same, and in the folder of before there is another's socket.
TEST_F(UnixNameTest, AnotherFoldersSocketIsNotTakenForIt) {
  ASSERT_EQ(::mkdir(Path("elsewhere").c_str(), 0700), 0);
  ASSERT_EQ(::chdir(Path("").c_str()), 0);
  static std::string elsewhere;
  elsewhere = Path("elsewhere");
  MakeDead(Path("s"));
  const internal::SysOverride restore;
  internal::sys.bind = [](int fd, const sockaddr* address, socklen_t size) {
    EXPECT_EQ(::chdir(elsewhere.c_str()), 0);
    return ::bind(fd, address, size);
  };
  RunTest(1, [&](Runtime& runtime) -> Task<> {
    auto listener = Listener::Listen(runtime, Unix("s"));
    EXPECT_TRUE(listener.ok()) << listener.status();
    co_await listener->Close();
    EXPECT_TRUE(Exists(Path("s")));
  });
}

// Whichever thread closes first removes it, and only one does.
TEST_F(UnixNameTest, GoesOnceWhoeverCloses) {
  static std::atomic<int> removals;
  const internal::SysOverride restore;
  internal::sys.unlink = [](const char* path) {
    removals.fetch_add(1);
    return ::unlink(path);
  };
  for (int round = 0; round < 50; ++round) {
    removals = 0;
    Runtime runtime;
    auto listener = Listener::Listen(runtime, Unix(Path("s")));
    ASSERT_TRUE(listener.ok()) << listener.status();
    std::thread stop([&] { runtime.Stop(); });
    listener->CloseNow();
    stop.join();
    *listener = Listener();
    EXPECT_EQ(removals.load(), 1);
    EXPECT_FALSE(Exists(Path("s")));
  }
}

}  // namespace
}  // namespace netpoll
