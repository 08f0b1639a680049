// SPDX-License-Identifier: Apache-2.0
//
// Refuses the use of a poller in a child of fork, where it shares kernel
// objects with its parent and would take the parent's events.

#ifndef NETPOLL_BACKENDS_POSIX_FORK_GUARD_H_
#define NETPOLL_BACKENDS_POSIX_FORK_GUARD_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace netpoll {

// The mark lies in a page that the kernel empties in a child, so a check costs
// one load. Where the kernel can't do that, it costs a getpid.
class ForkGuard {
 public:
  ForkGuard() : owner_(::getpid()) {
#if defined(MADV_WIPEONFORK)
    const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* const page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return;
    if (::madvise(page, size, MADV_WIPEONFORK) != 0) {
      ::munmap(page, size);
      return;
    }
    size_ = size;
    mark_ = static_cast<volatile int*>(page);
    *mark_ = 1;
#endif
  }
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;
  ~ForkGuard() {
    if (mark_ != nullptr) ::munmap(const_cast<int*>(mark_), size_);
  }

  bool InChild() const {
    return mark_ != nullptr ? *mark_ != 1 : ::getpid() != owner_;
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
  pid_t owner_;
  volatile int* mark_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_POSIX_FORK_GUARD_H_
