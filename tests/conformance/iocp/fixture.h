// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the IOCP backend share: connected sockets, operations on
// them, and a record of what was reported.

#ifndef NETPOLL_TESTS_CONFORMANCE_IOCP_FIXTURE_H_
#define NETPOLL_TESTS_CONFORMANCE_IOCP_FIXTURE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/iocp/iocp_backend.h"
#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/iocp/iocp_calls.h"
#include "netpoll/runtime/iocp/thread_socket.h"

namespace netpoll::conformance {

// More than fits between two of the sockets below.
inline constexpr std::size_t kLarge = std::size_t{1} << 22;

// Two connected TCP sockets with small buffers that don't grow, closed when it
// goes.
class Ends {
 public:
  Ends() {
    const SOCKET listener = SmallSocket();  // Its peer inherits them.
    sockaddr_in address = windows::Loopback(0);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener, generic, sizeof(address)), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    address = windows::Loopback(windows::PortOf(listener));
    own_ = SmallSocket();
    EXPECT_EQ(::connect(own_, generic, sizeof(address)), 0);
    peer_ = ::accept(listener, nullptr, nullptr);
    EXPECT_NE(peer_, INVALID_SOCKET);
    ::closesocket(listener);
  }
  Ends(Ends&& other) noexcept
      : own_(std::exchange(other.own_, INVALID_SOCKET)),
        peer_(std::exchange(other.peer_, INVALID_SOCKET)) {}
  Ends& operator=(Ends&&) = delete;
  ~Ends() {
    CloseOwn();
    ClosePeer();
  }

  SOCKET own() const { return own_; }
  SOCKET peer() const { return peer_; }
  void CloseOwn() { Close(&own_); }
  void ClosePeer() { Close(&peer_); }

  void Send() { EXPECT_EQ(::send(peer_, "x", 1, 0), 1); }
  void ShutDownPeer() { EXPECT_EQ(::shutdown(peer_, SD_SEND), 0); }
  // The peer closes without a farewell.
  void ResetPeer() {
    const linger at_once{1, 0};
    ::setsockopt(peer_, SOL_SOCKET, SO_LINGER,
                 reinterpret_cast<const char*>(&at_once), sizeof(at_once));
    ClosePeer();
  }
  // Reads `size` bytes; the peer is in blocking mode.
  void DrainPeer(std::size_t size) {
    std::vector<char> block(65536);
    while (size != 0) {
      const auto part = static_cast<int>(std::min(size, block.size()));
      const int got = ::recv(peer_, block.data(), part, 0);
      ASSERT_GT(got, 0);
      size -= static_cast<std::size_t>(got);
    }
  }

 private:
  static SOCKET SmallSocket() {
    const SOCKET socket = windows::NewTcpSocket();
    const int size = 1 << 16;
    for (const int which : {SO_SNDBUF, SO_RCVBUF}) {
      EXPECT_EQ(
          ::setsockopt(socket, SOL_SOCKET, which,
                       reinterpret_cast<const char*>(&size), sizeof(size)),
          0);
    }
    return socket;
  }
  static void Close(SOCKET* socket) {
    if (*socket != INVALID_SOCKET) {
      ::closesocket(std::exchange(*socket, INVALID_SOCKET));
    }
  }

  SOCKET own_;
  SOCKET peer_;
};

struct Report {
  EventKey key;
  Mode mode;

  friend bool operator==(const Report&, const Report&) = default;
};

// A sink that writes down what it is told.
struct Recorder {
  std::vector<Report> reports;

  void Ready(EventKey key, Mode mode, EventFlags flags) {
    EXPECT_EQ(flags, EventFlags{});
    reports.push_back({key, mode});
  }
};

// The system's calls, and the port that was made last.
struct SpySys : WindowsSys {
  static HANDLE& port() {
    static HANDLE last = nullptr;
    return last;
  }
  static int CreatePort(HANDLE* made) {
    const int result = WindowsSys::CreatePort(made);
    port() = *made;
    return result;
  }
};

using Backend = IocpBackend<StdEnv, SpySys>;

// An operation of one direction of an open descriptor, and its buffer.
class Call {
 public:
  Call(Backend& backend, Fd fd, EventKey key, Mode direction)
      : backend_(backend),
        fd_(fd),
        operation_(backend.NewOperation(key, direction)),
        buffer_(kLarge) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() { backend_.FreeOperation(operation_); }

  IocpStarted Receive() {
    return IocpReceive(backend_, fd_, operation_, buffer_.data(),
                       buffer_.size());
  }
  IocpStarted Send(std::size_t size = kLarge) {
    return IocpSend(backend_, fd_, operation_, buffer_.data(), size);
  }
  // Sends until a send is under way; how much was sent, with that one.
  std::size_t SendUntilPending() {
    std::size_t sent = 0;
    IocpStarted started;
    do {
      started = Send();
      EXPECT_EQ(started.result.status.error_number(), 0);
      sent += started.pending ? buffer_.size() : started.result.bytes;
    } while (!started.pending);
    return sent;
  }
  void Cancel() { backend_.Cancel(fd_, operation_); }
  bool done() const { return operation_->done(); }
  // After the report.
  IoResult Finish(PollError asked = PollError::kNone) {
    return IocpFinish(backend_, fd_, operation_, asked);
  }
  Backend::Operation* operation() { return operation_; }

 private:
  Backend& backend_;
  Fd fd_;
  Backend::Operation* operation_;
  std::vector<char> buffer_;
};

class IocpFixture : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(backend_.Init(), 0); }

  // Keys that use all the bits a backend may be tempted to drop.
  static EventKey Key(std::uint32_t number) {
    return EventKey::ForSlot(EventKey::kMaxIndex - number,
                             0xffff'ffffu - number);
  }

  std::vector<Report> Poll(Delta delta) {
    Recorder recorder;
    backend_.Poll(delta, recorder);
    return recorder.reports;
  }
  // All that is pending.
  std::vector<Report> TakeAll() {
    std::vector<Report> all;
    for (;;) {
      const std::vector<Report> some = Poll(Delta::NonBlocking());
      if (some.empty()) return all;
      all.insert(all.end(), some.begin(), some.end());
    }
  }

  windows::Winsock winsock_;
  Backend backend_;
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_IOCP_FIXTURE_H_
