// SPDX-License-Identifier: Apache-2.0
//
// The C library's names, defined in the program itself: the linker takes these
// for every call that is compiled into the program, and the library's own are
// found behind them. A sanitizer's come in between and see what passes.
#include "netpoll/tools/torture/faulty_calls.h"

#include <dlfcn.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "netpoll/tools/torture/random.h"

namespace netpoll::torture {
namespace {

constexpr std::uint64_t kOneIn = 24;         // Calls that fail.
constexpr std::uint64_t kPlantedOneIn = 40;  // Calls that a bug acts in.

class Faults final : public CallFaults {
 public:
  Faults() { call_faults = this; }

  void Arm(std::uint64_t seed, bool calls, bool memory) override {
    seed_.store(seed, std::memory_order_relaxed);
    memory_.store(memory, std::memory_order_relaxed);
    calls_.store(calls, std::memory_order_relaxed);
    armed_.store(true, std::memory_order_release);
  }
  void Disarm() override {
    armed_.store(false, std::memory_order_release);
    calls_.store(false, std::memory_order_relaxed);
    memory_.store(false, std::memory_order_relaxed);
  }
  void Plant(Planted bug) override {
    planted_.store(bug, std::memory_order_relaxed);
  }
  std::array<std::uint64_t, kCallFaults> counts() const override {
    std::array<std::uint64_t, kCallFaults> counts{};
    for (std::size_t i = 0; i < kCallFaults; ++i) {
      counts[i] = counts_[i].load(std::memory_order_relaxed);
    }
    return counts;
  }

  // Whether a call is to fail so; counted.
  bool Fails(CallFault fault) {
    const auto& on = fault == CallFault::kMemory ? memory_ : calls_;
    if (!on.load(std::memory_order_relaxed) || Draw() % kOneIn != 0) {
      return false;
    }
    counts_[static_cast<std::size_t>(fault)].fetch_add(
        1, std::memory_order_relaxed);
    return true;
  }
  bool Acts(Planted bug) {
    return planted_.load(std::memory_order_relaxed) == bug &&
           armed_.load(std::memory_order_relaxed) &&
           Draw() % kPlantedOneIn == 0;
  }
  std::uint64_t Draw() {
    return Mix(seed_.load(std::memory_order_relaxed) ^
               Mix(drawn_.fetch_add(1, std::memory_order_relaxed)));
  }

 private:
  std::atomic<bool> armed_{false};
  std::atomic<bool> calls_{false};
  std::atomic<bool> memory_{false};
  std::atomic<Planted> planted_{Planted::kNone};
  std::atomic<std::uint64_t> seed_{0};
  std::atomic<std::uint64_t> drawn_{0};
  std::array<std::atomic<std::uint64_t>, kCallFaults> counts_{};
};

// Calls come before this is made, and after it is gone: constant to begin with,
// never destroyed.
constinit std::atomic<Faults*> faults{nullptr};
[[maybe_unused]] const bool kMade = [] {
  alignas(Faults) static char room[sizeof(Faults)];
  faults.store(::new (room) Faults, std::memory_order_release);
  return true;
}();

bool Fails(CallFault fault) {
  Faults* const all = faults.load(std::memory_order_acquire);
  return all != nullptr && all->Fails(fault);
}
bool Acts(Planted bug) {
  Faults* const all = faults.load(std::memory_order_acquire);
  return all != nullptr && all->Acts(bug);
}
std::uint64_t Draw() { return faults.load(std::memory_order_relaxed)->Draw(); }

// The next definition of a name; looked up once.
void* Real(std::atomic<void*>& found, const char* name) {
  void* function = found.load(std::memory_order_relaxed);
  if (function == nullptr) {
    function = ::dlsym(RTLD_NEXT, name);
    if (function == nullptr) std::abort();
    found.store(function, std::memory_order_relaxed);
  }
  return function;
}

#define NETPOLL_REAL(name)                              \
  reinterpret_cast<decltype(&::name)>([] {              \
    static constinit std::atomic<void*> found{nullptr}; \
    return netpoll::torture::Real(found, #name);        \
  }())

int Fail(int error) {
  errno = error;
  return -1;
}

bool Interrupted() { return Fails(CallFault::kInterrupted); }

int ExhaustedError() {
  constexpr int kErrors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
  return kErrors[Draw() % std::size(kErrors)];
}

// A byte is lost.
ssize_t AfterRead(ssize_t got, void* bytes) {
  if (got > 1 && Acts(Planted::kByte)) {
    char* const first = static_cast<char*>(bytes);
    std::memmove(first, first + 1, static_cast<std::size_t>(got - 1));
    return got - 1;
  }
  return got;
}

bool IsSocket(int fd) {
  int type = 0;
  socklen_t size = sizeof(type);
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

std::size_t Part(std::size_t size) {
  return size > 1 && Fails(CallFault::kPartial) ? 1 + Draw() % (size - 1)
                                                : size;
}

int AfterEvents(int count) {
  return count > 0 && Acts(Planted::kWake) ? 0 : count;
}

}  // namespace
}  // namespace netpoll::torture

// --- The names ---------------------------------------------------------------

namespace torture = netpoll::torture;
using torture::Acts;
using torture::CallFault;
using torture::Fail;
using torture::Fails;
using torture::Interrupted;
using torture::Planted;

extern "C" {

ssize_t read(int fd, void* bytes, std::size_t size) {
  if (Interrupted()) return Fail(EINTR);
  return torture::AfterRead(NETPOLL_REAL(read)(fd, bytes, size), bytes);
}

ssize_t readv(int fd, const iovec* buffers, int count) {
  if (Interrupted()) return Fail(EINTR);
  return NETPOLL_REAL(readv)(fd, buffers, count);
}

ssize_t recv(int fd, void* bytes, std::size_t size, int flags) {
  if (Interrupted()) return Fail(EINTR);
  return torture::AfterRead(NETPOLL_REAL(recv)(fd, bytes, size, flags), bytes);
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  if (Interrupted()) return Fail(EINTR);
  return NETPOLL_REAL(recvmsg)(fd, message, flags);
}

// What is not a socket's or a pipe's is eight bytes, whole or not at all.
ssize_t write(int fd, const void* bytes, std::size_t size) {
  if (Interrupted()) return Fail(EINTR);
  return NETPOLL_REAL(write)(fd, bytes, size > 8 ? torture::Part(size) : size);
}

ssize_t writev(int fd, const iovec* buffers, int count) {
  if (Interrupted()) return Fail(EINTR);
  if (count > 1 && Fails(CallFault::kPartial)) count = 1;
  return NETPOLL_REAL(writev)(fd, buffers, count);
}

ssize_t send(int fd, const void* bytes, std::size_t size, int flags) {
  if (Interrupted()) return Fail(EINTR);
  return NETPOLL_REAL(send)(fd, bytes, size, flags);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  if (Interrupted()) return Fail(EINTR);
  return NETPOLL_REAL(sendmsg)(fd, message, flags);
}

ssize_t sendto(int fd, const void* bytes, std::size_t size, int flags,
               const sockaddr* to, socklen_t to_size) {
  if (Interrupted()) return Fail(EINTR);
  return NETPOLL_REAL(sendto)(fd, bytes, size, flags, to, to_size);
}

int accept4(int fd, sockaddr* from, socklen_t* size, int flags) {
  if (Interrupted()) return Fail(EINTR);
  if (Fails(CallFault::kAborted)) return Fail(ECONNABORTED);
  if (Fails(CallFault::kExhausted)) return Fail(torture::ExhaustedError());
  return NETPOLL_REAL(accept4)(fd, from, size, flags);
}

int socket(int family, int type, int protocol) noexcept {
  if (Fails(CallFault::kExhausted)) return Fail(torture::ExhaustedError());
  return NETPOLL_REAL(socket)(family, type, protocol);
}

// An interrupted connect goes on.
int connect(int fd, const sockaddr* to, socklen_t size) {
  const int result = NETPOLL_REAL(connect)(fd, to, size);
  if (result != 0 && errno == EINPROGRESS && Interrupted()) errno = EINTR;
  return result;
}

// An interrupted close has closed.
int close(int fd) {
  if (Acts(Planted::kCrash)) std::abort();
  if (Acts(Planted::kDescriptor) && torture::IsSocket(fd)) return 0;
  const int result = NETPOLL_REAL(close)(fd);
  return result == 0 && Interrupted() ? Fail(EINTR) : result;
}

int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  if (operation == EPOLL_CTL_ADD && Fails(CallFault::kRefused)) {
    return Fail(torture::Draw() % 2 == 0 ? ENOMEM : ENOSPC);
  }
  return NETPOLL_REAL(epoll_ctl)(epoll, operation, fd, event);
}

int epoll_wait(int epoll, epoll_event* events, int size, int millis) {
  if (Interrupted()) return Fail(EINTR);
  if (millis > 0 && Acts(Planted::kDeadline)) millis = -1;
  return torture::AfterEvents(
      NETPOLL_REAL(epoll_wait)(epoll, events, size, millis));
}

int poll(pollfd* fds, nfds_t count, int millis) {
  if (millis != 0 && Interrupted()) return Fail(EINTR);
  return NETPOLL_REAL(poll)(fds, count, millis);
}

int ppoll(pollfd* fds, nfds_t count, const timespec* limit,
          const sigset_t* mask) {
  if (Interrupted()) return Fail(EINTR);
  if (limit != nullptr && limit->tv_nsec > 0 && Acts(Planted::kDeadline)) {
    limit = nullptr;
  }
  return NETPOLL_REAL(ppoll)(fds, count, limit, mask);
}

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  constexpr long kAhead = 20'000'000;
  constexpr long kSecond = 1'000'000'000;
  const int result = NETPOLL_REAL(clock_gettime)(clock, now);
  if (clock == CLOCK_MONOTONIC && Acts(Planted::kEarly)) {
    now->tv_nsec += kAhead;
    if (now->tv_nsec >= kSecond) {
      now->tv_nsec -= kSecond;
      ++now->tv_sec;
    }
  }
  return result;
}

// Six words, as the kernel takes them. A call that has fewer is passed what
// happens to lie behind its own, as libc does.
__attribute__((no_sanitize("address"))) long syscall(long number,
                                                     ...) noexcept {
  long word[6];
  va_list list;
  va_start(list, number);
  for (long& each : word) each = va_arg(list, long);
  va_end(list);
  const auto pass = [&] {
    return NETPOLL_REAL(syscall)(number, word[0], word[1], word[2], word[3],
                                 word[4], word[5]);
  };
  switch (number) {
    case SYS_epoll_pwait2: {
      if (Interrupted()) return Fail(EINTR);
      const auto* const limit = reinterpret_cast<const timespec*>(word[3]);
      if (limit != nullptr && limit->tv_nsec > 0 && Acts(Planted::kDeadline)) {
        word[3] = 0;
      }
      const long count = pass();
      return count > 0 && Acts(Planted::kWake) ? 0 : count;
    }
    case SYS_io_uring_enter:
      if (Interrupted()) return Fail(EINTR);
      if (word[1] > 0 && Fails(CallFault::kRefused)) {
        return Fail(torture::Draw() % 2 == 0 ? EAGAIN : EBUSY);
      }
      return pass();
    default:
      return pass();
  }
}

}  // extern "C"

// --- Memory ------------------------------------------------------------------

namespace {

void Lose() {
  // Volatile: or the compiler sees that nobody wants it.
  [[maybe_unused]] void* volatile lost = std::malloc(64 << 10);
}

void* Allocate(std::size_t size, std::size_t alignment) {
  if (size > 32 && Acts(Planted::kMemory)) Lose();
  return std::aligned_alloc(alignment,
                            (size + alignment) / alignment * alignment);
}

void* AllocateOrThrow(std::size_t size, std::size_t alignment) {
  void* const room = Allocate(size, alignment);
  if (room == nullptr) throw std::bad_alloc();
  return room;
}

constexpr std::size_t kAlignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

}  // namespace

#ifndef NETPOLL_TORTURE_KEEP_NEW
void* operator new(std::size_t size) {
  return AllocateOrThrow(size, kAlignment);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return AllocateOrThrow(size, static_cast<std::size_t>(alignment));
}
// Whoever says nothrow is ready for it: these fail.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  if (Fails(CallFault::kMemory)) return nullptr;
  return Allocate(size, kAlignment);
}
void* operator new(std::size_t size, std::align_val_t alignment,
                   const std::nothrow_t&) noexcept {
  if (Fails(CallFault::kMemory)) return nullptr;
  return Allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* room) noexcept { std::free(room); }
void operator delete(void* room, std::size_t) noexcept { std::free(room); }
void operator delete(void* room, std::align_val_t) noexcept { std::free(room); }
void operator delete(void* room, std::size_t, std::align_val_t) noexcept {
  std::free(room);
}
#endif
