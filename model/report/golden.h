// SPDX-License-Identifier: Apache-2.0
//
// What is kept in files and compared: the certificate of the matrix, and the
// page about the semaphore's states.

#ifndef NETPOLL_MODEL_REPORT_GOLDEN_H_
#define NETPOLL_MODEL_REPORT_GOLDEN_H_

#include <string>

namespace netpoll_model {

struct Golden {
  std::string certificate;  // model/report/certificate.golden
  std::string states_page;  // docs/semaphore-states.md
  std::string broken;       // Counterexamples; empty: there is none.
  std::string unexplained;  // What no configuration meets.
};

// Explores every configuration that is not deep.
Golden ExploreForGolden(int workers);

}  // namespace netpoll_model

#endif  // NETPOLL_MODEL_REPORT_GOLDEN_H_
