// SPDX-License-Identifier: Apache-2.0
//
// Crashes of the code under test: it uses what is no memory, stops itself, is
// left by an exception, has no memory left, or goes round without an access.
// Once CatchCrashes was called, each is a violation of its scenario instead of
// the end of this program, and has a schedule that leads there.

#ifndef NETPOLL_MODEL_ENGINE_CRASH_H_
#define NETPOLL_MODEL_ENGINE_CRASH_H_

#include <functional>

namespace netpoll::model {

// From here on, in all threads.
void CatchCrashes();

// Does `work`, and says how it crashed; null: it did not. What it had made then
// is lost. Exceptions of the explorer's own are thrown on. Work within work is
// guarded by itself; `timed`: it may not take more than half a second.
const char* CrashOf(const std::function<void()>& work, bool timed = true);

// An exception of the explorer's own goes through the code under test and is
// none of its crashes.
struct ThrownOn {};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_CRASH_H_
