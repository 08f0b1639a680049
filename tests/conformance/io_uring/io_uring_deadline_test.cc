// SPDX-License-Identifier: Apache-2.0
//
// A deadline that passes while the thread that armed a poll cannot tell of its
// events: the descriptor itself is asked before anybody is timed out.
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <list>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/core/worker_glue.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/io_uring/available.h"
#include "netpoll/tests/conformance/io_uring/scripted_ring.h"
#include "netpoll/tests/conformance/scripted/scripted_test.h"

namespace netpoll::conformance {
namespace {

using ThePoller = Poller<IoUringBackend<StdEnv, ScriptedRing>>;

// Does something in a thread of its own, which is then where no interrupt
// reaches it: vfork keeps it in the kernel until the child ends.
class StuckThread {
 public:
  template <class Act>
  explicit StuckThread(Act act) {
    EXPECT_EQ(::pipe(begun_), 0);
    EXPECT_EQ(::pipe(gate_), 0);
    thread_ = std::thread([this, act] {
      act();
      const pid_t child = ::vfork();
      if (child == 0) {
        char byte = 'x';
        while (::write(begun_[1], &byte, 1) < 0) {
        }
        while (::read(gate_[0], &byte, 1) < 0) {
        }
        ::_exit(0);
      }
      EXPECT_GT(child, 0);
    });
    char byte;
    EXPECT_EQ(::read(begun_[0], &byte, 1), 1);
  }
  ~StuckThread() {
    EXPECT_EQ(::write(gate_[1], "x", 1), 1);
    thread_.join();
    for (const int fd : {begun_[0], begun_[1], gate_[0], gate_[1]}) ::close(fd);
  }

 private:
  int begun_[2];
  int gate_[2];
  std::thread thread_;
};

struct Client : Waiter {
  explicit Client(Mode waits) : direction(waits) {}
  Ends ends = Ends::Sockets();
  ThePoller::Desc* desc = nullptr;
  const Mode direction;
  bool ended = false;
  PollError error = PollError::kNone;
};

class IoUringDeadline : public ScriptedTest<ScriptedRing> {
 protected:
  void SetUp() override {
    if (const char* const why = WhyNoIoUring()) GTEST_SKIP() << why;
    ScriptedTest::SetUp();
    ASSERT_EQ(poller_.Init(), 0);
  }
  void TearDown() override {
    for (Client& client : clients_) {
      Serve(poller_.Unblock(client.desc));
      EXPECT_EQ(poller_.Close(client.desc), 0);
    }
  }

  // A descriptor that would block in both directions, and is known to.
  Client& Open(Mode direction) {
    Client& client = clients_.emplace_back(direction);
    client.ends.FillOwn();
    client.desc = poller_.Open(client.ends.own()).desc;
    EXPECT_NE(client.desc, nullptr);
    return client;
  }

  void Park(Client& client, Mode deadline_of) {
    static_cast<void>(
        poller_.SetDeadline(client.desc, deadline_of, Deadline::At(kWhen)));
    EXPECT_TRUE(poller_.Park(client.desc, client.direction, &client).parked());
  }

  // The deadlines have passed.
  void TurnTooLate() {
    Serve(PollTurn(poller_, kWhen, [] { return kWhen + 1; }));
  }

  int asked() { return script().count[Call::kPoll]; }

  static constexpr std::int64_t kWhen = 1000;

  ThePoller poller_;
  std::list<Client> clients_;

 private:
  void Serve(PollResult result) {
    poller_.AdjustWaiters(result.waiters_delta);
    while (Waiter* const waiter = result.ready.Pop()) {
      Client& client = static_cast<Client&>(*waiter);
      EXPECT_FALSE(client.ended);
      client.ended = true;
      client.error = poller_.Finish(client.desc, client.direction).error;
    }
  }
};

TEST_F(IoUringDeadline, WhoSpokeInTimeIsServedThoughItsThreadIsStuck) {
  std::vector<Client*> spoke, drained, quiet;
  const StuckThread stuck([&] {
    for (int i = 0; i < 5; ++i) {
      spoke.push_back(&Open(Mode::kRead));
      drained.push_back(&Open(Mode::kWrite));
      quiet.push_back(&Open(Mode::kRead));
      quiet.push_back(&Open(Mode::kWrite));
    }
  });
  // One timer serves both directions of some.
  int both = 0;
  for (Client& client : clients_) {
    Park(client, ++both % 2 == 0 ? client.direction : Mode::kReadWrite);
  }
  for (Client* const client : spoke) client->ends.Send();
  for (Client* const client : drained) client->ends.DrainPeer();
  TurnTooLate();
  for (const auto& served : {spoke, drained}) {
    for (Client* const client : served) {
      EXPECT_TRUE(client->ended);
      EXPECT_EQ(client->error, PollError::kNone);
    }
  }
  for (Client* const client : quiet) {
    EXPECT_TRUE(client->ended);
    EXPECT_EQ(client->error, PollError::kTimeout);
  }
}

// A half-close is heard as well.
TEST_F(IoUringDeadline, AnEndThatCameInTimeIsNoTimeout) {
  Client* client = nullptr;
  const StuckThread stuck([&] { client = &Open(Mode::kRead); });
  Park(*client, Mode::kRead);
  client->ends.ShutDownPeer();
  TurnTooLate();
  EXPECT_TRUE(client->ended);
  EXPECT_EQ(client->error, PollError::kNone);
}

// What is ready in one direction makes no noise in the other.
TEST_F(IoUringDeadline, OnlyTheDirectionsThatExpireAreAskedAbout) {
  Client* client = nullptr;
  const StuckThread stuck([&] { client = &Open(Mode::kRead); });
  static_cast<void>(
      poller_.SetDeadline(client->desc, Mode::kWrite, Deadline::At(kWhen)));
  EXPECT_TRUE(poller_.Park(client->desc, Mode::kRead, client).parked());
  client->ends.Send();
  TurnTooLate();
  EXPECT_EQ(asked(), 1);
  EXPECT_FALSE(client->ended) << "its event comes with its thread";
}

TEST_F(IoUringDeadline, ADeadlineThatFiresAsksOnceAndNothingElseAsks) {
  Client& first = Open(Mode::kRead);
  Client& second = Open(Mode::kRead);
  Park(first, Mode::kReadWrite);
  Park(second, Mode::kRead);
  for (int i = 0; i < 10; ++i) {
    // Set anew, before it passes.
    static_cast<void>(
        poller_.SetDeadline(second.desc, Mode::kRead, Deadline::At(kWhen - i)));
  }
  EXPECT_EQ(asked(), 0);
  static_cast<void>(poller_.SetDeadline(second.desc, Mode::kRead, {}));
  TurnTooLate();
  EXPECT_EQ(asked(), 1);
  EXPECT_EQ(first.error, PollError::kTimeout);
  EXPECT_FALSE(second.ended);
  TurnTooLate();
  EXPECT_EQ(asked(), 1);
}

TEST_F(IoUringDeadline, AnInterruptedQuestionIsAskedAgain) {
  Client& client = Open(Mode::kRead);
  Park(client, Mode::kRead);
  script().returns[Call::kPoll] = {-EINTR, -EINTR};
  TurnTooLate();
  EXPECT_EQ(asked(), 3);
  EXPECT_EQ(client.error, PollError::kTimeout);
}

// The task tries its call, which tells; the deadline stays.
TEST_F(IoUringDeadline, WithoutAnAnswerTheCallIsTried) {
  Client& client = Open(Mode::kRead);
  Park(client, Mode::kRead);
  script().returns[Call::kPoll] = {-ENOMEM};
  TurnTooLate();
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(client.error, PollError::kNone);
  EXPECT_EQ(poller_.Prepare(client.desc, Mode::kRead).error,
            PollError::kTimeout);
}

}  // namespace
}  // namespace netpoll::conformance
