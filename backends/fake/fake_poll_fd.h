// SPDX-License-Identifier: Apache-2.0
//
// A descriptor of the system's for the fake, so that glue can be tested inside
// a real loop: readable whenever a poll of the fake would report something, or
// a blocking one take a break. For tests, where there are pipes.
//
//   FakeKernel<> kernel;
//   FakePollFd poll_fd(kernel);
//   Poller<FakeBackend<>> poller(kernel);   // Its PollFd() is that descriptor.

#ifndef NETPOLL_BACKENDS_FAKE_FAKE_POLL_FD_H_
#define NETPOLL_BACKENDS_FAKE_FAKE_POLL_FD_H_

#include <unistd.h>

#include <cstdlib>

#include "netpoll/backends/fake/fake_kernel.h"
#include "netpoll/backends/posix/wake_pipe.h"

namespace netpoll {

// Goes before the kernel does, and after whoever polls its descriptor.
template <class Kernel>
class FakePollFd {
 public:
  explicit FakePollFd(Kernel& kernel) : kernel_(kernel) {
    if (MakePipe(ends_) != 0) std::abort();
    kernel_.set_poll_fd({ends_[0], &Tell, this});
  }
  FakePollFd(const FakePollFd&) = delete;
  FakePollFd& operator=(const FakePollFd&) = delete;
  ~FakePollFd() {
    kernel_.set_poll_fd({});
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

 private:
  // One byte is in the pipe while it is readable.
  static void Tell(void* self, bool readable) {
    const int* const ends = static_cast<FakePollFd*>(self)->ends_;
    char byte = 0;
    if ((readable ? ::write(ends[1], &byte, 1) : ::read(ends[0], &byte, 1)) !=
        1) {
      std::abort();
    }
  }

  Kernel& kernel_;
  int ends_[2];
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_FAKE_FAKE_POLL_FD_H_
