// SPDX-License-Identifier: Apache-2.0

#include "netpoll/runtime/runtime_observer.h"

namespace netpoll {

// Not in the header: a compiler that sees these asks at each call whether they
// are the ones.
RuntimeObserver::~RuntimeObserver() = default;
void RuntimeObserver::WaitBegins(int, ObservedWait) {}
void RuntimeObserver::WaitEnds(int, ObservedWait) {}
void RuntimeObserver::RunBegins(int) {}
void RuntimeObserver::RunEnds(int) {}
void RuntimeObserver::PollBegins(int) {}
void RuntimeObserver::PollEnds(int, int) {}

}  // namespace netpoll
