// SPDX-License-Identifier: Apache-2.0
//
// Crashes of the code under test, where CatchCrashes (run.h) was called.

#ifndef NETPOLL_MODEL_ENGINE_CRASH_H_
#define NETPOLL_MODEL_ENGINE_CRASH_H_

#include <functional>

namespace netpoll::model {

inline constexpr char kCrash[] =
    "crash: the code used something as a task that is none";

// Does `work`, outside any run. False: it crashed, and what it had made is
// lost.
bool Survives(const std::function<void()>& work);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_CRASH_H_
