// SPDX-License-Identifier: Apache-2.0
//
// Conformance: what marks_short_reads promises. Whoever got less from a TCP
// stream than there was room for waits without trying again; so whatever there
// is to read then was marked "no more edges", or is reported once more.

#ifndef NETPOLL_TESTS_CONFORMANCE_SHORT_READS_H_
#define NETPOLL_TESTS_CONFORMANCE_SHORT_READS_H_

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/fixture.h"

namespace netpoll::conformance {

template <class Backend>
class ShortReads : public Fixture<Backend> {
 protected:
  // What comes behind the first byte; and the events by which poll(2) tells
  // that it has come.
  struct Rest {
    std::function<void(Ends&)> send;
    short arrived;
  };

  // When: before the first poll; between the poll and the read; after it.
  enum class When { kBeforePoll, kBeforeRead, kAfterRead };

  // A byte and then `rest`, whenever it comes: the reader learns of all.
  void ExpectAllIsTold(const Rest& rest) {
    for (const When when :
         {When::kBeforePoll, When::kBeforeRead, When::kAfterRead}) {
      Ends ends = Ends::Tcp();
      ASSERT_EQ(this->Open(ends.own(), this->Key(1)), 0);
      this->TakeAll();
      ends.Send();
      if (when == When::kBeforePoll) Send(rest, ends);
      bool marked = PollUntilReadable();
      if (when == When::kBeforeRead) Send(rest, ends);
      if (!ReadIsShort(ends)) continue;  // Whoever got an error tries again.
      if (when == When::kAfterRead) Send(rest, ends);
      this->Arm(ends.own(), this->Key(1), Mode::kRead);
      // Or it hangs.
      if (!marked && IsReadable(ends)) PollUntilReadable();
      EXPECT_EQ(this->backend_.Close(ends.own(), this->Key(1)), 0);
    }
  }

  static constexpr bool Claims() {
    if constexpr (requires(const Backend& one) { one.traits(); }) {
      return Backend().traits().marks_short_reads;
    } else {
      return Backend::kTraits.marks_short_reads;
    }
  }

 private:
  static void Send(const Rest& rest, Ends& ends) {
    rest.send(ends);
    pollfd asked{.fd = ends.own(), .events = rest.arrived, .revents = 0};
    EXPECT_EQ(::poll(&asked, 1, -1), 1);
  }

  static bool IsReadable(const Ends& ends) {
    pollfd asked{.fd = ends.own(), .events = POLLIN, .revents = 0};
    return ::poll(&asked, 1, 0) == 1;
  }

  // True if a mark came with it.
  bool PollUntilReadable() {
    bool marked = false;
    for (bool readable = false; !readable;) {
      Recorder recorder;
      this->backend_.Poll(Delta::Forever(), recorder);
      for (const Report& report : recorder.reports) {
        readable |= Has(report.mode, Mode::kRead);
        marked |= report.flags.no_more_edges;
      }
    }
    return marked;
  }

  static bool ReadIsShort(const Ends& ends) {
    char buffer[100];
    const ssize_t got = ::read(ends.own(), buffer, sizeof(buffer));
    return got > 0 && got < static_cast<ssize_t>(sizeof(buffer));
  }
};
TYPED_TEST_SUITE_P(ShortReads);

#define NETPOLL_SKIP_WITHOUT_MARKS() \
  if (!TestFixture::Claims()) GTEST_SKIP() << "it promises no marks"

TYPED_TEST_P(ShortReads, TheEndBehindTheDataIsTold) {
  NETPOLL_SKIP_WITHOUT_MARKS();
  this->ExpectAllIsTold({[](Ends& ends) { ends.ShutDownPeer(); }, POLLRDHUP});
  this->ExpectAllIsTold({[](Ends& ends) { ends.ClosePeer(); }, POLLRDHUP});
}

TYPED_TEST_P(ShortReads, MoreDataIsTold) {
  NETPOLL_SKIP_WITHOUT_MARKS();
  this->ExpectAllIsTold({[](Ends& ends) { ends.Send(); }, POLLIN});
}

TYPED_TEST_P(ShortReads, AResetIsTold) {
  NETPOLL_SKIP_WITHOUT_MARKS();
  const auto reset = [](Ends& ends) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(ends.peer(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    ends.ClosePeer();
  };
  this->ExpectAllIsTold({reset, POLLERR});
}

// A read stops at the urgent byte, and what is behind it came before.
TYPED_TEST_P(ShortReads, WhatIsBehindAnUrgentByteIsTold) {
  NETPOLL_SKIP_WITHOUT_MARKS();
  const auto urgent = [](Ends& ends) {
    EXPECT_EQ(::send(ends.peer(), "!", 1, MSG_OOB), 1);
    ends.Send();
  };
  this->ExpectAllIsTold({urgent, POLLPRI});
}

#undef NETPOLL_SKIP_WITHOUT_MARKS

REGISTER_TYPED_TEST_SUITE_P(ShortReads, TheEndBehindTheDataIsTold,
                            MoreDataIsTold, AResetIsTold,
                            WhatIsBehindAnUrgentByteIsTold);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_SHORT_READS_H_
