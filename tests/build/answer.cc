// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tests/build/answer.h"

#include "netpoll/tests/build/answer_private.h"

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "core = True leaves exceptions or RTTI on"
#endif

namespace netpoll {

int Answer() { return kAnswer; }

}  // namespace netpoll
