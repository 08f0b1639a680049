// SPDX-License-Identifier: Apache-2.0
//
// Prints docs/state-table.md.

#include <cstdio>

#include "netpoll/model/reference/state_table_text.h"

int main() {
  std::fputs(netpoll::model::reference::StateTableText().c_str(), stdout);
  return 0;
}
