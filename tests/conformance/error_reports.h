// SPDX-License-Identifier: Apache-2.0
//
// Conformance: an error that is reported is a hint. The call is tried, and what
// that says counts; eight reports of nothing but an error in a row, while the
// call would block, are told to a reader, once, and to a writer never. Over a
// Poller, which is what counts them.

#ifndef NETPOLL_TESTS_CONFORMANCE_ERROR_REPORTS_H_
#define NETPOLL_TESTS_CONFORMANCE_ERROR_REPORTS_H_

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#if defined(__linux__)
#include <linux/net_tstamp.h>
#endif

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/status.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/traits.h"

namespace netpoll::conformance {

// A backend that counts the reports of nothing but an error that it hands on.
template <class Backend>
struct ErrorCounter : Backend {
  template <class Sink>
  struct Tee {
    void Ready(EventKey key, Mode mode, EventFlags flags) {
      if (flags.error) ++counter.errors;
      sink.Ready(key, mode, flags);
    }
    Sink& sink;
    ErrorCounter& counter;
  };
  template <class Sink>
  void Poll(Delta delta, Sink& sink) {
    Tee<Sink> tee{sink, *this};
    Backend::Poll(delta, tee);
  }

  int errors = 0;
};

template <class Backend>
class ErrorReports : public Fixture<Backend> {
 protected:
  using Counted = Poller<ErrorCounter<Backend>>;
  using Desc = typename Counted::Desc;

  // One task's waits in one direction, on this thread.
  class Task {
   public:
    Task(Counted& poller, Desc* desc, Mode mode)
        : poller_(poller), desc_(desc), mode_(mode) {}

    // False: the wait has ended already, with `error`.
    bool Park() {
      const WaitResult wait = poller_.Park(desc_, mode_, &waiter_);
      error = wait.error();
      return wait.parked();
    }
    // Polls until the parked task has been woken.
    void BeWoken() {
      for (bool woken = false; !woken;) {
        PollResult result = poller_.Poll(Delta::Forever());
        while (Waiter* const waiter = result.ready.Pop()) {
          woken |= waiter == &waiter_;
        }
        poller_.AdjustWaiters(result.waiters_delta);
      }
      const WaitResult wait = poller_.Resume(desc_, mode_, &waiter_);
      EXPECT_FALSE(wait.parked());
      error = wait.error();
    }

    PollError error = PollError::kNone;

   private:
    Counted& poller_;
    Desc* const desc_;
    const Mode mode_;
    Waiter waiter_;
  };

  static void Close(Counted& poller, Desc* desc) {
    PollResult woken = poller.Unblock(desc);
    EXPECT_EQ(woken.ready.Pop(), nullptr);
    EXPECT_EQ(poller.Close(desc), 0);
  }

  // What a read of one byte says: 1, 0, or -errno.
  static int TryRead(int fd) {
    char byte;
    const ssize_t got = ::recv(fd, &byte, 1, 0);
    return got < 0 ? -errno : static_cast<int>(got);
  }
  static int TryWrite(int fd) {
    const ssize_t sent = ::send(fd, "x", 1, MSG_NOSIGNAL);
    return sent < 0 ? -errno : static_cast<int>(sent);
  }

  // Waits until there is something to read, and reads it; no wait ends with an
  // error.
  static int ReadWaiting(Task& task, int fd) {
    for (;;) {
      const int got = TryRead(fd);
      if (got != -EAGAIN) return got;
      if (task.Park()) task.BeWoken();
      EXPECT_EQ(task.error, PollError::kNone);
      if (task.error != PollError::kNone) return -EAGAIN;
    }
  }
};
TYPED_TEST_SUITE_P(ErrorReports);

// Of this thread's own, on a port of the loopback.
class DatagramEnd {
 public:
  DatagramEnd() : fd_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
    ::fcntl(fd_, F_SETFD, FD_CLOEXEC);
  }
  DatagramEnd(const DatagramEnd&) = delete;
  DatagramEnd& operator=(const DatagramEnd&) = delete;
  ~DatagramEnd() { ::close(fd_); }

  // Port 0: any. The one that it is.
  int Bind(int port) {
    sockaddr_in name = Name(port);
    socklen_t size = sizeof(name);
    auto* const address = reinterpret_cast<sockaddr*>(&name);
    EXPECT_EQ(::bind(fd_, address, size), 0);
    EXPECT_EQ(::getsockname(fd_, address, &size), 0);
    return ntohs(name.sin_port);
  }
  void Connect(int port) {
    const sockaddr_in name = Name(port);
    EXPECT_EQ(
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&name), sizeof(name)),
        0);
  }
  int fd() const { return fd_; }

 private:
  static sockaddr_in Name(int port) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(static_cast<std::uint16_t>(port));
    return name;
  }
  const int fd_;
};

// Row C18: whoever is refused is told by the call, and the socket lives.
TYPED_TEST_P(ErrorReports, ARefusedDatagramIsToldByTheCallAndTheSocketLives) {
  typename TestFixture::Counted poller;
  ASSERT_EQ(poller.Init(), 0);
  int port = 0;
  {
    DatagramEnd gone;
    port = gone.Bind(0);
  }
  DatagramEnd own;
  const int own_port = own.Bind(0);
  own.Connect(port);
  auto* const desc = poller.Open(own.fd()).desc;
  ASSERT_NE(desc, nullptr);
  typename TestFixture::Task reader(poller, desc, Mode::kRead);
  // More often than reports are counted.
  for (int i = 0; i < 2 * status::kErrorReports; ++i) {
    ASSERT_EQ(poller.Reset(desc, Mode::kRead), PollError::kNone);
    ASSERT_EQ(this->TryRead(own.fd()), -EAGAIN);
    EXPECT_EQ(this->TryWrite(own.fd()), 1);
    EXPECT_EQ(this->ReadWaiting(reader, own.fd()), -ECONNREFUSED);
    EXPECT_EQ(this->TryRead(own.fd()), -EAGAIN);
  }
  DatagramEnd peer;
  EXPECT_EQ(peer.Bind(port), port);
  peer.Connect(own_port);
  ASSERT_EQ(poller.Reset(desc, Mode::kRead), PollError::kNone);
  const bool parked = reader.Park();
  EXPECT_EQ(this->TryWrite(peer.fd()), 1);
  if (parked) reader.BeWoken();
  EXPECT_EQ(reader.error, PollError::kNone);
  EXPECT_EQ(this->ReadWaiting(reader, own.fd()), 1);
  this->Close(poller, desc);
}

#if defined(__linux__)
// A stream of which nothing can be read or written, and whose error queue has
// news when the peer reads: the times at which parts of it were sent.
class TimedStream {
 public:
  TimedStream() {
    sockaddr_in name{};
    socklen_t size = sizeof(name);
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const address = reinterpret_cast<sockaddr*>(&name);
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    own_ = ::socket(AF_INET, SOCK_STREAM, 0);
    // Many small parts, and much to send before there is room again.
    Set(listener, IPPROTO_TCP, TCP_MAXSEG, 1000);
    Set(own_, IPPROTO_TCP, TCP_MAXSEG, 1000);
    Set(listener, SOL_SOCKET, SO_RCVBUF, 32 << 10);
    Set(own_, SOL_SOCKET, SO_SNDBUF, 200 << 10);
    EXPECT_EQ(::bind(listener, address, size), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    EXPECT_EQ(::getsockname(listener, address, &size), 0);
    EXPECT_EQ(::connect(own_, address, size), 0);
    peer_ = ::accept(listener, nullptr, nullptr);
    ::close(listener);
    for (const int fd : {own_, peer_}) {
      ::fcntl(fd, F_SETFL, O_NONBLOCK);
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    Set(own_, SOL_SOCKET, SO_TIMESTAMPING,
        SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
            SOF_TIMESTAMPING_OPT_ID);
    Fill();
    FetchNews();
  }
  TimedStream(const TimedStream&) = delete;
  TimedStream& operator=(const TimedStream&) = delete;
  ~TimedStream() {
    ::close(own_);
    ::close(peer_);
  }

  int own() const { return own_; }
  int peer() const { return peer_; }

  // Writes until that would block. Each part is sent, and timed, by itself.
  // False: it would have blocked at once.
  bool Fill() {
    const char part[1000] = {};
    bool some = false;
    while (::send(own_, part, sizeof(part), MSG_NOSIGNAL | MSG_EOR) > 0) {
      some = true;
    }
    EXPECT_EQ(errno, EAGAIN);
    return some;
  }

  // The peer reads until there is news. What the last round had to tell is
  // fetched by a call of its own.
  void MakeNews() {
    FetchNews();
    pollfd asked{.fd = own_, .events = 0, .revents = 0};
    while (::poll(&asked, 1, 1) == 0) {
      char part[2000];
      static_cast<void>(!::read(peer_, part, sizeof(part)));
    }
  }
  void DrainPeer() {
    char part[16384];
    while (::read(peer_, part, sizeof(part)) > 0) {
    }
  }

 private:
  static void Set(int fd, int level, int option, int value) {
    EXPECT_EQ(::setsockopt(fd, level, option, &value, sizeof(value)), 0);
  }
  void FetchNews() {
    for (;;) {
      char data[64], control[512];
      iovec part{data, sizeof(data)};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      if (::recvmsg(own_, &message, MSG_ERRQUEUE) < 0) return;
    }
  }

  int own_ = -1;
  int peer_ = -1;
};

TYPED_TEST_P(ErrorReports, EightInARowAreToldOnceAndThenTheCallIsTriedAgain) {
  if (!Traits<TypeParam>::kReportsErrorQueues) GTEST_SKIP() << "no such report";
  typename TestFixture::Counted poller;
  ASSERT_EQ(poller.Init(), 0);
  TimedStream stream;
  auto* const desc = poller.Open(stream.own()).desc;
  ASSERT_NE(desc, nullptr);
  typename TestFixture::Task reader(poller, desc, Mode::kRead);
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(poller.Reset(desc, Mode::kRead), PollError::kNone);
    poller.backend().errors = 0;
    for (;;) {
      ASSERT_EQ(this->TryRead(stream.own()), -EAGAIN);
      if (!reader.Park()) {
        if (reader.error != PollError::kNone) break;
        continue;
      }
      ASSERT_LT(poller.backend().errors, status::kErrorReports);
      stream.MakeNews();
      reader.BeWoken();
      ASSERT_EQ(reader.error, PollError::kNone) << "the call comes first";
    }
    EXPECT_EQ(reader.error, PollError::kNotPollable);
    EXPECT_GE(poller.backend().errors, status::kErrorReports);
  }
  // Told, it is over.
  ASSERT_EQ(poller.Reset(desc, Mode::kRead), PollError::kNone);
  EXPECT_EQ(::write(stream.peer(), "x", 1), 1);
  EXPECT_EQ(this->ReadWaiting(reader, stream.own()), 1);
  this->Close(poller, desc);
}

TYPED_TEST_P(ErrorReports, AWriterIsWokenByEachAndToldOfNone) {
  if (!Traits<TypeParam>::kReportsErrorQueues) GTEST_SKIP() << "no such report";
  typename TestFixture::Counted poller;
  ASSERT_EQ(poller.Init(), 0);
  TimedStream stream;
  auto* const desc = poller.Open(stream.own()).desc;
  ASSERT_NE(desc, nullptr);
  typename TestFixture::Task writer(poller, desc, Mode::kWrite);
  ASSERT_EQ(poller.Reset(desc, Mode::kWrite), PollError::kNone);
  // There may be room for a few before there is so much that it is reported.
  while (poller.backend().errors < status::kErrorReports + 4) {
    stream.Fill();
    const bool parked = writer.Park();
    if (parked) {
      stream.MakeNews();
      writer.BeWoken();
    }
    ASSERT_EQ(writer.error, PollError::kNone);
  }
  // And by room, beyond the limit.
  stream.Fill();
  for (bool wrote = false; !wrote; wrote = stream.Fill()) {
    const bool parked = writer.Park();
    stream.DrainPeer();
    if (parked) writer.BeWoken();
    ASSERT_EQ(writer.error, PollError::kNone);
  }
  this->Close(poller, desc);
}
#else
TYPED_TEST_P(ErrorReports, EightInARowAreToldOnceAndThenTheCallIsTriedAgain) {
  GTEST_SKIP() << "no such report";
}
TYPED_TEST_P(ErrorReports, AWriterIsWokenByEachAndToldOfNone) {
  GTEST_SKIP() << "no such report";
}
#endif

REGISTER_TYPED_TEST_SUITE_P(ErrorReports,
                            ARefusedDatagramIsToldByTheCallAndTheSocketLives,
                            EightInARowAreToldOnceAndThenTheCallIsTriedAgain,
                            AWriterIsWokenByEachAndToldOfNone);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_ERROR_REPORTS_H_
