// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/testing/allocations.h"

#include <errno.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace netpoll::tools {

constinit std::atomic<bool (*)()> refuses_allocation{nullptr};

namespace {

bool Refused() {
  bool (*const refuses)() = refuses_allocation.load(std::memory_order_relaxed);
  if (refuses == nullptr || !refuses()) return false;
  errno = ENOMEM;
  return true;
}

}  // namespace
}  // namespace netpoll::tools

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
void* operator new(std::size_t size) {
  void* const memory = netpoll::tools::Refused() ? nullptr : std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return netpoll::tools::Refused() ? nullptr : std::malloc(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#else
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  return netpoll::tools::Refused() ? nullptr : __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  return netpoll::tools::Refused() ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  return netpoll::tools::Refused() ? nullptr : __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return netpoll::tools::Refused() ? nullptr : __libc_memalign(alignment, size);
}
}  // extern "C"
#endif
