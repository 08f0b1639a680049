// SPDX-License-Identifier: Apache-2.0
//
// The fixture of the conformance suites on POSIX: a backend, and descriptors to
// play with.

#ifndef NETPOLL_TESTS_CONFORMANCE_FIXTURE_H_
#define NETPOLL_TESTS_CONFORMANCE_FIXTURE_H_

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/clause.h"
#include "netpoll/tests/conformance/traits.h"

namespace netpoll::conformance {

// Two connected descriptors, non-blocking, closed when it goes.
class Ends {
 public:
  static Ends Sockets() {
    Ends ends;
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.fd_), 0);
    ends.Prepare();
    return ends;
  }
  // own() is the reading end.
  static Ends PipeToRead() {
    Ends ends;
    EXPECT_EQ(::pipe(ends.fd_), 0);
    ends.Prepare();
    return ends;
  }
  // own() is the writing end.
  static Ends PipeToWrite() {
    Ends ends = PipeToRead();
    std::swap(ends.fd_[0], ends.fd_[1]);
    return ends;
  }
  static Ends Tcp() {
    Ends ends;
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(::bind(listener, name, size), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    EXPECT_EQ(::getsockname(listener, name, &size), 0);
    ends.fd_[0] = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(::connect(ends.own(), name, size), 0);
    ends.fd_[1] = ::accept(listener, nullptr, nullptr);
    ::close(listener);
    ends.Prepare();
    return ends;
  }

  Ends(Ends&& other) noexcept
      : fd_{std::exchange(other.fd_[0], -1), std::exchange(other.fd_[1], -1)} {}
  Ends& operator=(Ends&&) = delete;
  ~Ends() {
    CloseOwn();
    ClosePeer();
  }

  int own() const { return fd_[0]; }
  int peer() const { return fd_[1]; }
  void CloseOwn() { Close(&fd_[0]); }
  void ClosePeer() { Close(&fd_[1]); }

  void Send() { EXPECT_EQ(::write(peer(), "x", 1), 1); }
  // Now: nobody but own() had kept the connection.
  bool PeerSeesTheEnd() const {
    char byte;
    const ssize_t got = ::read(peer(), &byte, 1);
    return got == 0 || (got < 0 && errno == ECONNRESET);
  }
  // A call of another thread may keep it for a moment, a shim's too; none does
  // for long.
  bool PeerSeesTheEndSoon() const {
    constexpr int kMillis = 10'000;
    pollfd peer_ends{.fd = peer(), .events = POLLIN, .revents = 0};
    return ::poll(&peer_ends, 1, kMillis) == 1 && PeerSeesTheEnd();
  }
  void ShutDownPeer() { EXPECT_EQ(::shutdown(peer(), SHUT_WR), 0); }
  // Until the next write would block.
  void FillOwn() {
    static const char kBlock[65536] = {};
    while (::write(own(), kBlock, sizeof(kBlock)) > 0) {
    }
    while (::write(own(), kBlock, 1) > 0) {
    }
  }
  void DrainPeer() {
    char block[65536];
    while (::read(peer(), block, sizeof(block)) > 0) {
    }
  }

 private:
  Ends() = default;

  void Prepare() {
    for (const int fd : fd_) {
      ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
  }
  static void Close(int* fd) {
    if (*fd >= 0) ::close(std::exchange(*fd, -1));
  }

  int fd_[2] = {-1, -1};
};

// The descriptors that the process has open.
inline std::set<int> OpenDescriptors() {
  constexpr int kMost = 4096;
  std::set<int> open;
  for (int fd = 0; fd < kMost; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) open.insert(fd);
  }
  return open;
}

// When it goes, the process has the descriptors open that it had.
class DescriptorGuard {
 public:
  DescriptorGuard() = default;
  DescriptorGuard(const DescriptorGuard&) = delete;
  DescriptorGuard& operator=(const DescriptorGuard&) = delete;
  ~DescriptorGuard() { EXPECT_EQ(OpenDescriptors(), before_); }

 private:
  const std::set<int> before_ = OpenDescriptors();
};

template <class Backend>
class Fixture : public ::testing::Test {
 private:
  // Outlives the backend, and what the test itself has open.
  const DescriptorGuard guard_;

 protected:
  using Ends = conformance::Ends;
  static constexpr bool kReportsReadiness = true;
  static constexpr int kNoDescriptor = -1;

  // Another descriptor of own().
  class Duplicate {
   public:
    explicit Duplicate(const Ends& ends) : fd_(::dup(ends.own())) {}
    Duplicate(const Duplicate&) = delete;
    Duplicate& operator=(const Duplicate&) = delete;
    ~Duplicate() { ::close(fd_); }

   private:
    const int fd_;
  };

  void SetUp() override {
    const int error = backend_.Init();
    if (error == 0) return;
    const char* const why = Traits<Backend>::WhyMissing(error);
    if (why != nullptr) GTEST_SKIP() << why;
    FAIL() << "Init returned " << error;
  }

  static EventKey Key(std::uint32_t number) { return KeyOf(number); }
  static Ends Pair() { return Ends::Sockets(); }
  static Ends ToRead() { return Ends::PipeToRead(); }
  static std::set<int> OpenDescriptors() {
    return conformance::OpenDescriptors();
  }
  // Those that are open after `act` and were not before it.
  static std::vector<int> MadeBy(const std::function<void()>& act) {
    const std::set<int> before = OpenDescriptors();
    act();
    std::vector<int> made;
    for (const int fd : OpenDescriptors()) {
      if (before.count(fd) == 0) made.push_back(fd);
    }
    return made;
  }
  static bool IsInherited(int fd) {
    return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
  }

  // Registers `fd` and, where that is needed, arms both directions.
  int Open(int fd, EventKey key) {
    const int error = backend_.Open(fd, key);
    if (error == 0) Arm(fd, key, Mode::kReadWrite);
    return error;
  }
  int Open(const Ends& ends, EventKey key) { return Open(ends.own(), key); }
  int Close(const Ends& ends, EventKey key) {
    return backend_.Close(ends.own(), key);
  }

  void Arm(int fd, EventKey key, Mode mode) {
    if constexpr (Backend::kTraits.needs_arm) {
      if (Has(mode, Mode::kRead)) backend_.Arm(fd, key, Mode::kRead);
      if (Has(mode, Mode::kWrite)) backend_.Arm(fd, key, Mode::kWrite);
    }
  }
  void ReadAndArm(const Ends& ends, EventKey key) {
    char byte;
    EXPECT_EQ(::read(ends.own(), &byte, 1), 1);
    Arm(ends.own(), key, Mode::kRead);
  }

  std::map<std::uint64_t, Seen> TakeAll() { return TakeAllOf(backend_); }
  Seen Take(EventKey key) { return TakeAll()[key.bits()]; }

  Backend backend_;
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_FIXTURE_H_
