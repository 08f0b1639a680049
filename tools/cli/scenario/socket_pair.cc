// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/cli/scenario/socket_pair.h"

#include <string.h>  // strerrorname_np
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
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

}  // namespace

std::string Describe(CallResult result) {
  if (result >= 0) return absl::StrCat(result);
  if (result == -EAGAIN) return "again";
  const char* const name = ::strerrorname_np(static_cast<int>(-result));
  return name != nullptr ? name : absl::StrCat("errno ", -result);
}

CallResult Read(int fd, std::size_t size) {
  void* const buffer = Buffer(size);
  if (buffer == nullptr) return -ENOMEM;
  return Retried([=] { return ::read(fd, buffer, size); });
}

CallResult Write(int fd, std::size_t size) {
  const void* const buffer = Buffer(size);
  if (buffer == nullptr) return -ENOMEM;
  return Retried([=] { return ::write(fd, buffer, size); });
}

CallResult ReadAll(int fd) {
  CallResult result = 0;
  do {
    result = Read(fd, kChunk);
  } while (result > 0);
  return result;
}

CallResult WriteAll(int fd) {
  CallResult result = 0;
  do {
    result = Write(fd, kChunk);
  } while (result > 0);
  return result;
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

void SocketPair::ShutDownPeer() { ::shutdown(peer_, SHUT_WR); }

void SocketPair::ClosePeer() {
  if (peer_ >= 0) ::close(std::exchange(peer_, -1));
}

std::int64_t SystemSockets::Now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace netpoll::scenario
