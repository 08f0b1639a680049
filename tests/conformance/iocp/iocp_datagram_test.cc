// SPDX-License-Identifier: Apache-2.0
//
// Datagrams through the IOCP backend.
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/iocp/iocp_calls.h"
#include "netpoll/runtime/iocp/thread_socket.h"
#include "netpoll/tests/conformance/iocp/fixture.h"

namespace netpoll::conformance {
namespace {

using Reports = std::vector<Report>;

class IocpDatagram : public IocpFixture {
 protected:
  void SetUp() override {
    IocpFixture::SetUp();
    for (SOCKET* const socket : {&own_, &peer_}) {
      *socket = ::WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0,
                             WSA_FLAG_OVERLAPPED);
      const sockaddr_in any = windows::Loopback(0);
      ASSERT_EQ(
          ::bind(*socket, reinterpret_cast<const sockaddr*>(&any), sizeof(any)),
          0);
    }
    ASSERT_EQ(Backend::CheckPollable(own_), 0);
    ASSERT_EQ(backend_.Open(own_, Key(1)), 0);
    operation_ = backend_.NewOperation(Key(1), Mode::kRead);
    sending_ = backend_.NewOperation(Key(1), Mode::kWrite);
  }
  void TearDown() override {
    backend_.FreeOperation(operation_);
    backend_.FreeOperation(sending_);
    ::closesocket(own_);
    ::closesocket(peer_);
  }

  void PeerSends(const std::string& text) {
    const sockaddr_in to = windows::Loopback(windows::PortOf(own_));
    EXPECT_EQ(::sendto(peer_, text.data(), static_cast<int>(text.size()), 0,
                       reinterpret_cast<const sockaddr*>(&to), sizeof(to)),
              static_cast<int>(text.size()));
  }

  IocpStarted Receive() {
    return IocpReceiveFrom(backend_, own_, operation_, buffer_, sizeof(buffer_),
                           &from_);
  }

  SOCKET own_ = INVALID_SOCKET;
  SOCKET peer_ = INVALID_SOCKET;
  Backend::Operation* operation_ = nullptr;
  Backend::Operation* sending_ = nullptr;
  char buffer_[8];
  IocpAddress from_;
};

TEST_F(IocpDatagram, AReceiveSaysWhereTheDatagramCameFrom) {
  ASSERT_TRUE(Receive().pending);
  EXPECT_TRUE(TakeAll().empty());
  PeerSends("hello");
  EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kRead}}));
  const IoResult result =
      IocpFinish(backend_, own_, operation_, PollError::kNone);
  EXPECT_EQ(std::string(buffer_, result.bytes), "hello");
  ASSERT_EQ(from_.size, static_cast<int>(sizeof(sockaddr_in)));
  const auto* const from = reinterpret_cast<sockaddr_in*>(&from_.address);
  EXPECT_EQ(ntohs(from->sin_port), windows::PortOf(peer_));
}

TEST_F(IocpDatagram, ADatagramLongerThanTheBufferIsAnError) {
  ASSERT_TRUE(Receive().pending);
  PeerSends("a long datagram");
  EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kRead}}));
  EXPECT_EQ(IocpFinish(backend_, own_, operation_, PollError::kNone)
                .status.error_number(),
            EMSGSIZE);
  EXPECT_EQ(std::string(buffer_, sizeof(buffer_)), "a long d");
  // The next is the next one.
  ASSERT_TRUE(Receive().pending);
  PeerSends("next");
  EXPECT_EQ(Poll(Delta::Forever()).size(), 1u);
  EXPECT_EQ(IocpFinish(backend_, own_, operation_, PollError::kNone).bytes, 4u);
}

TEST_F(IocpDatagram, ASendGoesWhereItIsSaid) {
  const sockaddr_in to = windows::Loopback(windows::PortOf(peer_));
  const IocpStarted started =
      IocpSendTo(backend_, own_, sending_, "hi", 2,
                 reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  IoResult result = started.result;
  if (started.pending) {
    EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kWrite}}));
    result = IocpFinish(backend_, own_, sending_, PollError::kNone);
  }
  EXPECT_EQ(result.bytes, 2u);
  EXPECT_EQ(::recv(peer_, buffer_, sizeof(buffer_), 0), 2);
  EXPECT_EQ(std::string(buffer_, 2), "hi");
}

TEST_F(IocpDatagram, ACancelledReceiveTakesNoDatagram) {
  ASSERT_TRUE(Receive().pending);
  backend_.Cancel(own_, operation_);
  EXPECT_EQ(Poll(Delta::Forever()), (Reports{{Key(1), Mode::kRead}}));
  EXPECT_EQ(IocpFinish(backend_, own_, operation_, PollError::kTimeout)
                .status.poll_error(),
            PollError::kTimeout);
  ASSERT_TRUE(Receive().pending);
  PeerSends("kept");
  EXPECT_EQ(Poll(Delta::Forever()).size(), 1u);
  EXPECT_EQ(IocpFinish(backend_, own_, operation_, PollError::kNone).bytes, 4u);
}

}  // namespace
}  // namespace netpoll::conformance
