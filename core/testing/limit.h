// SPDX-License-Identifier: Apache-2.0
//
// How long a test may wait before it says why it hangs: less than what the test
// runner allows the whole program, which ends it without a word.

#ifndef NETPOLL_CORE_TESTING_LIMIT_H_
#define NETPOLL_CORE_TESTING_LIMIT_H_

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace netpoll {

inline std::chrono::steady_clock::time_point ProgramStart() {
  static const auto start = std::chrono::steady_clock::now();
  return start;
}
inline const auto kProgramStart = ProgramStart();  // Now, not when it is asked.

// What the runner allows in all, or 0: it does not say.
inline std::chrono::seconds RunnersLimit() {
  const char* const text = std::getenv("TEST_TIMEOUT");
  return std::chrono::seconds(text == nullptr ? 0 : std::atoi(text));
}

// What is left of it, less `spare`; `most` at most, and a second at least.
inline std::chrono::milliseconds TimeLeft(
    std::chrono::milliseconds most = std::chrono::seconds(120),
    std::chrono::seconds spare = std::chrono::seconds(5)) {
  using std::chrono::milliseconds;
  const std::chrono::seconds all = RunnersLimit();
  if (all.count() <= 0) return most;
  const auto gone = std::chrono::duration_cast<milliseconds>(
      std::chrono::steady_clock::now() - ProgramStart());
  const milliseconds left = milliseconds(all) - spare - gone;
  return std::clamp(left, milliseconds(1000),
                    std::max(most, milliseconds(1000)));
}

}  // namespace netpoll

#endif  // NETPOLL_CORE_TESTING_LIMIT_H_
