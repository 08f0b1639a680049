// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/windows/tcp_pair.h"

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/backends/iocp/windows_errors.h"
#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/runtime/iocp/thread_socket.h"
#include "netpoll/tools/cli/scenario/socket_pair.h"
#include "netpoll/tools/common/cat.h"

namespace netpoll::scenario {

std::string Describe(CallResult result) {
  static constexpr struct {
    int error;
    const char* name;
  } kNames[] = {
      {EAGAIN, "again"},          {EBADF, "EBADF"},
      {ECANCELED, "ECANCELED"},   {ECONNABORTED, "ECONNABORTED"},
      {ECONNRESET, "ECONNRESET"}, {EINVAL, "EINVAL"},
      {EMFILE, "EMFILE"},         {ENOBUFS, "ENOBUFS"},
      {ENOMEM, "ENOMEM"},         {ENOTCONN, "ENOTCONN"},
      {EPIPE, "EPIPE"},           {ETIMEDOUT, "ETIMEDOUT"},
  };
  if (result >= 0) return tools::Cat(result);
  for (const auto& name : kNames) {
    if (name.error == -result) return name.name;
  }
  return tools::Cat("errno ", -result);
}

}  // namespace netpoll::scenario

namespace netpoll::windows {
namespace {

using scenario::CallResult;

constexpr std::size_t kChunk = 65536;

// A scenario runs on one thread.
char* Buffer(std::size_t size) {
  static std::vector<char> buffer;
  if (buffer.size() < size) buffer.resize(size);
  return buffer.data();
}

CallResult Answer(int result) {
  return result >= 0 ? result : -ErrnoOfWindows(::WSAGetLastError());
}

// recv; while `expected` holds, "again" is not taken for an answer, for a
// while.
template <class Expected>
CallResult Receive(SOCKET socket, std::size_t size, Expected expected) {
  constexpr int kMostMillis = 10'000;
  for (int waited = 0;; ++waited) {
    const CallResult result =
        Answer(::recv(socket, Buffer(size), static_cast<int>(size), 0));
    if (result != -EAGAIN || waited == kMostMillis || !expected()) {
      return result;
    }
    ::Sleep(1);
  }
}

CallResult Transmit(SOCKET socket, std::size_t size) {
  return Answer(::send(socket, Buffer(size), static_cast<int>(size), 0));
}

void Close(SOCKET* socket) {
  if (*socket != INVALID_SOCKET) {
    ::closesocket(std::exchange(*socket, INVALID_SOCKET));
  }
}

}  // namespace

TcpPair::~TcpPair() {
  ClosePeer();
  Close(&polled_);
}

// With buffers that don't grow, so that "full" means something.
SOCKET TcpPair::NewSocket() {
  const SOCKET socket = NewTcpSocket();
  for (const int which : {SO_SNDBUF, SO_RCVBUF}) {
    ::setsockopt(socket, SOL_SOCKET, which,
                 reinterpret_cast<const char*>(&kBuffer), sizeof(kBuffer));
  }
  return socket;
}

int TcpPair::Make() {
  SOCKET listener = NewSocket();  // What it accepts inherits the buffers.
  const int error = MakeWith(listener);
  Close(&listener);
  return error;
}

int TcpPair::MakeWith(SOCKET listener) {
  sockaddr_in address = Loopback(0);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const auto failed = [] { return ErrnoOfWindows(::WSAGetLastError()); };
  if (::bind(listener, generic, sizeof(address)) != 0) return failed();
  if (::listen(listener, 1) != 0) return failed();
  address = Loopback(PortOf(listener));
  polled_ = NewSocket();
  if (::connect(polled_, generic, sizeof(address)) != 0) return failed();
  peer_ = ::accept(listener, nullptr, nullptr);
  if (peer_ == INVALID_SOCKET) return failed();
  for (const SOCKET socket : {polled_, peer_}) {
    u_long on = 1;
    if (::ioctlsocket(socket, FIONBIO, &on) != 0) return failed();
    const BOOL no_delay = TRUE;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY,
                 reinterpret_cast<const char*>(&no_delay), sizeof(no_delay));
  }
  return 0;
}

void TcpPair::ShutDownPeer() {
  ::shutdown(peer_, SD_SEND);
  peer_ended_ = true;
}

void TcpPair::ClosePeer() {
  Close(&peer_);
  peer_ended_ = true;
}

CallResult TcpPair::Read(std::size_t size) {
  const CallResult result =
      Receive(polled_, size, [this] { return ReadIsDue(); });
  if (result > 0) read_ += result;
  return result;
}

CallResult TcpPair::Write(std::size_t size) {
  const CallResult result = Transmit(polled_, size);
  if (result > 0) written_ += result;
  return result;
}

CallResult TcpPair::PeerRead(std::size_t size) {
  if (peer_closed()) return -EBADF;
  const CallResult result =
      Receive(peer_, size, [this] { return written_ > peer_read_; });
  if (result > 0) peer_read_ += result;
  return result;
}

CallResult TcpPair::PeerWrite(std::size_t size) {
  if (peer_closed()) return -EBADF;
  const CallResult result = Transmit(peer_, size);
  if (result > 0) peer_written_ += result;
  return result;
}

// Full is what stays full while bytes move on to the peer's buffer: the last of
// them only when a timer of TCP tries the window again.
CallResult TcpPair::Fill() {
  constexpr int kTries = 100;
  for (int full = 0;;) {
    const CallResult result = Write(kChunk);
    if (result > 0) {
      full = 0;
    } else if (result != -EAGAIN || ++full == kTries) {
      return result;
    } else {
      ::Sleep(5);
    }
  }
}

CallResult TcpPair::Drain() {
  CallResult result = 0;
  do {
    result = Read(kChunk);
  } while (result > 0);
  return result;
}

std::int64_t TcpSockets::Now() {
  return std::chrono::steady_clock::now().time_since_epoch() /
         std::chrono::nanoseconds(1);
}

CallResult TcpPair::PeerDrain() {
  CallResult result = 0;
  do {
    result = PeerRead(kChunk);
  } while (result > 0);
  return result;
}

}  // namespace netpoll::windows
