// SPDX-License-Identifier: Apache-2.0
//
// Refuses the use of a poller in a child of fork, where it shares kernel
// objects with its parent and would take the parent's events.

#ifndef NETPOLL_BACKENDS_POSIX_FORK_GUARD_H_
#define NETPOLL_BACKENDS_POSIX_FORK_GUARD_H_

#include "netpoll/core/cpp20.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace netpoll {

// The system calls of the guard, so that a test can say what they answer.
struct ForkGuardSys {
  static pid_t Pid() { return ::getpid(); }
#if defined(MADV_WIPEONFORK)
  static constexpr int kWipeOnFork = MADV_WIPEONFORK;

  static std::size_t PageSize() {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  }
  // Null when there is no memory.
  static void* Map(std::size_t size) {
    void* const page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? nullptr : page;
  }
  static void Unmap(void* page, std::size_t size) { ::munmap(page, size); }
  // Whether the kernel says that it takes the advice.
  static bool Advise(void* page, std::size_t size, int advice) {
    return ::madvise(page, size, advice) == 0;
  }
#endif
};

// The mark lies in a page that the kernel empties in a child, so a check costs
// one load. Where the kernel can't do that, it costs a getpid. So it does where
// the kernel says yes to any advice, as emulators do: such a yes means nothing.
template <class Sys>
class ForkGuardOf {
 public:
  ForkGuardOf() : owner_(Sys::Pid()) { MakeMark(); }
  ForkGuardOf(const ForkGuardOf&) = delete;
  ForkGuardOf& operator=(const ForkGuardOf&) = delete;
  ~ForkGuardOf() {
    if constexpr (kHasMark) {
      if (mark_ != nullptr) Sys::Unmap(const_cast<int*>(mark_), size_);
    }
  }

  // A child that shares the parent's memory (vfork, posix_spawn) counts as the
  // parent.
  bool InChild() const {
    return mark_ != nullptr ? *mark_ != kMark : Sys::Pid() != owner_;
  }

  // Stops the process, with one sentence, in a child of fork.
  void Check() const {
    if (!InChild()) return;
    std::fprintf(stderr,
                 "netpoll: a child of fork used a Poller of its parent; make a "
                 "new one after fork\n");
    std::abort();
  }

 private:
  static constexpr bool kHasMark = requires { Sys::kWipeOnFork; };
  static constexpr int kMark = 1;

  void MakeMark() {
    if constexpr (kHasMark) {
      constexpr int kNoAdvice = -1;
      const std::size_t size = Sys::PageSize();
      void* const page = Sys::Map(size);
      if (page == nullptr) return;
      if (Sys::Advise(page, size, kNoAdvice) ||
          !Sys::Advise(page, size, Sys::kWipeOnFork)) {
        Sys::Unmap(page, size);
        return;
      }
      size_ = size;
      mark_ = static_cast<volatile int*>(page);
      *mark_ = kMark;
    }
  }

  pid_t owner_;
  volatile int* mark_ = nullptr;
  std::size_t size_ = 0;
};

using ForkGuard = ForkGuardOf<ForkGuardSys>;

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POSIX_FORK_GUARD_H_
