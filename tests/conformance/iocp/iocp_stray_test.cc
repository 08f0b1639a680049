// SPDX-License-Identifier: Apache-2.0
//
// A packet belongs to one call: what the system posts for a call that has ended
// ends no other call, whose buffer is the system's.
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/iocp/iocp_backend.h"
#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/iocp/iocp_calls.h"
#include "netpoll/tests/conformance/iocp/fixture.h"
#include "netpoll/tests/conformance/iocp/scripted_sys.h"

namespace netpoll::conformance {
namespace {

using Scripted = IocpBackend<StdEnv, ScriptedSys>;
constexpr EventKey kKey = EventKey::ForSlot(3, 4);

class IocpStray : public ::testing::Test {
 protected:
  void SetUp() override {
    script() = Script{};
    ASSERT_EQ(backend_.Init(), 0);
    for (SOCKET* const socket : {&own_, &peer_}) {
      *socket = ::WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0,
                             WSA_FLAG_OVERLAPPED);
      const sockaddr_in any = windows::Loopback(0);
      ASSERT_EQ(
          ::bind(*socket, reinterpret_cast<const sockaddr*>(&any), sizeof(any)),
          0);
    }
  }
  void TearDown() override {
    if (operation_ != nullptr) backend_.FreeOperation(operation_);
    ::closesocket(own_);
    ::closesocket(peer_);
  }

  static Script& script() { return ScriptedSys::script(); }

  void OpenDatagrams() {
    ASSERT_EQ(backend_.Open(own_, kKey), 0);
    operation_ = backend_.NewOperation(kKey, Mode::kRead);
  }
  void OpenStream() {
    ASSERT_EQ(backend_.Open(ends_.own(), kKey), 0);
    operation_ = backend_.NewOperation(kKey, Mode::kRead);
  }

  IocpStarted ReceiveDatagram() {
    return IocpReceiveFrom(backend_, own_, operation_, buffer_, sizeof(buffer_),
                           &from_);
  }
  IocpStarted Receive() {
    return IocpReceive(backend_, ends_.own(), operation_, buffer_,
                       sizeof(buffer_));
  }
  void PeerSends(const std::string& text) {
    const sockaddr_in to = windows::Loopback(windows::PortOf(own_));
    EXPECT_EQ(::sendto(peer_, text.data(), static_cast<int>(text.size()), 0,
                       reinterpret_cast<const sockaddr*>(&to), sizeof(to)),
              static_cast<int>(text.size()));
  }

  // The system posts a packet of the call with that OVERLAPPED.
  void Post(OVERLAPPED* overlapped, DWORD bytes = 1) {
    ASSERT_TRUE(::PostQueuedCompletionStatus(ScriptedSys::port, bytes,
                                             kKey.bits(), overlapped));
  }

  std::size_t Poll(Delta delta = Delta::NonBlocking()) {
    Recorder recorder;
    backend_.Poll(delta, recorder);
    return recorder.reports.size();
  }
  IoResult Finish(Fd fd, PollError asked = PollError::kNone) {
    return IocpFinish(backend_, fd, operation_, asked);
  }
  // The call under way is the system's still, and then ends as it should.
  void ExpectTheNextDatagramIsWhole() {
    EXPECT_EQ(Poll(), 0u);
    EXPECT_TRUE(operation_->in_flight());
    PeerSends("next");
    EXPECT_EQ(Poll(Delta::Forever()), 1u);
    const IoResult result = Finish(own_);
    EXPECT_EQ(result.status.error_number(), 0);
    EXPECT_EQ(std::string(buffer_, result.bytes), "next");
  }

  windows::Winsock winsock_;
  Scripted backend_;
  Ends ends_;
  SOCKET own_ = INVALID_SOCKET;
  SOCKET peer_ = INVALID_SOCKET;
  Scripted::Operation* operation_ = nullptr;
  char buffer_[8] = {};
  IocpAddress from_;
};
using IocpStrayDeathTest = IocpStray;

TEST_F(IocpStray, OnlyStreamsLeavePacketsOut) {
  OpenDatagrams();
  EXPECT_EQ(script().count[SysCall::kSkipOnSuccess], 0);
  ASSERT_EQ(backend_.Open(ends_.own(), EventKey::ForSlot(4, 4)), 0);
  EXPECT_EQ(script().count[SysCall::kSkipOnSuccess], 1);
}

TEST_F(IocpStray, ADatagramThatWasThereEndsByItsPacket) {
  OpenDatagrams();
  for (int i = 0; i < 10; ++i) {
    PeerSends("there");
    char byte;
    ASSERT_EQ(::recv(own_, &byte, 1, MSG_PEEK), SOCKET_ERROR);  // Too long.
    ASSERT_TRUE(ReceiveDatagram().pending);
    EXPECT_EQ(Poll(Delta::Forever()), 1u);
    const IoResult result = Finish(own_);
    EXPECT_EQ(std::string(buffer_, result.bytes), "there");
    EXPECT_EQ(Poll(), 0u);
  }
}

// Through the calls for streams, too: a datagram socket that is connected.
TEST_F(IocpStray, SoDoOnesThroughTheCallsOfStreams) {
  OpenDatagrams();
  const sockaddr_in to = windows::Loopback(windows::PortOf(peer_));
  ASSERT_EQ(::connect(own_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)),
            0);
  PeerSends("there");
  char byte;
  ASSERT_EQ(::recv(own_, &byte, 1, MSG_PEEK), SOCKET_ERROR);
  ASSERT_TRUE(IocpReceive(backend_, own_, operation_, buffer_, sizeof(buffer_))
                  .pending);
  EXPECT_EQ(Poll(Delta::Forever()), 1u);
  EXPECT_EQ(Finish(own_).bytes, 5u);
  ASSERT_TRUE(IocpSend(backend_, own_, operation_, "hi", 2).pending);
  EXPECT_EQ(Poll(Delta::Forever()), 1u);
  EXPECT_EQ(Finish(own_).bytes, 2u);
}

// As the system here does it.
TEST_F(IocpStray, ADatagramThatWasThereAndIsTooLong) {
  OpenDatagrams();
  for (int i = 0; i < 10; ++i) {
    PeerSends("a long datagram");
    char byte;
    ASSERT_EQ(::recv(own_, &byte, 1, MSG_PEEK), SOCKET_ERROR);
    ASSERT_TRUE(ReceiveDatagram().pending);
    EXPECT_EQ(Poll(Delta::Forever()), 1u);
    EXPECT_EQ(Finish(own_).status.error_number(), EMSGSIZE);
    EXPECT_EQ(std::string(buffer_, sizeof(buffer_)), "a long d");
  }
  ASSERT_TRUE(ReceiveDatagram().pending);
  ExpectTheNextDatagramIsWhole();
}

// With a packet of the system's behind it, before ours or after; or none.
TEST_F(IocpStray, TooLongAtOnceAndAPacketIsOneEnd) {
  OpenDatagrams();
  for (const int error : {int{WSAEMSGSIZE}, int{ERROR_MORE_DATA}}) {
    for (int packets = 0; packets < 3; ++packets) {
      script().returns[SysCall::kReceiveFrom] = {-error};
      ASSERT_TRUE(ReceiveDatagram().pending);
      OVERLAPPED* const call = operation_->overlapped();
      for (int i = 0; i < packets; ++i) Post(call);
      EXPECT_EQ(Poll(Delta::Forever()), 1u);
      ASSERT_TRUE(operation_->done());
      EXPECT_EQ(Finish(own_).status.error_number(),
                error == WSAEMSGSIZE ? EMSGSIZE : EIO);
      // And one that comes late.
      ASSERT_TRUE(ReceiveDatagram().pending);
      Post(call);
      ExpectTheNextDatagramIsWhole();
    }
  }
}

// Whoever reads on without looking at the packets in between does not run into
// them either: each call waits for its own.
TEST_F(IocpStray, ManyTooLongOnesEachWithAPacket) {
  OpenDatagrams();
  for (int i = 0; i < 20; ++i) {
    script().returns[SysCall::kReceiveFrom] = {i % 3 == 2 ? -WSAECONNRESET
                                                          : -WSAEMSGSIZE};
    ASSERT_TRUE(ReceiveDatagram().pending);
    if (i % 3 == 0) Post(operation_->overlapped());
    EXPECT_EQ(Poll(Delta::Forever()), 1u);
    EXPECT_EQ(Finish(own_).status.error_number(),
              i % 3 == 2 ? ECONNRESET : EMSGSIZE);
  }
  ASSERT_TRUE(ReceiveDatagram().pending);
  ExpectTheNextDatagramIsWhole();
}

TEST_F(IocpStray, AnErrorThatWasToldAtOnceWinsOverACancellation) {
  OpenDatagrams();
  script().returns[SysCall::kReceiveFrom] = {-WSAEMSGSIZE};
  ASSERT_TRUE(ReceiveDatagram().pending);
  backend_.Cancel(own_, operation_);
  EXPECT_EQ(Poll(Delta::Forever()), 1u);
  const IoResult result = Finish(own_, PollError::kTimeout);
  EXPECT_EQ(result.status.error_number(), EMSGSIZE);
  EXPECT_EQ(result.status.poll_error(), PollError::kNone);
  // It is not the next call's.
  ASSERT_TRUE(ReceiveDatagram().pending);
  ExpectTheNextDatagramIsWhole();
}

TEST_F(IocpStray, APortThatTakesNoPacketLeavesTheErrorToTheCaller) {
  OpenDatagrams();
  script().returns[SysCall::kReceiveFrom] = {-WSAEMSGSIZE};
  script().returns[SysCall::kPostFor] = {-ERROR_NO_SYSTEM_RESOURCES};
  const IocpStarted started = ReceiveDatagram();
  EXPECT_FALSE(started.pending);
  EXPECT_EQ(started.result.status.error_number(), EMSGSIZE);
  EXPECT_FALSE(operation_->in_flight());
  ASSERT_TRUE(ReceiveDatagram().pending);
  ExpectTheNextDatagramIsWhole();
}

// A provider that posts though it was told not to.
TEST_F(IocpStray, SuccessAtOnceAndAPacketIsNotTheNextOnesEnd) {
  OpenStream();
  std::vector<OVERLAPPED*> calls;
  for (int i = 0; i < 3; ++i) {
    script().returns[SysCall::kReceive] = {i + 1};
    const IocpStarted started = Receive();
    EXPECT_FALSE(started.pending);
    EXPECT_EQ(started.result.bytes, static_cast<std::uint32_t>(i + 1));
    calls.push_back(operation_->overlapped());
  }
  Post(calls[0]);
  ASSERT_TRUE(Receive().pending);
  for (OVERLAPPED* const call : calls) Post(call, 7);
  EXPECT_EQ(Poll(), 0u);
  EXPECT_TRUE(operation_->in_flight());
  ends_.Send();
  EXPECT_EQ(Poll(Delta::Forever()), 1u);
  EXPECT_EQ(Finish(ends_.own()).bytes, 1u);
}

TEST_F(IocpStray, APacketAfterACancellationIsNotTheNextOnesEnd) {
  OpenStream();
  ASSERT_TRUE(Receive().pending);
  OVERLAPPED* const call = operation_->overlapped();
  backend_.Cancel(ends_.own(), operation_);
  EXPECT_EQ(Poll(Delta::Forever()), 1u);
  EXPECT_EQ(Finish(ends_.own(), PollError::kTimeout).status.poll_error(),
            PollError::kTimeout);
  Post(call);
  EXPECT_EQ(Poll(), 0u);
  ASSERT_TRUE(Receive().pending);
  Post(call);
  EXPECT_EQ(Poll(), 0u);
  EXPECT_TRUE(operation_->in_flight());
  ends_.Send();
  EXPECT_EQ(Poll(Delta::Forever()), 1u);
  EXPECT_EQ(Finish(ends_.own()).bytes, 1u);
}

TEST_F(IocpStray, OfTwoPacketsTheFirstCounts) {
  OpenStream();
  ASSERT_TRUE(Receive().pending);
  Post(operation_->overlapped(), 3);
  Post(operation_->overlapped(), 4);
  EXPECT_EQ(Poll(Delta::Forever()), 1u);
  EXPECT_EQ(Poll(), 0u);
  script().returns[SysCall::kOutcome] = {1000};
  EXPECT_EQ(operation_->Take(), 3u);
  backend_.Cancel(ends_.own(), operation_);
}

// Another operation of the descriptor, with the same key.
TEST_F(IocpStray, APacketOfALifeBeforeIsDropped) {
  OpenStream();
  script().returns[SysCall::kReceive] = {1};
  EXPECT_FALSE(Receive().pending);
  OVERLAPPED* const call = operation_->overlapped();
  auto* const before = operation_;
  backend_.FreeOperation(operation_);
  operation_ = backend_.NewOperation(kKey, Mode::kRead);
  ASSERT_EQ(operation_, before);
  ASSERT_TRUE(Receive().pending);
  Post(call);
  EXPECT_EQ(Poll(), 0u);
  EXPECT_TRUE(operation_->in_flight());
  ends_.Send();
  EXPECT_EQ(Poll(Delta::Forever()), 1u);
  EXPECT_EQ(Finish(ends_.own()).bytes, 1u);
}

// Two threads look at the packets of calls that end at once, while the owner
// goes on: whatever they find, the owner's calls are its own.
TEST_F(IocpStray, StrayPacketsBesideTheirCalls) {
  using Operation = Scripted::Operation;
  Operation operation(0);
  operation.Assign(kKey, Mode::kRead);
  std::atomic<bool> stop = false;
  std::atomic<int> completed = 0;
  std::vector<std::thread> pollers;
  for (int i = 0; i < 2; ++i) {
    pollers.emplace_back([&] {
      for (std::uint32_t call = 0; !stop; ++call) {
        if (operation.Complete(kKey, call % Operation::kCalls, 5)) ++completed;
      }
    });
  }
  int taken = 0;
  for (int i = 0; i < 100'000; ++i) {
    operation.Begin();
    if (i % 2 == 0) {
      operation.Abandon();
      continue;
    }
    while (!operation.done()) {
    }
    EXPECT_EQ(operation.Take(), 5u);
    ++taken;
  }
  stop = true;
  for (std::thread& poller : pollers) poller.join();
  EXPECT_EQ(taken, 50'000);
  EXPECT_GE(completed, taken);
}

TEST_F(IocpStrayDeathTest, AnOperationOfDatagramsIsNotBegunBeforeItsPacket) {
  EXPECT_DEATH(
      {
        OpenDatagrams();
        script().returns[SysCall::kReceiveFrom] = {-WSAEMSGSIZE};
        ReceiveDatagram();
        ReceiveDatagram();
      },
      "netpoll: an operation was begun before the last one had ended");
}

TEST_F(IocpStray, TheKindOfASocketThatCannotBeToldIsAnError) {
  script().returns[SysCall::kSocketType] = {-WSAENETDOWN, SOCK_STREAM,
                                            -WSAENETDOWN};
  EXPECT_EQ(backend_.Open(ends_.own(), kKey), ENETDOWN);
  OpenStream();
  EXPECT_EQ(Receive().result.status.error_number(), ENETDOWN);
  EXPECT_FALSE(operation_->in_flight());
  ASSERT_TRUE(Receive().pending);
  ends_.Send();
  EXPECT_EQ(Poll(Delta::Forever()), 1u);
  EXPECT_EQ(Finish(ends_.own()).bytes, 1u);
}

TEST_F(IocpStray, TheKindOfASocketIsAskedAnewInTheNextLife) {
  OpenStream();
  script().returns[SysCall::kReceive] = {1};
  EXPECT_FALSE(Receive().pending);
  auto* const before = operation_;
  backend_.FreeOperation(operation_);
  OpenDatagrams();
  ASSERT_EQ(operation_, before);
  PeerSends("there");
  char byte;
  ASSERT_EQ(::recv(own_, &byte, 1, MSG_PEEK), SOCKET_ERROR);
  ASSERT_TRUE(ReceiveDatagram().pending);
  EXPECT_EQ(Poll(Delta::Forever()), 1u);
  EXPECT_EQ(Finish(own_).bytes, 5u);
}

// Asked once, however many calls there are.
TEST_F(IocpStray, TheKindOfASocketIsAskedOnceForEachOperation) {
  OpenStream();
  const int before = script().count[SysCall::kSocketType];
  script().returns[SysCall::kReceive] = {1, 1, 1};
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(Receive().pending);
  EXPECT_EQ(script().count[SysCall::kSocketType], before + 1);
}

}  // namespace
}  // namespace netpoll::conformance
