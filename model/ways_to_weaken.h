// SPDX-License-Identifier: Apache-2.0
//
// In which ways an access of the interleavings can be made weaker: for tests
// that try each.

#ifndef NETPOLL_MODEL_WAYS_TO_WEAKEN_H_
#define NETPOLL_MODEL_WAYS_TO_WEAKEN_H_

#include <vector>

#include "netpoll/model/engine/object.h"
#include "netpoll/model/engine/weaken.h"

namespace netpoll::model {

inline std::vector<Weakness> WaysToWeaken(const Access& access) {
  switch (access.op) {
    case Op::kCas:
      return {Weakness::kSplit, Weakness::kBlind, Weakness::kDropped};
    case Op::kExchange:
    case Op::kAdd:
      return {Weakness::kSplit};
    case Op::kStore:
      return {Weakness::kDropped};
    case Op::kAcquire:
      return {Weakness::kUnlocked};
    default:
      return {};
  }
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_WAYS_TO_WEAKEN_H_
