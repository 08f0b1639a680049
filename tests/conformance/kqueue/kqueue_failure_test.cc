// SPDX-License-Identifier: Apache-2.0
//
// Every system call with which the kqueue backend starts, opens and closes
// fails in every way that the manuals say: the failure is returned or
// absorbed, and leaves nothing behind.
#include <sys/event.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/core/poller.h"
#include "netpoll/tests/conformance/fixture.h"
#include "netpoll/tests/conformance/kqueue/failure_fixture.h"

namespace netpoll::conformance {
namespace {

// The filters of the changes that were asked for since `from`, as a word:
// r, w, u for an EV_ADD and R, W, U for an EV_DELETE.
std::string Changes(const Script& script, std::size_t from) {
  std::string word;
  for (std::size_t i = from; i < script.changes.size(); ++i) {
    const struct kevent& change = script.changes[i];
    const bool deletes = (change.flags & EV_DELETE) != 0;
    if (change.filter == EVFILT_USER) {
      word += deletes ? 'U' : 'u';
      continue;
    }
    word += change.filter == EVFILT_READ ? (deletes ? 'R' : 'r')
                                         : (deletes ? 'W' : 'w');
  }
  return word;
}

TEST_F(KqueueFailure, InitReturnsTheErrorOfEachStepAndLeavesNothing) {
  const auto before = OpenDescriptors();
  for (const Call call : {Call::kQueue, Call::kFcntl, Call::kChange}) {
    for (const int error : {EMFILE, ENFILE, ENOMEM}) {
      script().returns[call] = {-error};
      {
        UserBackend backend;
        EXPECT_EQ(backend.Init(), error);
      }
      EXPECT_EQ(OpenDescriptors(), before);
    }
  }
}

TEST_F(KqueueFailure, InitWithAPipeReturnsTheErrorOfEachStepAndLeavesNothing) {
  const auto before = OpenDescriptors();
  const auto fails = [&](Call call, std::deque<int> returns) {
    script() = Script{};
    script().returns[call] = std::move(returns);
    {
      PipeBackend backend;
      EXPECT_EQ(backend.Init(), ENOMEM);
    }
    EXPECT_EQ(OpenDescriptors(), before);
  };
  fails(Call::kQueue, {-ENOMEM});
  fails(Call::kPipe, {-ENOMEM});
  fails(Call::kChange, {-ENOMEM});
  fails(Call::kChange, {-EINTR, -ENOMEM});
  fails(Call::kFcntl, {-ENOMEM});
}

TEST_F(KqueueFailure, OpenReturnsTheErrorAndTheSlotIsUsedAgain) {
  OpenFails<UserBackend>({ENOMEM, EINVAL, EACCES, EBADF}, [](int error) {
    script().returns[Call::kChange] = {-error};
  });
}

// The write filter can't be made; the read filter was.
struct HalfSys : ScriptedSys {
  static int Kevent(int kq, const struct kevent* changes, int change_count,
                    struct kevent* events, int size, const timespec* limit) {
    for (int i = 0; size == 0 && i < change_count; ++i) {
      const bool adds = (changes[i].flags & EV_ADD) != 0;
      const int result =
          adds && changes[i].filter == EVFILT_WRITE
              ? -error
              : ScriptedSys::Kevent(kq, &changes[i], 1, nullptr, 0, nullptr);
      if (result < 0) return result;
    }
    return size == 0 ? 0
                     : ScriptedSys::Kevent(kq, nullptr, 0, events, size, limit);
  }
  static inline int error = 0;
};
using HalfBackend = KqueueBackend<StdEnv, HalfSys, UserEventWaker>;

TEST_F(KqueueFailure, HalfARegistrationIsUndone) {
  HalfBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  ends.Send();
  HalfSys::error = ENOMEM;
  EXPECT_EQ(backend.Open(ends.own(), kKey), ENOMEM);
  EXPECT_TRUE(Poll(backend, kNow).empty());
  const struct kevent gone = KqueueChange(
      static_cast<std::uint64_t>(ends.own()), EVFILT_READ, EV_DELETE, 0);
  EXPECT_EQ(
      ScriptedSys::Kevent(backend.PollFd(), &gone, 1, nullptr, 0, nullptr),
      -ENOENT);
}

// Row E5: the reading filter tells the writer of the end.
TEST_F(KqueueFailure, APipeWithoutAReaderIsOpenedThoughTheSystemSaysEpipe) {
  HalfBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::PipeToWrite();
  ends.ClosePeer();
  HalfSys::error = EPIPE;
  ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
  // So does the announcement.
  const auto reports = Poll(backend, kNow);
  ASSERT_EQ(reports.size(), 2u);
  for (const Report& report : reports) {
    EXPECT_EQ(report.key, kKey);
    EXPECT_EQ(report.mode, Mode::kReadWrite);
    EXPECT_TRUE(report.flags.no_more_edges);
  }
  EXPECT_TRUE(Poll(backend, kNow).empty());
  EXPECT_EQ(backend.Close(ends.own(), kKey), 0);
}

TEST_F(KqueueFailure, EpipeOfBothFiltersIsAnError) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::PipeToWrite();
  script().returns[Call::kChange] = {-EPIPE, -EPIPE, -EPIPE};
  EXPECT_EQ(backend.Open(ends.own(), kKey), EPIPE);
  EXPECT_TRUE(Poll(backend, kNow).empty());
  EXPECT_EQ(backend.Open(ends.own(), kKey), 0);
}

TEST_F(KqueueFailure, AnotherErrorAfterEpipeUndoesTheRest) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::PipeToWrite();
  const std::size_t from = script().changes.size();
  script().returns[Call::kChange] = {-EPIPE, 0, -ENOMEM};
  EXPECT_EQ(backend.Open(ends.own(), kKey), ENOMEM);
  EXPECT_EQ(Changes(script(), from), "rwrwRWRWU");
  EXPECT_TRUE(Poll(backend, kNow).empty());
}

// A system that refuses one filter of a pipe that has ended, with either error,
// whichever filter it is.
TEST_F(KqueueFailure, AFilterThatIsRefusedIsAnnouncedOnce) {
  for (const int error : {EPIPE, EBADF}) {
    for (const bool read_is_refused : {false, true}) {
      script() = Script{};
      UserBackend backend;
      ASSERT_EQ(backend.Init(), 0);
      Ends ends = Ends::Sockets();
      ends.FillOwn();
      script().returns[Call::kChange] = {-error, read_is_refused ? -error : 0,
                                         read_is_refused ? 0 : -error};
      ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
      const auto reports = Poll(backend, kNow);
      ASSERT_EQ(reports.size(), 1u);
      EXPECT_EQ(reports[0].key, kKey);
      EXPECT_EQ(reports[0].mode, Mode::kReadWrite);
      EXPECT_EQ(reports[0].flags, (EventFlags{.no_more_edges = true}));
      EXPECT_TRUE(Poll(backend, kNow).empty());
      EXPECT_EQ(backend.Close(ends.own(), kKey), 0);
    }
  }
}

TEST_F(KqueueFailure, AnAnnouncementOfAFoldedKeyFindsItsDescriptor) {
  FoldedBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  ends.FillOwn();
  script().returns[Call::kChange] = {-EBADF, 0, -EBADF};
  ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
  const auto reports = Poll(backend, kNow);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].key, kKey);
}

TEST_F(KqueueFailure, AnAnnouncementThatFailsIsTheErrorOfOpen) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  ends.Send();
  script().returns[Call::kChange] = {-EBADF, 0, -EBADF, -ENOMEM};
  EXPECT_EQ(backend.Open(ends.own(), kKey), ENOMEM);
  EXPECT_TRUE(Poll(backend, kNow).empty());
  EXPECT_EQ(backend.Open(ends.own(), kKey), 0);
}

TEST_F(KqueueFailure, AClosedDescriptorIsRefused) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  const int number = ends.own();
  ends.CloseOwn();
  EXPECT_EQ(backend.Open(number, kKey), EBADF);
  EXPECT_TRUE(Poll(backend, kNow).empty());
}

TEST_F(KqueueFailure, OpenAndCloseCostOneSystemCallEach) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  const std::size_t from = script().changes.size();
  const int before = Count(Call::kChange);
  ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
  EXPECT_EQ(Count(Call::kChange), before + 1);
  ASSERT_EQ(backend.Close(ends.own(), kKey), 0);
  EXPECT_EQ(Count(Call::kChange), before + 2);
  EXPECT_EQ(Changes(script(), from), "rwRW");
}

TEST_F(KqueueFailure, OpenAndCloseGoOnAfterASignal) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  script().returns[Call::kChange] = {-EINTR, -EINTR, 0, -EINTR};
  EXPECT_EQ(backend.Open(ends.own(), kKey), 0);
  EXPECT_EQ(Poll(backend, kNow).size(), 1u);
  EXPECT_EQ(backend.Close(ends.own(), kKey), 0);
}

TEST_F(KqueueFailure, ARefusedDuplicateLeavesTheFirstAsItIs) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
  const int before = Count(Call::kChange);
  EXPECT_EQ(backend.Open(ends.own(), EventKey::ForSlot(6, 1)), EEXIST);
  EXPECT_EQ(Count(Call::kChange), before);
  const auto reports = Poll(backend, kNow);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].key, kKey);
}

TEST_F(KqueueFailure, CloseToleratesFiltersThatAreNotThere) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  for (const int missing : {EVFILT_READ, EVFILT_WRITE}) {
    ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
    const struct kevent change = KqueueChange(
        static_cast<std::uint64_t>(ends.own()), missing, EV_DELETE, 0);
    ASSERT_EQ(
        ScriptedSys::Kevent(backend.PollFd(), &change, 1, nullptr, 0, nullptr),
        0);
    EXPECT_EQ(backend.Close(ends.own(), kKey), 0);
    ends.Send();
    EXPECT_TRUE(Poll(backend, kNow).empty());
  }
}

TEST_F(KqueueFailure, CloseReturnsOtherErrorsAndForgetsTheDescriptor) {
  UserBackend backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends = Ends::Sockets();
  ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
  script().returns[Call::kChange] = {-EBADF, -EBADF, -EBADF};
  EXPECT_EQ(backend.Close(ends.own(), kKey), EBADF);
  EXPECT_EQ(backend.Open(ends.own(), kKey), 0);
  // The second filter's error, when the first is not there.
  script().returns[Call::kChange] = {-ENOENT, -ENOENT, -ENOMEM};
  EXPECT_EQ(backend.Close(ends.own(), kKey), ENOMEM);
  // Of two errors the first.
  EXPECT_EQ(backend.Open(ends.own(), kKey), 0);
  script().returns[Call::kChange] = {-EBADF, -ENOMEM, -EBADF};
  EXPECT_EQ(backend.Close(ends.own(), kKey), ENOMEM);
}

TEST_F(KqueueFailure, CloseAfterTheSystemsCloseSaysSo) {
  Poller<UserBackend> poller;
  ASSERT_EQ(poller.Init(), 0);
  Ends ends = Ends::Sockets();
  const auto opened = poller.Open(ends.own());
  ends.CloseOwn();
  EXPECT_TRUE(poller.Unblock(opened.desc).ready.empty());
  EXPECT_EQ(poller.Close(opened.desc), EBADF);
}

}  // namespace
}  // namespace netpoll::conformance
