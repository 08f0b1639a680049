// SPDX-License-Identifier: Apache-2.0
//
// Random operations, statements and adversaries, and how many of them.

#ifndef NETPOLL_TESTS_DIFFERENTIAL_GENERATORS_H_
#define NETPOLL_TESTS_DIFFERENTIAL_GENERATORS_H_

#include <string>
#include <vector>

#include "netpoll/tests/differential/script.h"
#include "rapidcheck.h"

namespace netpoll::differential {

// For every short script. Two, so that it stays small: how bytes move, and how
// waits end.
const std::vector<Op>& BytesAlphabet();
const std::vector<Op>& WaitsAlphabet();

// For portable scripts.
rc::Gen<Op> Ops(unsigned descriptors);

// One line of a scenario on few names. It may break a rule where it stands:
// then it is skipped.
rc::Gen<std::string> Statements();

}  // namespace netpoll::differential

#endif  // NETPOLL_TESTS_DIFFERENTIAL_GENERATORS_H_
