// SPDX-License-Identifier: Apache-2.0
//
// Every system call of the IOCP backend fails: the failure is returned,
// absorbed, or stops the process with one sentence.
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/iocp/iocp_backend.h"
#include "netpoll/backends/iocp/windows_errors.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poller.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/iocp/iocp_calls.h"
#include "netpoll/tests/conformance/iocp/fixture.h"
#include "netpoll/tests/conformance/iocp/scripted_sys.h"

namespace netpoll::conformance {
namespace {

using Failing = IocpBackend<StdEnv, ScriptedSys>;
using std::chrono::nanoseconds;

class IocpFailure : public ::testing::Test {
 protected:
  void SetUp() override { script() = Script{}; }

  static Script& script() { return ScriptedSys::script(); }
  static int Count(SysCall call) { return script().count[call]; }

  static std::size_t Poll(Failing& backend, Delta delta) {
    Recorder recorder;
    backend.Poll(delta, recorder);
    return recorder.reports.size();
  }

  windows::Winsock winsock_;
};
using IocpFailureDeathTest = IocpFailure;

constexpr EventKey kKey = EventKey::ForSlot(3, 4);

TEST_F(IocpFailure, InitReturnsTheErrorAndLeavesNothing) {
  script().returns[SysCall::kCreatePort] = {-ERROR_NOT_ENOUGH_MEMORY,
                                            -ERROR_NO_SYSTEM_RESOURCES};
  for (int i = 0; i < 2; ++i) {
    Failing backend;
    EXPECT_EQ(backend.Init(), ENOMEM);
  }
}

TEST_F(IocpFailure, OpenReturnsTheErrorAndTheSlotIsUsedAgain) {
  Poller<Failing> poller;
  ASSERT_EQ(poller.Init(), 0);
  Ends ends;
  const struct {
    SysCall call;
    int error;
    int as_errno;
  } kCases[] = {
      {SysCall::kFileType, ERROR_INVALID_HANDLE, EBADF},
      {SysCall::kIsSynchronous, ERROR_ACCESS_DENIED, EACCES},
      {SysCall::kIsSystemSocket, WSAENOTSOCK, ENOTSOCK},
      {SysCall::kIsSystemSocket, WSANOTINITIALISED, ENODEV},
      {SysCall::kSkipOnSuccess, ERROR_NOT_SUPPORTED, EOPNOTSUPP},
      {SysCall::kAssociate, ERROR_INVALID_HANDLE, EBADF},
      {SysCall::kAssociate, ERROR_INVALID_PARAMETER, EEXIST},
      {SysCall::kAssociate, ERROR_NOT_ENOUGH_MEMORY, ENOMEM},
      {SysCall::kAssociate, 99999, EIO},
  };
  for (const auto& c : kCases) {
    script().returns[c.call] = {-c.error};
    const auto opened = poller.Open(ends.own());
    EXPECT_EQ(opened.error, c.as_errno) << c.error;
    EXPECT_EQ(opened.desc, nullptr);
  }
  const auto opened = poller.Open(ends.own());
  ASSERT_EQ(opened.error, 0);
  EXPECT_EQ(opened.desc->index(), 0u);
  EXPECT_TRUE(poller.Unblock(opened.desc).ready.empty());
  EXPECT_EQ(poller.Close(opened.desc), 0);
}

TEST_F(IocpFailure, ASocketOfALayeredProviderIsRefused) {
  Ends ends;
  script().returns[SysCall::kIsSystemSocket] = {0};
  EXPECT_EQ(Failing::CheckPollable(ends.own()), EOPNOTSUPP);
  EXPECT_EQ(Failing::CheckPollable(ends.own()), 0);
}

// Each call that begins an operation and fails leaves it free for the next.
TEST_F(IocpFailure, AnOperationThatDoesNotBeginReturnsTheError) {
  Failing backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends;
  ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
  auto* const operation = backend.NewOperation(kKey, Mode::kRead);
  char buffer[8];
  IocpAcceptBuffer addresses;
  IocpAddress sender;
  const sockaddr_in address = windows::Loopback(1);
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  const struct {
    int error;
    int as_errno;
  } kErrors[] = {{WSAECONNRESET, ECONNRESET},
                 {WSAENOTCONN, ENOTCONN},
                 {WSAENOBUFS, ENOBUFS},
                 {WSAESHUTDOWN, EPIPE},
                 {12345, EIO}};
  const auto expect = [&](const IocpStarted& started, int as_errno) {
    EXPECT_FALSE(started.pending);
    EXPECT_EQ(started.result.status.error_number(), as_errno);
    EXPECT_FALSE(operation->in_flight());
  };
  for (const auto& e : kErrors) {
    for (const SysCall call :
         {SysCall::kReceive, SysCall::kSend, SysCall::kReceiveFrom,
          SysCall::kSendTo, SysCall::kAccept, SysCall::kConnect}) {
      script().returns[call] = {-e.error};
    }
    script().returns[SysCall::kBind] = {0};
    expect(IocpReceive(backend, ends.own(), operation, buffer, 8), e.as_errno);
    expect(IocpSend(backend, ends.own(), operation, buffer, 8), e.as_errno);
    expect(IocpReceiveFrom(backend, ends.own(), operation, buffer, 8, &sender),
           e.as_errno);
    expect(IocpSendTo(backend, ends.own(), operation, buffer, 8, generic,
                      sizeof(address)),
           e.as_errno);
    expect(IocpAccept(backend, ends.own(), operation, ends.peer(), &addresses),
           e.as_errno);
    expect(
        IocpConnect(backend, ends.own(), operation, generic, sizeof(address)),
        e.as_errno);
  }
  EXPECT_EQ(Poll(backend, Delta::NonBlocking()), 0u);
  backend.FreeOperation(operation);
}

TEST_F(IocpFailure, ABindThatFailsIsTheErrorOfConnect) {
  Failing backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends;
  auto* const operation = backend.NewOperation(kKey, Mode::kWrite);
  const sockaddr_in address = windows::Loopback(1);
  const auto connect = [&] {
    return IocpConnect(backend, ends.own(), operation,
                       reinterpret_cast<const sockaddr*>(&address),
                       sizeof(address))
        .result.status.error_number();
  };
  script().returns[SysCall::kBind] = {-WSAEADDRINUSE, -WSAEINVAL};
  script().returns[SysCall::kConnect] = {-WSAECONNREFUSED};
  EXPECT_EQ(connect(), EADDRINUSE);
  EXPECT_EQ(Count(SysCall::kConnect), 0);
  // Bound already: as good.
  EXPECT_EQ(connect(), ECONNREFUSED);
  backend.FreeOperation(operation);
}

TEST_F(IocpFailure, TheLastStepsReturnTheirErrors) {
  Failing backend;
  script().returns[SysCall::kFinishAccept] = {-WSAENOTCONN, 0};
  script().returns[SysCall::kFinishConnect] = {-WSAENOTCONN, 0};
  EXPECT_EQ(IocpFinishAccept(backend, 0, 0), ENOTCONN);
  EXPECT_EQ(IocpFinishAccept(backend, 0, 0), 0);
  EXPECT_EQ(IocpFinishConnect(backend, 0), ENOTCONN);
  EXPECT_EQ(IocpFinishConnect(backend, 0), 0);
}

// Row E11 and its kin: however it ended, its waiter learns of it.
TEST_F(IocpFailure, TheErrorOfAnOperationThatEndedIsItsResult) {
  Failing backend;
  ASSERT_EQ(backend.Init(), 0);
  Ends ends;
  ASSERT_EQ(backend.Open(ends.own(), kKey), 0);
  auto* const operation = backend.NewOperation(kKey, Mode::kRead);
  const struct {
    int error;
    PollError asked;
    IoResult result;
  } kCases[] = {
      {WSAECONNRESET,
       PollError::kNone,
       {.status = IoStatus::FromErrno(ECONNRESET)}},
      {WSAECONNRESET,
       PollError::kTimeout,
       {.status = IoStatus::FromErrno(ECONNRESET)}},
      {WSA_OPERATION_ABORTED,
       PollError::kNone,
       {.status = IoStatus::FromErrno(ECANCELED)}},
      {WSA_OPERATION_ABORTED,
       PollError::kTimeout,
       {.status = IoStatus::FromPoll(PollError::kTimeout)}},
      {WSA_OPERATION_ABORTED,
       PollError::kClosing,
       {.status = IoStatus::FromPoll(PollError::kClosing)}},
      {0, PollError::kClosing, {.bytes = 1}},
  };
  for (const auto& c : kCases) {
    char byte;
    ASSERT_TRUE(IocpReceive(backend, ends.own(), operation, &byte, 1).pending);
    ends.Send();
    EXPECT_EQ(Poll(backend, Delta::Forever()), 1u);
    script().returns[SysCall::kOutcome] = {-c.error};
    const IoResult result = IocpFinish(backend, ends.own(), operation, c.asked);
    EXPECT_EQ(result.status, c.result.status);
    EXPECT_EQ(result.bytes, c.result.bytes);
  }
  backend.FreeOperation(operation);
}

// It ended just before: its packet is on the way.
TEST_F(IocpFailure, NothingToCancelIsNoFailure) {
  Failing backend;
  ASSERT_EQ(backend.Init(), 0);
  auto* const operation = backend.NewOperation(kKey, Mode::kRead);
  script().returns[SysCall::kCancel] = {-ERROR_NOT_FOUND};
  backend.Cancel(0, operation);
  backend.FreeOperation(operation);
}

TEST_F(IocpFailure, TheEndOfTheTimeIsNoFailure) {
  Failing backend;
  ASSERT_EQ(backend.Init(), 0);
  script().returns[SysCall::kDequeue] = {-WAIT_TIMEOUT};
  EXPECT_EQ(Poll(backend, Delta::Forever()), 0u);
}

// Row K16.
TEST_F(IocpFailure, TheLimitIsRoundedUpToMilliseconds) {
  Failing backend;
  ASSERT_EQ(backend.Init(), 0);
  const struct {
    Delta delta;
    DWORD millis;
  } kCases[] = {{Delta::NonBlocking(), 0},
                {Delta::Forever(), INFINITE},
                {Delta::AtMost(nanoseconds(1)), 1},
                {Delta::AtMost(nanoseconds(999'999)), 1},
                {Delta::AtMost(nanoseconds(1'000'000)), 1},
                {Delta::AtMost(nanoseconds(1'000'001)), 2},
                {Delta::AtMost(nanoseconds(2'500'000)), 3},
                {Delta::AtMost(nanoseconds(INT64_MAX - 1)), INT_MAX}};
  for (const auto& c : kCases) {
    script() = Script{};
    script().returns[SysCall::kDequeue] = {-WAIT_TIMEOUT};
    Poll(backend, c.delta);
    EXPECT_EQ(script().waited_millis, std::vector<DWORD>{c.millis});
  }
}

// Row K6, by the calls.
TEST_F(IocpFailure, ManyBreaksCostOneCallAndANonBlockingPollOneMore) {
  Failing backend;
  ASSERT_EQ(backend.Init(), 0);
  for (int i = 0; i < 1000; ++i) backend.Break();
  EXPECT_EQ(Count(SysCall::kPost), 1);
  Poll(backend, Delta::NonBlocking());
  EXPECT_EQ(Count(SysCall::kPost), 2);
  Poll(backend, Delta::Forever());
  EXPECT_EQ(Count(SysCall::kPost), 2);
  backend.Break();
  EXPECT_EQ(Count(SysCall::kPost), 3);
}

TEST_F(IocpFailureDeathTest, APollerThatStopsWorkingStopsTheProcess) {
  for (const int error : {ERROR_INVALID_HANDLE, ERROR_ABANDONED_WAIT_0}) {
    EXPECT_DEATH(
        {
          Failing backend;
          backend.Init();
          script().returns[SysCall::kDequeue] = {-error};
          Poll(backend, Delta::Forever());
        },
        "netpoll: GetQueuedCompletionStatusEx on the poller's own port failed");
  }
}

TEST_F(IocpFailureDeathTest, AWakeUpThatStopsWorkingStopsTheProcess) {
  EXPECT_DEATH(
      {
        Failing backend;
        backend.Init();
        script().returns[SysCall::kPost] = {-ERROR_INVALID_HANDLE};
        backend.Break();
      },
      "netpoll: PostQueuedCompletionStatus on the poller's own port failed");
  EXPECT_DEATH(
      {
        Failing backend;
        backend.Init();
        backend.Break();
        script().returns[SysCall::kPost] = {-ERROR_NOT_ENOUGH_MEMORY};
        Poll(backend, Delta::NonBlocking());
      },
      "netpoll: PostQueuedCompletionStatus on the poller's own port failed");
}

// Somebody closed the socket: the wait might never end.
TEST_F(IocpFailureDeathTest, ACancellationThatFailsStopsTheProcess) {
  EXPECT_DEATH(
      {
        Failing backend;
        backend.Init();
        script().returns[SysCall::kCancel] = {-ERROR_INVALID_HANDLE};
        backend.Cancel(0, backend.NewOperation(kKey, Mode::kRead));
      },
      "netpoll: CancelIoEx on a socket with an operation under way failed");
}

}  // namespace
}  // namespace netpoll::conformance
