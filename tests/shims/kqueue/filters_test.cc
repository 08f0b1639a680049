// SPDX-License-Identifier: Apache-2.0
//
// The shim: what descriptors report, and when.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "gtest/gtest.h"
#include "netpoll/tests/shims/kqueue/harness.h"

namespace netpoll::shim {
namespace {

constexpr unsigned kEdge = EV_ADD | EV_CLEAR;

TEST_F(Shim, EachFilterIsAnEventOfItsOwn) {
  Send();
  ASSERT_EQ(Make({Change(own(), EVFILT_READ, kEdge, 0, 1),
                  Change(own(), EVFILT_WRITE, kEdge, 0, 2)}),
            0);
  const Events events = Take();
  ASSERT_EQ(events.size(), 2u);
  for (const struct kevent& event : events) {
    const bool reads = event.filter == EVFILT_READ;
    EXPECT_EQ(event.ident, static_cast<std::uintptr_t>(own()));
    EXPECT_EQ(event.flags, EV_CLEAR);
    EXPECT_EQ(reinterpret_cast<std::intptr_t>(event.udata), reads ? 1 : 2);
  }
  EXPECT_NE(events[0].filter, events[1].filter);
}

TEST_F(Shim, AnEdgeOfOneFilterIsNoEdgeOfTheOther) {
  ASSERT_EQ(Make({Change(own(), EVFILT_READ, kEdge),
                  Change(own(), EVFILT_WRITE, kEdge)}),
            0);
  ASSERT_EQ(Take().size(), 1u);  // Writable.
  for (int i = 0; i < 3; ++i) {
    Send();
    const Events events = Take();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].filter, EVFILT_READ);
    EXPECT_EQ(events[0].data, i + 1);
    EXPECT_TRUE(Take().empty());
  }
  Fill();
  Drain();
  const Events events = Take();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].filter, EVFILT_WRITE);
  EXPECT_GT(events[0].data, 0);
}

TEST_F(Shim, WithoutClearAnEventStays) {
  ASSERT_EQ(Make(own(), EVFILT_READ, EV_ADD), 0);
  Send();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Take().size(), 1u);
  char byte;
  ASSERT_EQ(::read(own(), &byte, 1), 1);
  EXPECT_TRUE(Take().empty());
}

TEST_F(Shim, WhatWasReadBeforeIsNotReported) {
  ASSERT_EQ(Make(own(), EVFILT_READ, kEdge), 0);
  Send();
  char byte;
  ASSERT_EQ(::read(own(), &byte, 1), 1);
  EXPECT_TRUE(Take().empty());
}

TEST_F(Shim, AddingAgainAsksAnewAndChangesUdata) {
  Send();
  ASSERT_EQ(Make(own(), EVFILT_READ, kEdge, 0, 1), 0);
  EXPECT_EQ(Take().size(), 1u);
  ASSERT_EQ(Make(own(), EVFILT_READ, kEdge, 0, 2), 0);
  const Events events = Take();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(reinterpret_cast<std::intptr_t>(events[0].udata), 2);
}

TEST_F(Shim, AOneShotIsGoneOnceReported) {
  Send();
  ASSERT_EQ(Make(own(), EVFILT_READ, EV_ADD | EV_ONESHOT), 0);
  EXPECT_EQ(Take().size(), 1u);
  EXPECT_TRUE(Take().empty());
  EXPECT_EQ(Make(own(), EVFILT_READ, EV_DELETE), ENOENT);
}

TEST_F(Shim, ADisabledFilterIsSilentUntilEnabled) {
  ASSERT_EQ(Make(own(), EVFILT_READ, EV_ADD | EV_DISABLE), 0);
  Send();
  EXPECT_TRUE(Take().empty());
  ASSERT_EQ(Make(own(), EVFILT_READ, EV_ENABLE), 0);
  EXPECT_EQ(Take().size(), 1u);
}

TEST_F(Shim, AHalfCloseEndsTheReadFilterOnly) {
  Fill();
  ASSERT_EQ(Make({Change(own(), EVFILT_READ, kEdge),
                  Change(own(), EVFILT_WRITE, kEdge)}),
            0);
  EXPECT_TRUE(Take().empty());
  ::shutdown(peer(), SHUT_WR);
  const Events events = Take();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].filter, EVFILT_READ);
  EXPECT_EQ(events[0].flags, EV_CLEAR | EV_EOF);
}

TEST_F(Shim, AHangUpEndsBothFilters) {
  ASSERT_EQ(Make({Change(own(), EVFILT_READ, kEdge),
                  Change(own(), EVFILT_WRITE, kEdge)}),
            0);
  Take();
  Send();
  ClosePeer();
  const Events events = Take();
  ASSERT_EQ(events.size(), 2u);
  for (const struct kevent& event : events) {
    EXPECT_NE(event.flags & EV_EOF, 0);
    // Data and the end at once.
    if (event.filter == EVFILT_READ) {
      EXPECT_EQ(event.data, 1);
    }
  }
}

TEST_F(Shim, TheWriterOfAPipeHearsOfItsEndThroughBothFilters) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(Make({Change(ends[1], EVFILT_READ, kEdge),
                  Change(ends[1], EVFILT_WRITE, kEdge)}),
            0);
  const Events before = Take();
  ASSERT_EQ(before.size(), 1u);
  EXPECT_EQ(before[0].data, ::fcntl(ends[1], F_GETPIPE_SZ));
  ::close(ends[0]);
  const Events events = Take();
  ASSERT_EQ(events.size(), 2u);
  for (const struct kevent& event : events) {
    EXPECT_NE(event.flags & EV_EOF, 0);
  }
  ::close(ends[1]);
}

// A real kqueue would give the error in fflags; taking it would take it from
// the program.
TEST_F(Shim, ASocketsErrorIsLeftToTheProgram) {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(listener, generic, size), 0);
  ASSERT_EQ(::getsockname(listener, generic, &size), 0);
  ::close(listener);  // Nobody listens there now.
  ::connect(probe, generic, size);
  ASSERT_EQ(Make(probe, EVFILT_WRITE, kEdge), 0);
  struct kevent event {};
  ASSERT_EQ(::kevent(kq_, nullptr, 0, &event, 1, nullptr), 1);
  EXPECT_NE(event.flags & EV_EOF, 0);
  EXPECT_EQ(event.fflags, 0u);
  int error = 0;
  socklen_t length = sizeof(error);
  ::getsockopt(probe, SOL_SOCKET, SO_ERROR, &error, &length);
  EXPECT_EQ(error, ECONNREFUSED);
  ::close(probe);
}

TEST_F(Shim, NothingIsReportedOfADeletedFilter) {
  Send();
  ASSERT_EQ(Make({Change(own(), EVFILT_READ, kEdge),
                  Change(own(), EVFILT_WRITE, kEdge)}),
            0);
  ASSERT_EQ(Make(own(), EVFILT_READ, EV_DELETE), 0);
  const Events events = Take();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].filter, EVFILT_WRITE);
  ASSERT_EQ(Make(own(), EVFILT_WRITE, EV_DELETE), 0);
  EXPECT_TRUE(Take().empty());
}

TEST_F(Shim, ACloseRemovesTheFilters) {
  ASSERT_EQ(Make({Change(own(), EVFILT_READ, kEdge),
                  Change(own(), EVFILT_WRITE, kEdge)}),
            0);
  const int number = own();
  CloseOwn();
  EXPECT_TRUE(Take().empty());
  EXPECT_EQ(Make(number, EVFILT_READ, EV_DELETE), EBADF);
}

// The number is another file now.
TEST_F(Shim, AReusedNumberIsAnotherDescriptor) {
  ASSERT_EQ(Make({Change(own(), EVFILT_READ, kEdge, 0, 1),
                  Change(own(), EVFILT_WRITE, kEdge, 0, 1)}),
            0);
  const int number = own();
  CloseOwn();
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  ASSERT_EQ(ends[0], number);
  EXPECT_TRUE(Take().empty());
  EXPECT_EQ(Make(number, EVFILT_READ, EV_DELETE), ENOENT);
  ASSERT_EQ(Make(number, EVFILT_WRITE, kEdge, 0, 2), 0);
  const Events events = Take();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(reinterpret_cast<std::intptr_t>(events[0].udata), 2);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(Shim, TheSecondNumberKeepsNoFileOpen) {
  ASSERT_EQ(Make(own(), EVFILT_WRITE, kEdge), 0);
  CloseOwn();
  char byte;
  EXPECT_EQ(::read(peer(), &byte, 1), 0);
}

TEST_F(Shim, ADuplicateHasNoWriteFilterOfItsOwn) {
  ASSERT_EQ(Make(own(), EVFILT_WRITE, kEdge), 0);
  const int duplicate = ::dup(own());
  EXPECT_EQ(Make(duplicate, EVFILT_READ, kEdge), 0);
  EXPECT_EQ(Make(duplicate, EVFILT_WRITE, kEdge), EEXIST);
  ::close(duplicate);
}

TEST_F(Shim, RegularFilesAreRefused) {
  std::FILE* const file = std::tmpfile();
  EXPECT_EQ(Make(::fileno(file), EVFILT_READ, kEdge), EINVAL);
  EXPECT_EQ(Make(::fileno(file), EVFILT_WRITE, kEdge), EINVAL);
  std::fclose(file);
}

}  // namespace
}  // namespace netpoll::shim
