// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/scenario/socket_pair.h"

#include <string.h>  // strerrorname_np
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace netpoll::scenario {
namespace {

constexpr std::size_t kChunk = 65536;

// At least `size` zeros, or null. Reserved, not filled: only what a call really
// moves costs memory. A scenario runs on one thread.
void* Buffer(std::size_t size) {
  static void* buffer = nullptr;
  static std::size_t reserved = 0;
  if (size <= reserved) return buffer;
  if (reserved != 0) ::munmap(buffer, std::exchange(reserved, 0));
  buffer = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (buffer == MAP_FAILED) return buffer = nullptr;
  reserved = size;
  return buffer;
}

template <class Call>
CallResult Retried(Call call) {
  for (;;) {
    const ssize_t result = call();
    if (result >= 0) return result;
    if (errno != EINTR) return -errno;
  }
}

CallResult ReadFrom(int fd, std::size_t size) {
  void* const buffer = Buffer(size);
  if (buffer == nullptr) return -ENOMEM;
  return Retried([=] { return ::read(fd, buffer, size); });
}

CallResult WriteTo(int fd, std::size_t size) {
  const void* const buffer = Buffer(size);
  if (buffer == nullptr) return -ENOMEM;
  return Retried([=] { return ::write(fd, buffer, size); });
}

CallResult ReadAll(int fd) {
  CallResult result = 0;
  do {
    result = ReadFrom(fd, kChunk);
  } while (result > 0);
  return result;
}

}  // namespace

std::string Describe(CallResult result) {
  if (result >= 0) return absl::StrCat(result);
  if (result == -EAGAIN) return "again";
  const char* const name = ::strerrorname_np(static_cast<int>(-result));
  return name != nullptr ? name : absl::StrCat("errno ", -result);
}

SocketPair::~SocketPair() {
  ClosePeer();
  if (polled_ >= 0) ::close(polled_);
}

int SocketPair::Make() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                   ends) != 0) {
    return errno;
  }
  polled_ = ends[0];
  peer_ = ends[1];
  return 0;
}

CallResult SocketPair::Read(std::size_t size) {
  return ReadFrom(polled_, size);
}
CallResult SocketPair::Write(std::size_t size) {
  return WriteTo(polled_, size);
}
CallResult SocketPair::PeerRead(std::size_t size) {
  return ReadFrom(peer_, size);
}
CallResult SocketPair::PeerWrite(std::size_t size) {
  return WriteTo(peer_, size);
}

CallResult SocketPair::Fill() {
  CallResult result = 0;
  do {
    result = WriteTo(polled_, kChunk);
  } while (result > 0);
  return result;
}
CallResult SocketPair::Drain() { return ReadAll(polled_); }
CallResult SocketPair::PeerDrain() { return ReadAll(peer_); }

void SocketPair::ShutDownPeer() { ::shutdown(peer_, SHUT_WR); }

void SocketPair::ClosePeer() {
  if (peer_ >= 0) ::close(std::exchange(peer_, -1));
}

}  // namespace netpoll::scenario
