// SPDX-License-Identifier: Apache-2.0
//
// What the shim's own tests share: a queue, and short words for its calls.

#ifndef NETPOLL_TESTS_SHIMS_KQUEUE_HARNESS_H_
#define NETPOLL_TESTS_SHIMS_KQUEUE_HARNESS_H_

#include <fcntl.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace netpoll::shim {

using Events = std::vector<struct kevent>;

inline struct kevent Change(std::uintptr_t ident, int filter, unsigned flags,
                            unsigned fflags = 0, std::intptr_t udata = 0) {
  struct kevent change {};
  EV_SET(&change, ident, filter, flags, fflags, 0,
         reinterpret_cast<void*>(udata));
  return change;
}

class Shim : public ::testing::Test {
 protected:
  void SetUp() override {
    kq_ = ::kqueue();
    ASSERT_GE(kq_, 0);
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                           0, ends_),
              0);
  }
  void TearDown() override {
    for (const int fd : {kq_, ends_[0], ends_[1]}) {
      if (fd >= 0) ::close(fd);
    }
  }

  int own() const { return ends_[0]; }
  int peer() const { return ends_[1]; }
  void CloseOwn() { Close(&ends_[0]); }
  void ClosePeer() { Close(&ends_[1]); }
  void Send() { EXPECT_EQ(::write(peer(), "x", 1), 1); }
  void Fill() {
    static const char kBlock[4096] = {};
    while (::write(own(), kBlock, sizeof(kBlock)) > 0) {
    }
  }
  void Drain() {
    char block[4096];
    while (::read(peer(), block, sizeof(block)) > 0) {
    }
  }

  // 0, or the errno.
  int Make(std::vector<struct kevent> changes) {
    const int count = static_cast<int>(changes.size());
    return ::kevent(kq_, changes.data(), count, nullptr, 0, nullptr) == 0
               ? 0
               : errno;
  }
  int Make(std::uintptr_t ident, int filter, unsigned flags,
           unsigned fflags = 0, std::intptr_t udata = 0) {
    return Make({Change(ident, filter, flags, fflags, udata)});
  }

  // What is pending.
  Events Take(int most = 8) {
    Events events(static_cast<std::size_t>(most));
    const timespec now{};
    const int count = ::kevent(kq_, nullptr, 0, events.data(), most, &now);
    EXPECT_GE(count, 0);
    events.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return events;
  }

  int kq_ = -1;

 private:
  static void Close(int* fd) {
    ::close(*fd);
    *fd = -1;
  }

  int ends_[2] = {-1, -1};
};

}  // namespace netpoll::shim

#endif  // NETPOLL_TESTS_SHIMS_KQUEUE_HARNESS_H_
