// SPDX-License-Identifier: Apache-2.0
//
// For tests of Unix sockets' files: a folder of its own for each, and the kinds
// of sockets that have names.

#ifndef NETPOLL_RUNTIME_UNIX_NAME_TEST_H_
#define NETPOLL_RUNTIME_UNIX_NAME_TEST_H_

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task.h"
#include "netpoll/runtime/test_support.h"

namespace netpoll {

// A folder of its own for each test; the process's folder is put back.
class UnixNameTest : public testing::Test {
 protected:
  UnixNameTest() {
    home_ = ::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    EXPECT_NE(::mkdtemp(folder_), nullptr);
  }
  ~UnixNameTest() override {
    EXPECT_EQ(::fchdir(home_), 0);
    ::close(home_);
    EXPECT_EQ(::system(absl::StrCat("rm -r ", folder_).c_str()), 0);
  }

  std::string Path(const char* name) const {
    return absl::StrCat(folder_, "/", name);
  }
  static SocketAddress Unix(const std::string& path) {
    return *SocketAddress::Parse("unix:" + path);
  }
  static bool Exists(const std::string& path) {
    struct stat file;
    return ::lstat(path.c_str(), &file) == 0;
  }
  static void MakeFile(const std::string& path) {
    const int fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600);
    ASSERT_GE(fd, 0);
    ::close(fd);
  }
  // A socket's file with nobody behind it.
  static void MakeDead(const std::string& path, int type = SOCK_STREAM) {
    ::close(MakeAlive(path, type));
  }
  static int MakeAlive(const std::string& path, int type = SOCK_STREAM) {
    const int fd = ::socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    const SocketAddress address = Unix(path);
    EXPECT_EQ(::bind(fd, address.data(), address.size()), 0);
    EXPECT_TRUE(type != SOCK_STREAM || ::listen(fd, 5) == 0);
    return fd;
  }

 private:
  char folder_[64] = "/tmp/netpollXXXXXX";
  int home_;
};

// One of the kinds of sockets that have names.
struct Kind {
  const char* name;
  // Makes one, and hands back its handle.
  std::function<absl::StatusOr<std::shared_ptr<Descriptor>>(
      Runtime&, const SocketAddress&, FileOptions)>
      make;
  int type;
};

// Shared: it is destroyed as what it is, though a Descriptor has no virtual
// destructor.
template <class T>
absl::StatusOr<std::shared_ptr<Descriptor>> Handle(absl::StatusOr<T> made) {
  if (!made.ok()) return made.status();
  return std::make_shared<T>(*std::move(made));
}

inline const Kind kKinds[] = {
    {"listener",
     [](Runtime& runtime, const SocketAddress& address, FileOptions file) {
       return Handle(Listener::Listen(runtime, address, {.file = file}));
     },
     SOCK_STREAM},
    {"datagram socket",
     [](Runtime& runtime, const SocketAddress& address, FileOptions file) {
       return Handle(DatagramSocket::Bind(runtime, address, {.file = file}));
     },
     SOCK_DGRAM},
};

// Runs `body` for each kind, in a runtime.
inline void ForEachKind(
    const std::function<Task<>(Runtime&, const Kind&)>& body) {
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(kind.name);
    RunTest(1, [&](Runtime& runtime) { return body(runtime, kind); });
  }
}

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_UNIX_NAME_TEST_H_
