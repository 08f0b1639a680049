// SPDX-License-Identifier: Apache-2.0
// An embedder's test: a poller whose events are written down.
#include "netpoll/backends/fake/fake_backend.h"
#include "netpoll/backends/fake/fake_kernel.h"
#include "netpoll/core/poller.h"

int main() {
  netpoll::FakeKernel<> kernel;
  netpoll::Poller<netpoll::FakeBackend<>> poller(kernel);
  if (poller.Init() != 0) return 1;
  const netpoll::Fd fd = kernel.MakeFd();
  const auto opened = poller.Open(fd);
  if (opened.error != 0) return 2;

  netpoll::Waiter task;
  constexpr netpoll::Mode kRead = netpoll::Mode::kRead;
  if (!poller.Park(opened.desc, kRead, &task).parked()) return 3;
  kernel.SetReady(fd, kRead);
  netpoll::PollResult result = poller.Poll(netpoll::Delta::NonBlocking());
  if (result.ready.Pop() != &task) return 5;
  poller.AdjustWaiters(result.waiters_delta);
  if (!poller.Resume(opened.desc, kRead, &task).ready()) return 4;

  result = poller.Unblock(opened.desc);
  poller.AdjustWaiters(result.waiters_delta);
  return poller.Close(opened.desc);
}
