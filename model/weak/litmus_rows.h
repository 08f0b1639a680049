// SPDX-License-Identifier: Apache-2.0
//
// The litmus tests of the literature, by their names: what each is known for,
// with the orders that forbid it, and without.

#ifndef NETPOLL_MODEL_WEAK_LITMUS_ROWS_H_
#define NETPOLL_MODEL_WEAK_LITMUS_ROWS_H_

#include <vector>

#include "netpoll/model/weak/litmus.h"

namespace netpoll::model {

struct LitmusRow {
  const char* name;
  const char* outcome;  // As OutcomesOf says it.
  const char* allowed;  // By which models: a letter of "str", or a point.
  Program program;
};

std::vector<LitmusRow> TwoThreadRows();
std::vector<LitmusRow> ManyThreadRows();
std::vector<LitmusRow> CoherenceRows();
std::vector<LitmusRow> ReadModifyWriteRows();

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_WEAK_LITMUS_ROWS_H_
