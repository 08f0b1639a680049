// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the IOCP backend share, and the fixture on which it passes
// the portable clauses: connected sockets, and operations on them.

#ifndef NETPOLL_TESTS_CONFORMANCE_IOCP_FIXTURE_H_
#define NETPOLL_TESTS_CONFORMANCE_IOCP_FIXTURE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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
#include "netpoll/tests/conformance/clause.h"

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
  // Or the reset that unread bytes make of it.
  bool PeerSeesTheEnd() const {
    char byte;
    const int got = ::recv(peer_, &byte, 1, 0);
    return got == 0 || (got < 0 && ::WSAGetLastError() == WSAECONNRESET);
  }
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
  Fd fd() const { return fd_; }
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

// What clause.h asks of a fixture. A direction is reported when a call in it
// has ended, so a receive is under way on whatever the clauses opened.
template <>
class Fixture<Backend> : public ::testing::Test {
 protected:
  using Ends = conformance::Ends;
  static constexpr bool kReportsReadiness = false;
  static constexpr Fd kNoDescriptor = INVALID_SOCKET;

  // Another handle of own().
  class Duplicate {
   public:
    explicit Duplicate(const Ends& ends) {
      EXPECT_TRUE(::DuplicateHandle(
          ::GetCurrentProcess(), SpySys::ToHandle(ends.own()),
          ::GetCurrentProcess(), &handle_, 0, FALSE, DUPLICATE_SAME_ACCESS));
    }
    Duplicate(const Duplicate&) = delete;
    Duplicate& operator=(const Duplicate&) = delete;
    ~Duplicate() { ::CloseHandle(handle_); }

   private:
    HANDLE handle_ = nullptr;
  };

  void SetUp() override { ASSERT_EQ(backend_.Init(), 0); }
  // What is still under way ends before its memory goes.
  void TearDown() override {
    for (auto& [key, call] : calls_) End(*call);
    calls_.clear();
  }

  static EventKey Key(std::uint32_t number) { return KeyOf(number); }
  static Ends Pair() { return Ends(); }
  static Ends ToRead() { return Ends(); }
  // How many there are is all that the system says.
  static DWORD OpenDescriptors() {
    DWORD count = 0;
    EXPECT_TRUE(::GetProcessHandleCount(::GetCurrentProcess(), &count));
    return count;
  }
  // The port that `act` made.
  static std::vector<Fd> MadeBy(const std::function<void()>& act) {
    act();
    return {reinterpret_cast<Fd>(SpySys::port())};
  }
  static bool IsInherited(Fd fd) {
    DWORD flags = ~DWORD{0};
    EXPECT_TRUE(::GetHandleInformation(SpySys::ToHandle(fd), &flags));
    return (flags & HANDLE_FLAG_INHERIT) != 0;
  }

  int Open(const Ends& ends, EventKey key) {
    const int error = backend_.Open(ends.own(), key);
    if (error != 0) return error;
    auto& call = calls_[key.bits()];
    call = std::make_unique<Call>(backend_, ends.own(), key, Mode::kRead);
    call->Receive();
    return 0;
  }
  void ReadAndArm(const Ends&, EventKey key) {
    Call& call = *calls_.at(key.bits());
    EXPECT_EQ(call.Finish().bytes, 1u);
    EXPECT_TRUE(call.Receive().pending);
  }
  int Close(const Ends& ends, EventKey key) {
    End(*calls_.at(key.bits()));
    calls_.erase(key.bits());
    return backend_.Close(ends.own(), key);
  }

  std::vector<Report> Poll(Delta delta) {
    Recorder recorder;
    backend_.Poll(delta, recorder);
    return recorder.reports;
  }
  std::map<std::uint64_t, Seen> TakeAll() { return TakeAllOf(backend_); }

  windows::Winsock winsock_;
  Backend backend_;

 private:
  // Cancelled, unless its socket has gone, and waited for. Others may poll
  // meanwhile, and take its report.
  void End(Call& call) {
    SpySys::Cancel(call.fd(), call.operation()->overlapped());
    while (call.operation()->in_flight()) {
      for (const Report& report : Poll(Delta::NonBlocking())) {
        EXPECT_EQ(report.key, call.operation()->key()) << "lost for the test";
      }
    }
    if (call.done()) static_cast<void>(call.Finish(PollError::kClosing));
  }

  // The receives, by the key of what they are of.
  std::map<std::uint64_t, std::unique_ptr<Call>> calls_;
};

using IocpFixture = Fixture<Backend>;

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_IOCP_FIXTURE_H_
