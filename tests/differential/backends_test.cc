// SPDX-License-Identifier: Apache-2.0
//
// Every backend prints what the reference model prints; kqueue and event ports
// over shims of their system calls.
#include <string>

#include "netpoll/tests/differential/differential.h"
#include "netpoll/tests/differential/subjects.h"
#include "netpoll/tests/shims/every_backend.h"

namespace netpoll::differential {

struct SubjectNames {
  template <class Subject>
  static std::string GetName(int) {
    return Subject::kName;
  }
};

using Subjects = TypesOf<EveryBackend, OnSockets>;
INSTANTIATE_TYPED_TEST_SUITE_P(Every, Differential, Subjects, SubjectNames);

}  // namespace netpoll::differential
