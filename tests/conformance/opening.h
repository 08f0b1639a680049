// SPDX-License-Identifier: Apache-2.0
//
// Conformance: what may not be opened; and what is opened after its other end
// has closed. What was left in it can be read, then its end; whoever waits
// hears of both.

#ifndef NETPOLL_TESTS_CONFORMANCE_OPENING_H_
#define NETPOLL_TESTS_CONFORMANCE_OPENING_H_

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"

namespace netpoll::conformance {

template <class Backend>
class Opening : public Fixture<Backend> {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    Fixture<Backend>::SetUp();
  }

  // `fd` is opened, is readable, and `left` and the end are read from it.
  void ExpectItIsReadToItsEnd(int fd, const std::string& left) {
    ASSERT_EQ(this->Open(fd, this->Key(1)), 0);
    EXPECT_TRUE(this->Take(this->Key(1)).read);
    std::string got(left.size(), '.');
    if (!left.empty()) {
      EXPECT_EQ(::read(fd, got.data(), got.size()),
                static_cast<ssize_t>(left.size()));
      EXPECT_EQ(got, left);
    }
    this->Arm(fd, this->Key(1), Mode::kRead);
    this->TakeAll();
    char byte;
    EXPECT_EQ(::read(fd, &byte, 1), 0);
    EXPECT_EQ(this->backend_.Close(fd, this->Key(1)), 0);
    EXPECT_TRUE(this->TakeAll().empty());
  }

  // `fd` is opened, is writable, and a write says EPIPE.
  void ExpectAWriteFails(int fd) {
    ASSERT_EQ(this->Open(fd, this->Key(1)), 0);
    const Seen seen = this->Take(this->Key(1));
    EXPECT_TRUE(seen.write && seen.no_more_edges);
    EXPECT_EQ(::write(fd, "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
    EXPECT_TRUE(this->TakeAll().empty()) << "it was told once";
    EXPECT_EQ(this->backend_.Close(fd, this->Key(1)), 0);
    EXPECT_TRUE(this->TakeAll().empty());
  }
};
TYPED_TEST_SUITE_P(Opening);

TYPED_TEST_P(Opening, AReadingEndWhoseWriterHasGone) {
  for (const std::string left : {"", "x", "xx"}) {
    Ends ends = Ends::PipeToRead();
    for (std::size_t i = 0; i < left.size(); ++i) ends.Send();
    ends.ClosePeer();
    this->ExpectItIsReadToItsEnd(ends.own(), left);
  }
}

TYPED_TEST_P(Opening, AWritingEndWhoseReaderHasGone) {
  Ends ends = Ends::PipeToWrite();
  ends.ClosePeer();
  this->ExpectAWriteFails(ends.own());
}

TYPED_TEST_P(Opening, AFullWritingEndWhoseReaderHasGone) {
  Ends ends = Ends::PipeToWrite();
  ends.FillOwn();
  ends.ClosePeer();
  this->ExpectAWriteFails(ends.own());
}

// Closed before anybody asked: nothing of it is left for the next one with its
// number.
TYPED_TEST_P(Opening, AnEndThatIsClosedAgainAtOnce) {
  for (int i = 0; i < 2; ++i) {
    Ends ends = i == 0 ? Ends::PipeToRead() : Ends::PipeToWrite();
    ends.ClosePeer();
    ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
    EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(1)), 0);
    EXPECT_TRUE(this->TakeAll().empty());
    Ends next = Ends::Sockets();
    next.FillOwn();
    ASSERT_EQ(::dup2(next.own(), ends.own()), ends.own());
    ASSERT_EQ(this->Open(ends.own(), this->Key(2)), 0);
    EXPECT_TRUE(this->TakeAll().empty());
    EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(2)), 0);
  }
}

TYPED_TEST_P(Opening, AFifoWhoseOtherEndHasGone) {
  std::string folder = ::testing::TempDir() + "/fifo.XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string name = folder + "/fifo";
  ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
  const int reader = ::open(name.c_str(), O_RDONLY | O_NONBLOCK);
  int writer = ::open(name.c_str(), O_WRONLY | O_NONBLOCK);
  EXPECT_EQ(::write(writer, "x", 1), 1);
  ::close(writer);
  this->ExpectItIsReadToItsEnd(reader, "x");
  writer = ::open(name.c_str(), O_WRONLY | O_NONBLOCK);
  ::close(reader);
  this->ExpectAWriteFails(writer);
  ::close(writer);
  ::unlink(name.c_str());
  ::rmdir(folder.c_str());
}

TYPED_TEST_P(Opening, ASocketWhosePeerHasGone) {
  for (const std::string left : {"", "x"}) {
    Ends ends = Ends::Sockets();
    if (!left.empty()) ends.Send();
    ends.ClosePeer();
    this->ExpectItIsReadToItsEnd(ends.own(), left);
    this->ExpectAWriteFails(ends.own());
  }
}

TYPED_TEST_P(Opening, ATcpConnectionThatWasHalfClosed) {
  for (const std::string left : {"", "x"}) {
    Ends ends = Ends::Tcp();
    if (!left.empty()) ends.Send();
    ends.ShutDownPeer();
    this->ExpectItIsReadToItsEnd(ends.own(), left);
    // The other half is as it was.
    ASSERT_EQ(this->Open(ends.own(), this->Key(2)), 0);
    EXPECT_TRUE(this->Take(this->Key(2)).write);
    EXPECT_EQ(::write(ends.own(), "y", 1), 1);
    char byte;
    ::fcntl(ends.peer(), F_SETFL, 0);
    EXPECT_EQ(::read(ends.peer(), &byte, 1), 1);
    EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(2)), 0);
  }
}

TYPED_TEST_P(Opening, ATcpConnectionWhosePeerHasGone) {
  Ends ends = Ends::Tcp();
  ends.Send();
  ends.ClosePeer();
  this->ExpectItIsReadToItsEnd(ends.own(), "x");
}

TYPED_TEST_P(Opening, OpenRefusesWhatCannotBePolled) {
  Poller<TypeParam> poller;
  ASSERT_EQ(poller.Init(), 0);
  EXPECT_EQ(poller.Open(-1).error, EBADF);
  Ends gone = Ends::Sockets();
  const int number = gone.own();
  gone.CloseOwn();
  EXPECT_EQ(poller.Open(number).error, EBADF);

  Ends blocking = Ends::Sockets();
  ::fcntl(blocking.own(), F_SETFL, 0);
  EXPECT_EQ(poller.Open(blocking.own()).error, EINVAL);

  std::FILE* const file = std::tmpfile();
  ::fcntl(::fileno(file), F_SETFL, O_NONBLOCK);
  EXPECT_EQ(poller.Open(::fileno(file)).error, EPERM);
  std::fclose(file);
  const int folder = ::open("/", O_RDONLY | O_NONBLOCK);
  EXPECT_EQ(poller.Open(folder).error, EPERM);
  ::close(folder);
}

REGISTER_TYPED_TEST_SUITE_P(Opening, OpenRefusesWhatCannotBePolled,
                            AReadingEndWhoseWriterHasGone,
                            AWritingEndWhoseReaderHasGone,
                            AFullWritingEndWhoseReaderHasGone,
                            AnEndThatIsClosedAgainAtOnce,
                            AFifoWhoseOtherEndHasGone, ASocketWhosePeerHasGone,
                            ATcpConnectionThatWasHalfClosed,
                            ATcpConnectionWhosePeerHasGone);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_OPENING_H_
