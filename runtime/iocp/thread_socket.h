// SPDX-License-Identifier: Apache-2.0
//
// TCP sockets for tasks that are threads: each call blocks its thread, ends at
// the direction's deadline, and may be made from any thread.

#ifndef NETPOLL_RUNTIME_IOCP_THREAD_SOCKET_H_
#define NETPOLL_RUNTIME_IOCP_THREAD_SOCKET_H_

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "netpoll/backends/iocp/windows_headers.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/deadline.h"
#include "netpoll/core/descriptor_lock.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/iocp/iocp_calls.h"
#include "netpoll/runtime/iocp/thread_driver.h"

namespace netpoll::windows {

// Winsock, for the length of a program.
class Winsock {
 public:
  Winsock() {
    WSADATA data;
    error_ = ::WSAStartup(MAKEWORD(2, 2), &data);
  }
  Winsock(const Winsock&) = delete;
  Winsock& operator=(const Winsock&) = delete;
  ~Winsock() {
    if (error_ == 0) ::WSACleanup();
  }
  int error() const { return error_; }

 private:
  int error_;
};

// A new TCP socket for overlapped calls, or INVALID_SOCKET.
inline SOCKET NewTcpSocket() {
  return ::WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, nullptr, 0,
                      WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

// 127.0.0.1 at `port`; 0: the system chooses.
inline sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

inline std::uint16_t PortOf(SOCKET socket) {
  sockaddr_in address{};
  int size = sizeof(address);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// Open from Open until Close, which must be called; both once.
template <class Driver>
class Socket {
 public:
  explicit Socket(Driver& driver) : driver_(driver) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Takes the socket over, whatever comes of it. 0, or an errno.
  int Open(SOCKET socket) {
    fd_ = socket;
    const auto opened = driver_.poller().Open(fd_);
    desc_ = opened.desc;
    if (opened.error != 0) {
      ::closesocket(fd_);
      return opened.error;
    }
    const auto key = EventKey::ForSlot(desc_->index(), desc_->generation());
    reading_ = backend().NewOperation(key, Mode::kRead);
    writing_ = backend().NewOperation(key, Mode::kWrite);
    if (reading_ != nullptr && writing_ != nullptr) return 0;
    Close();
    return ENOMEM;
  }

  // Ends all calls under way, and returns when the peer sees the end. False if
  // it was called before.
  bool Close() {
    WaiterList waiting;
    if (!lock_.Close(waiting)) return false;
    Wake(waiting);
    driver_.Unblock(desc_);
    if (!lock_.DropReference()) closed_.Park("socket.closed");
    Destroy();
    return true;
  }

  // Bytes; 0 at the end of the stream.
  IoResult Read(void* buffer, std::size_t size) {
    return Call(Mode::kRead, [&] {
      return IocpReceive(backend(), fd_, reading_, buffer, size);
    });
  }

  // All of it, unless something goes wrong: then `bytes` says how much.
  IoResult Write(const void* buffer, std::size_t size) {
    std::size_t done = 0;
    const auto* const from = static_cast<const char*>(buffer);
    for (;;) {
      IoResult result = Call(Mode::kWrite, [&] {
        return IocpSend(backend(), fd_, writing_, from + done, size - done);
      });
      done += result.bytes;
      result.bytes = done;
      if (!result.ok() || done >= size) return result;
    }
  }

  // Accepts into `connection`, which is open then.
  IoResult Accept(Socket& connection) {
    const SOCKET accepted = NewTcpSocket();
    IocpAcceptBuffer buffer;
    IoResult result = Call(Mode::kRead, [&] {
      return IocpAccept(backend(), fd_, reading_, accepted, &buffer);
    });
    if (result.ok()) {
      result.status =
          IoStatus::FromErrno(IocpFinishAccept(backend(), fd_, accepted));
    }
    if (result.ok()) {
      result.status = IoStatus::FromErrno(connection.Open(accepted));
    } else {
      ::closesocket(accepted);
    }
    return result;
  }

  IoResult Connect(const sockaddr_in& address) {
    IoResult result = Call(Mode::kWrite, [&] {
      return IocpConnect(backend(), fd_, writing_,
                         reinterpret_cast<const sockaddr*>(&address),
                         sizeof(address));
    });
    if (result.ok()) {
      result.status = IoStatus::FromErrno(IocpFinishConnect(backend(), fd_));
    }
    return result;
  }

  // For the calls under way in `mode` and all later ones.
  void SetDeadline(Mode mode, Deadline deadline) {
    if (!lock_.AddReference()) return;
    driver_.SetDeadline(desc_, mode, deadline);
    Drop();
  }
  template <class Rep, class Period>
  void SetDeadlineAfter(Mode mode, std::chrono::duration<Rep, Period> delay) {
    SetDeadline(mode, Deadline::After(Driver::Now(), delay));
  }

  SOCKET fd() const { return fd_; }
  typename Driver::Desc* desc() { return desc_; }

 private:
  using Operation = typename Driver::Operation;

  auto& backend() { return driver_.poller().backend(); }

  // One call in one direction, with the direction to itself.
  template <class Start>
  IoResult Call(Mode direction, Start start) {
    if (!Enter(direction)) {
      return {.status = IoStatus::FromPoll(PollError::kClosing)};
    }
    const IoResult result = CallAlone(direction, start);
    WaiterList next;
    const bool last = lock_.Release(direction, next);
    Wake(next);
    if (last) closed_.Unpark("socket.last");
    return result;
  }

  template <class Start>
  IoResult CallAlone(Mode direction, Start start) {
    const PollError error = driver_.poller().Reset(desc_, direction);
    if (error != PollError::kNone) return {.status = IoStatus::FromPoll(error)};
    const IocpStarted started = start();
    if (!started.pending) return started.result;
    auto* const operation = direction == Mode::kRead ? reading_ : writing_;
    const PollError asked = IocpAwait(
        driver_.poller(), desc_, operation,
        [&](WaitKind kind) { return driver_.Wait(desc_, direction, kind); });
    return IocpFinish(backend(), fd_, operation, asked);
  }

  bool Enter(Mode direction) {
    for (;;) {
      switch (lock_.Acquire(direction)) {
        case LockOutcome::kDone:
          return true;
        case LockOutcome::kMustWait:
          break;
        default:
          return false;
      }
      ThreadWaiter waiter;
      if (lock_.Park(direction, &waiter)) waiter.parker.Park("socket.turn");
    }
  }

  void Drop() {
    if (lock_.DropReference()) closed_.Unpark("socket.last");
  }

  void Destroy() {
    if (reading_ != nullptr) backend().FreeOperation(reading_);
    if (writing_ != nullptr) backend().FreeOperation(writing_);
    driver_.poller().Close(desc_);
    ::closesocket(fd_);
  }

  Driver& driver_;
  SOCKET fd_ = INVALID_SOCKET;
  typename Driver::Desc* desc_ = nullptr;
  Operation* reading_ = nullptr;
  Operation* writing_ = nullptr;
  DescriptorLock<StdEnv> lock_;
  StdEnv::Parker closed_;
};

// A listening socket on `address`; error 0, or an errno.
template <class Driver>
int Listen(Socket<Driver>& listener, const sockaddr_in& address) {
  const SOCKET socket = NewTcpSocket();
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address),
             sizeof(address)) != 0 ||
      ::listen(socket, SOMAXCONN) != 0) {
    const int error = ErrnoOfWindows(::WSAGetLastError());
    ::closesocket(socket);
    return error;
  }
  return listener.Open(socket);
}

}  // namespace netpoll::windows

#endif  // NETPOLL_RUNTIME_IOCP_THREAD_SOCKET_H_
