// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the io_uring backend with a script: each call can be told
// to return an error instead, and all are counted.

#ifndef NETPOLL_TESTS_CONFORMANCE_IO_URING_SCRIPTED_RING_H_
#define NETPOLL_TESTS_CONFORMANCE_IO_URING_SCRIPTED_RING_H_

#include <linux/io_uring.h>
#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "netpoll/backends/io_uring/io_uring_sys.h"
#include "netpoll/tests/conformance/scripted/scripted_calls.h"

namespace netpoll::conformance {

// kSubmit, kWait and kFlush are one system call with different arguments.
enum class Call { kSetup, kMap, kSubmit, kWait, kFlush, kPoll };

// For tests of one thread.
struct Script : ScriptedCalls<Call> {
  // Features that the kernel is to lack.
  std::uint32_t without = 0;
  std::vector<__kernel_timespec> waited;
  // Instead of pausing.
  std::vector<std::int64_t> pauses;
  // Done once, in the next pause or wait: as if by another thread.
  std::function<void()> meanwhile;

  void Meanwhile() {
    if (meanwhile) std::exchange(meanwhile, nullptr)();
  }
};

struct ScriptedRing {
  static Script& script() {
    static Script instance;
    return instance;
  }

  static int Setup(unsigned entries, io_uring_params* params) {
    if (const auto said = script().Next(Call::kSetup)) return *said;
    const int result = IoUringSys::Setup(entries, params);
    params->features &= ~script().without;
    return result;
  }
  static int Enter(int ring, unsigned submit, unsigned wait, unsigned flags,
                   const io_uring_getevents_arg* arg) {
    if ((flags & IORING_ENTER_EXT_ARG) != 0) {
      script().waited.push_back(
          *reinterpret_cast<const __kernel_timespec*>(arg->ts));
    }
    if (submit == 0 && wait != 0) script().Meanwhile();
    const Call call = submit != 0 ? Call::kSubmit
                      : wait != 0 ? Call::kWait
                                  : Call::kFlush;
    return script().Do(call, IoUringSys::Enter, ring, submit, wait, flags, arg);
  }
  static int Map(int ring, std::uint64_t offset, std::size_t size, void** at) {
    return script().Do(Call::kMap, IoUringSys::Map, ring, offset, size, at);
  }
  static void Unmap(void* at, std::size_t size) { IoUringSys::Unmap(at, size); }
  static int Poll(pollfd* asked, unsigned count) {
    return script().Do(Call::kPoll, IoUringSys::Poll, asked, count);
  }
  static void Pause(std::int64_t nanos) {
    script().pauses.push_back(nanos);
    script().Meanwhile();
  }
  static void Close(int fd) { IoUringSys::Close(fd); }
  static std::uint64_t Thread() { return IoUringSys::Thread(); }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_IO_URING_SCRIPTED_RING_H_
