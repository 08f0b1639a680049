// SPDX-License-Identifier: Apache-2.0
//
// What the conformance suites share: a backend, descriptors to play with, and
// a record of what was reported.

#ifndef NETPOLL_TESTS_CONFORMANCE_FIXTURE_H_
#define NETPOLL_TESTS_CONFORMANCE_FIXTURE_H_

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
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
  // The number stays in use: somebody else has closed it, or will.
  void ForgetOwn() { fd_[0] = -1; }

  void Send() { EXPECT_EQ(::write(peer(), "x", 1), 1); }
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

struct Report {
  EventKey key;
  Mode mode;
  EventFlags flags;
};

// A sink that writes down what it is told.
struct Recorder {
  std::vector<Report> reports;

  void Ready(EventKey key, Mode mode, EventFlags flags) {
    reports.push_back({key, mode, flags});
  }
};

// What was reported of one key, taken together.
struct Seen {
  bool read = false;
  bool write = false;
  bool no_more_edges = false;
  bool error = false;

  friend bool operator==(const Seen&, const Seen&) = default;
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
  void SetUp() override {
    const int error = backend_.Init();
    if (error == 0) return;
    const char* const why = Traits<Backend>::WhyMissing(error);
    if (why != nullptr) GTEST_SKIP() << why;
    FAIL() << "Init returned " << error;
  }

  // Keys that use all the bits a backend may be tempted to drop.
  static EventKey Key(std::uint32_t number) {
    return EventKey::ForSlot(EventKey::kMaxIndex - number,
                             0xffff'ffffu - number);
  }

  // Registers `fd` and, where that is needed, arms both directions.
  int Open(int fd, EventKey key) {
    const int error = backend_.Open(fd, key);
    if (error == 0) Arm(fd, key, Mode::kReadWrite);
    return error;
  }

  void Arm(int fd, EventKey key, Mode mode) {
    if constexpr (Backend::kTraits.needs_arm) {
      if (Has(mode, Mode::kRead)) backend_.Arm(fd, key, Mode::kRead);
      if (Has(mode, Mode::kWrite)) backend_.Arm(fd, key, Mode::kWrite);
    }
  }

  // All that is pending, by key.
  std::map<std::uint64_t, Seen> TakeAll() {
    std::map<std::uint64_t, Seen> seen;
    for (;;) {
      Recorder recorder;
      backend_.Poll(Delta::NonBlocking(), recorder);
      if (recorder.reports.empty()) return seen;
      for (const Report& report : recorder.reports) {
        Seen& of_key = seen[report.key.bits()];
        of_key.read |= Has(report.mode, Mode::kRead);
        of_key.write |= Has(report.mode, Mode::kWrite);
        of_key.no_more_edges |= report.flags.no_more_edges;
        of_key.error |= report.flags.error;
      }
    }
  }

  Seen Take(EventKey key) { return TakeAll()[key.bits()]; }

  Backend backend_;
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_FIXTURE_H_
