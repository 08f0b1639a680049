// SPDX-License-Identifier: Apache-2.0
// A header that only its own library may include.
#ifndef NETPOLL_TESTS_BUILD_ANSWER_PRIVATE_H_
#define NETPOLL_TESTS_BUILD_ANSWER_PRIVATE_H_

namespace netpoll {

inline constexpr int kAnswer = 42;

}  // namespace netpoll

#endif  // NETPOLL_TESTS_BUILD_ANSWER_PRIVATE_H_
