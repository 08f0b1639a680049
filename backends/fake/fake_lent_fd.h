// SPDX-License-Identifier: Apache-2.0
//
// The descriptor that a test lends the fake, for loops that sleep on one. Plain
// data: fake_kernel.h holds it under its lock.

#ifndef NETPOLL_BACKENDS_FAKE_FAKE_LENT_FD_H_
#define NETPOLL_BACKENDS_FAKE_FAKE_LENT_FD_H_

#include "netpoll/core/types.h"

namespace netpoll {

struct FakeLentFd {
  Fd fd = static_cast<Fd>(-1);
  // Makes it readable, or not. Called under the kernel's lock at each change,
  // so it calls nothing of the kernel.
  void (*tell)(void* context, bool readable) = nullptr;
  void* context = nullptr;
  bool told = false;  // What was said last.

  void Say(bool readable) {
    if (tell == nullptr || told == readable) return;
    told = readable;
    tell(context, readable);
  }
};

}  // namespace netpoll

#endif  // NETPOLL_BACKENDS_FAKE_FAKE_LENT_FD_H_
