// SPDX-License-Identifier: Apache-2.0
//
// Lets a test say which system calls of a backend fail, and counts them all.

#ifndef NETPOLL_TESTS_CONFORMANCE_SCRIPTED_SCRIPTED_CALLS_H_
#define NETPOLL_TESTS_CONFORMANCE_SCRIPTED_SCRIPTED_CALLS_H_

#include <deque>
#include <map>
#include <optional>

namespace netpoll::conformance {

// The base of a backend's Script. `Call` is an enum of its system calls; a
// call for which the script says kReal, or nothing, is made. For tests of one
// thread.
template <class Call, int kReal = 0>
struct ScriptedCalls {
  static constexpr int kCall = kReal;

  // What the next calls return instead of calling.
  std::map<Call, std::deque<int>> returns;
  std::map<Call, int> count;

  // What to return; nothing: call.
  std::optional<int> Next(Call call) {
    ++count[call];
    std::deque<int>& queue = returns[call];
    if (queue.empty()) return {};
    const int value = queue.front();
    queue.pop_front();
    if (value == kReal) return {};
    return value;
  }

  // Does as the script says, or `real`.
  template <class Real, class... Arguments>
  int Do(Call call, Real real, Arguments... arguments) {
    if (const auto said = Next(call)) return *said;
    return real(arguments...);
  }
};

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_SCRIPTED_SCRIPTED_CALLS_H_
