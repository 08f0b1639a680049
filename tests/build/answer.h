// SPDX-License-Identifier: Apache-2.0
// A library as small as can be, to show that the macros work.
#ifndef NETPOLL_TESTS_BUILD_ANSWER_H_
#define NETPOLL_TESTS_BUILD_ANSWER_H_

namespace netpoll {

int Answer();

}  // namespace netpoll

#endif  // NETPOLL_TESTS_BUILD_ANSWER_H_
