// SPDX-License-Identifier: Apache-2.0
//
// What the kernel does with a ring, as measured, and what the backend makes of
// it: polls that end, a ring that overflows, masks that say too much.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/backends/io_uring/sparse_array.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/io_uring/available.h"
#include "netpoll/tests/conformance/io_uring/scripted_ring.h"
#include "netpoll/tests/conformance/urgent.h"

namespace netpoll::conformance {

namespace {

using Scripted = IoUringBackend<StdEnv, ScriptedRing>;

struct SmallRing : Scripted {
  SmallRing() : IoUringBackend({.completions = 2}) {}
};

template <class Backend>
class RingFixture : public Fixture<Backend> {
 protected:
  void SetUp() override {
    ScriptedRing::script() = Script{};
    Fixture<Backend>::SetUp();
  }

  // Opens in a thread that is gone, so that the poll ends at its next event.
  void OpenInAThreadThatIsGone(int fd, EventKey key) {
    std::thread([&] {
      EXPECT_EQ(this->Open(fd, key), 0);
      this->TakeAll();
    }).join();
  }

  bool PollFdIsReadable() {
    pollfd asked{.fd = this->backend_.PollFd(), .events = POLLIN, .revents = 0};
    return ::poll(&asked, 1, 0) == 1;
  }
};

class IoUringKernel : public RingFixture<Scripted> {};
class IoUringOverflow : public RingFixture<SmallRing> {};

TEST_F(IoUringKernel, APollThatEndsWithItsThreadReportsBothDirections) {
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  OpenInAThreadThatIsGone(ends.own(), Key(1));
  ends.Send();
  Recorder recorder;
  backend_.Poll(Delta::Forever(), recorder);
  ASSERT_EQ(recorder.reports.size(), 1u);
  EXPECT_EQ(recorder.reports[0].key, Key(1));
  EXPECT_EQ(recorder.reports[0].mode, Mode::kReadWrite);
  EXPECT_EQ(recorder.reports[0].flags, EventFlags{});
  // It is armed anew, once, and finds what is ready.
  EXPECT_EQ(Take(Key(1)), (Seen{.read = true}));
  EXPECT_TRUE(TakeAll().empty());
  ends.Send();
  EXPECT_EQ(Take(Key(1)), (Seen{.read = true}));
}

TEST_F(IoUringKernel, APollThatCannotBeArmedAnewIsReportedUntilItCan) {
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  OpenInAThreadThatIsGone(ends.own(), Key(1));
  ends.Send();
  std::deque<int>& submit = ScriptedRing::script().returns[Call::kSubmit];
  submit.assign(16, -EAGAIN);
  Recorder recorder;
  backend_.Poll(Delta::Forever(), recorder);
  ASSERT_EQ(recorder.reports.size(), 1u);
  EXPECT_EQ(recorder.reports[0].mode, Mode::kReadWrite);
  EXPECT_TRUE(submit.empty());
  EXPECT_EQ(ScriptedRing::script().pauses.size(), 1u) << "it would spin";
  EXPECT_TRUE(PollFdIsReadable());
  EXPECT_EQ(Take(Key(1)), (Seen{.read = true, .write = true}));
  EXPECT_TRUE(TakeAll().empty());
  ends.Send();
  EXPECT_EQ(Take(Key(1)), (Seen{.read = true}));
}

// A rule was broken: the number was closed first. It must not end in a loop.
TEST_F(IoUringKernel, ADescriptorThatIsGoneIsReportedOnceAsAnError) {
  Ends ends = Ends::Sockets();
  const int number = ends.own();
  OpenInAThreadThatIsGone(number, Key(1));
  ends.CloseOwn();
  ends.Send();
  Recorder recorder;
  backend_.Poll(Delta::Forever(), recorder);
  EXPECT_FALSE(recorder.reports.empty());
  EXPECT_TRUE(Take(Key(1)).error);
  EXPECT_TRUE(TakeAll().empty());
  EXPECT_EQ(backend_.Close(number, Key(1)), 0);
}

TEST_F(IoUringKernel, OpenRefusesWhatHasNothingToWaitFor) {
  const int zero = ::open("/dev/zero", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(zero, 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Open(zero, Key(1)), EPERM);
  EXPECT_TRUE(TakeAll().empty());
  EXPECT_EQ(backend_.Close(zero, Key(1)), ENOENT);
  ::close(zero);
  EXPECT_EQ(Open(zero, Key(1)), EBADF);
  // Nothing is left of it.
  Ends ends = Ends::Sockets();
  EXPECT_EQ(Open(ends.own(), Key(1)), 0);
  EXPECT_TRUE(Take(Key(1)).write);
}

TEST_F(IoUringKernel, OpenRefusesADescriptorOrASlotInUse) {
  Ends ends = Ends::Sockets();
  ASSERT_EQ(Open(ends.own(), EventKey::ForSlot(1, 1)), 0);
  EXPECT_EQ(Open(ends.own(), EventKey::ForSlot(2, 1)), EEXIST);
  EXPECT_EQ(Open(ends.peer(), EventKey::ForSlot(1, 2)), EEXIST);
  EXPECT_EQ(Open(ends.peer(), EventKey::ForSlot(2, 1)), 0);
}

TEST_F(IoUringKernel, CloseWantsTheWholeKeyAndItsDescriptor) {
  Ends ends = Ends::Sockets();
  const EventKey key = EventKey::ForSlot(1, 2);
  ASSERT_EQ(Open(ends.own(), key), 0);
  EXPECT_EQ(backend_.Close(ends.own(), EventKey::ForSlot(1, 1)), ENOENT);
  EXPECT_EQ(backend_.Close(ends.own(), EventKey::ForSlot(7, 2)), ENOENT);
  EXPECT_EQ(backend_.Close(ends.peer(), key), ENOENT);
  EXPECT_EQ(backend_.Close(ends.own(), EventKey::Internal(0)), ENOENT);
  EXPECT_EQ(backend_.Close(ends.own(), key), 0);
}

TEST_F(IoUringKernel, EdgesThatNobodyTookAreOneReport) {
  Ends ends = Ends::Sockets();
  ASSERT_EQ(Open(ends.own(), Key(1)), 0);
  for (int i = 0; i < 10; ++i) ends.Send();
  Recorder recorder;
  backend_.Poll(Delta::NonBlocking(), recorder);
  ASSERT_EQ(recorder.reports.size(), 1u);
  EXPECT_EQ(recorder.reports[0].mode, Mode::kReadWrite);
}

TEST_F(IoUringKernel, WhatACloseFetchedMakesTheDescriptorReadable) {
  Ends kept = Ends::Sockets();
  Ends closed = Ends::Sockets();
  ASSERT_EQ(Open(kept.own(), Key(1)), 0);
  ASSERT_EQ(Open(closed.own(), Key(2)), 0);
  TakeAll();
  for (int i = 0; i < 3; ++i) {
    kept.Send();
    EXPECT_EQ(backend_.Close(closed.own(), Key(2)), 0);
    EXPECT_TRUE(PollFdIsReadable());
    EXPECT_TRUE(Take(Key(1)).read);
    EXPECT_FALSE(PollFdIsReadable());
    ASSERT_EQ(Open(closed.own(), Key(2)), 0);
    TakeAll();
  }
}

TEST_F(IoUringKernel, ABreakThatNobodyTookKeepsTheDescriptorReadable) {
  backend_.Break();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(PollFdIsReadable());
    EXPECT_TRUE(TakeAll().empty());
  }
  Recorder recorder;
  backend_.Poll(Delta::Forever(), recorder);
  EXPECT_FALSE(PollFdIsReadable());
}

// A TCP connection over the loopback; own() polled, peer() the other end.
struct TcpPair {
  int own = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int peer = -1;

  TcpPair() {
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(listener, any, size), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    EXPECT_EQ(::getsockname(listener, any, &size), 0);
    EXPECT_EQ(::connect(own, any, size), 0);
    peer = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    ::close(listener);
    ::fcntl(own, F_SETFL, O_NONBLOCK);
  }
  ~TcpPair() {
    ::close(own);
    ::close(peer);
  }
};

TEST_F(IoUringKernel, UrgentDataIsToldFromOrdinaryData) {
  const TcpPair pair;
  ASSERT_EQ(Open(pair.own, Key(1)), 0);
  TakeAll();
  ASSERT_EQ(::send(pair.peer, "x", 1, 0), 1);
  Recorder recorder;
  backend_.Poll(Delta::Forever(), recorder);
  ASSERT_EQ(recorder.reports.size(), 1u);
  EXPECT_FALSE(recorder.reports[0].flags.no_more_edges);
  char byte;
  ASSERT_EQ(::read(pair.own, &byte, 1), 1);
  SendOnlyAnUrgentByte(pair.peer, pair.own);
  backend_.Poll(Delta::Forever(), recorder);
  ASSERT_GE(recorder.reports.size(), 2u);
  EXPECT_TRUE(recorder.reports.back().flags.no_more_edges);
}

// The waker says nothing but "error", and that would mean: not pollable.
TEST_F(IoUringKernel, AnErrorOfASocketIsNoErrorOfPolling) {
  const int udp =
      ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in nobody{};
  nobody.sin_family = AF_INET;
  nobody.sin_port = ::htons(1);
  nobody.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  ASSERT_EQ(
      ::connect(udp, reinterpret_cast<sockaddr*>(&nobody), sizeof(nobody)), 0);
  ASSERT_EQ(Open(udp, Key(1)), 0);
  TakeAll();
  ASSERT_EQ(::send(udp, "x", 1, 0), 1);
  Recorder recorder;
  backend_.Poll(Delta::Forever(), recorder);
  ASSERT_EQ(recorder.reports.size(), 1u);
  EXPECT_EQ(recorder.reports[0].mode, Mode::kReadWrite);
  EXPECT_FALSE(recorder.reports[0].flags.error);
  char byte;
  EXPECT_EQ(::read(udp, &byte, 1), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
  EXPECT_EQ(backend_.Close(udp, Key(1)), 0);
  ::close(udp);
}

// A full pipe that nobody reads any more has nothing but an error to tell.
TEST_F(IoUringKernel, NothingButAnErrorIsAnErrorOfPolling) {
  Ends ends = Ends::PipeToWrite();
  ends.FillOwn();
  ASSERT_EQ(Open(ends.own(), Key(1)), 0);
  EXPECT_TRUE(TakeAll().empty());
  ends.ClosePeer();
  Recorder recorder;
  backend_.Poll(Delta::Forever(), recorder);
  ASSERT_EQ(recorder.reports.size(), 1u);
  EXPECT_EQ(recorder.reports[0].mode, Mode::kReadWrite);
  EXPECT_TRUE(recorder.reports[0].flags.error);
  EXPECT_TRUE(recorder.reports[0].flags.no_more_edges);
}

TEST_F(IoUringOverflow, NothingIsLost) {
  constexpr std::uint32_t kMany = 300;
  std::vector<Ends> all;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    all.push_back(Ends::Sockets());
    all[i].FillOwn();
    ASSERT_EQ(Open(all[i].own(), Key(i)), 0);
  }
  EXPECT_TRUE(TakeAll().empty());
  for (int round = 0; round < 5; ++round) {
    for (Ends& ends : all) ends.Send();
    backend_.Break();
    const auto seen = TakeAll();
    EXPECT_EQ(seen.size(), kMany);
    for (const auto& [key, of_key] : seen) EXPECT_TRUE(of_key.read);
    EXPECT_TRUE(TakeAll().empty());
    // Nor is the break.
    Recorder recorder;
    backend_.Poll(Delta::Forever(), recorder);
    EXPECT_TRUE(recorder.reports.empty());
    for (Ends& ends : all) {
      char byte;
      EXPECT_EQ(::read(ends.own(), &byte, 1), 1);
    }
  }
}

TEST_F(IoUringOverflow, OpenWorksInAFullRing) {
  std::vector<Ends> all;
  for (std::uint32_t i = 0; i < 20; ++i) {
    all.push_back(Ends::Sockets());
    ASSERT_EQ(Open(all[i].own(), Key(i)), 0) << i;  // Each is ready at once.
  }
  EXPECT_EQ(TakeAll().size(), 20u);
  const int zero = ::open("/dev/zero", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  for (Ends& ends : all) ends.Send();
  EXPECT_EQ(Open(zero, Key(100)), EPERM);
  EXPECT_EQ(TakeAll().size(), 20u);
  ::close(zero);
}

TEST_F(IoUringOverflow, CloseIsCompleteThoughNobodyPolls) {
  std::vector<Ends> all;
  for (std::uint32_t i = 0; i < 20; ++i) {
    all.push_back(Ends::Sockets());
    ASSERT_EQ(Open(all[i].own(), Key(i)), 0);
  }
  for (std::uint32_t i = 0; i < 20; ++i) {
    for (std::uint32_t j = i; j < 20; ++j) all[j].Send();
    EXPECT_EQ(backend_.Close(all[i].own(), Key(i)), 0);
    all[i].CloseOwn();
    char byte;
    EXPECT_LE(::read(all[i].peer(), &byte, 1), 0);
    EXPECT_NE(errno, EAGAIN);
    errno = 0;
  }
  EXPECT_TRUE(TakeAll().empty());
  EXPECT_FALSE(PollFdIsReadable());
}

TEST(SparseArray, HasAPlaceForEveryNumberAndKeepsItThere) {
  SparseArray<std::uint32_t> array;
  EXPECT_EQ(array.Find(256), nullptr);
  const std::uint32_t kNumbers[] = {
      0,      1,           255,         256,      65'535,
      65'536, 0x00ff'ffff, 0x0100'0000, 1u << 31, 0xffff'ffff};
  for (const std::uint32_t number : kNumbers) {
    std::uint32_t* const place = array.Make(number);
    ASSERT_NE(place, nullptr);
    EXPECT_EQ(*place, 0u);
    *place = number;
  }
  for (const std::uint32_t number : kNumbers) {
    ASSERT_NE(array.Find(number), nullptr);
    EXPECT_EQ(*array.Find(number), number);
    EXPECT_EQ(array.Make(number), array.Find(number));
  }
}

}  // namespace
}  // namespace netpoll::conformance
