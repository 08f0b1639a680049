// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/object.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace netpoll::model {

const char* Name(Op op) {
  switch (op) {
    case Op::kLoad:
      return "load";
    case Op::kStore:
      return "store";
    case Op::kExchange:
      return "exchange";
    case Op::kAdd:
      return "add";
    case Op::kCas:
      return "cas";
    case Op::kCall:
      return "step";
    case Op::kAcquire:
      return "lock";
    case Op::kTryAcquire:
      return "try-lock";
    case Op::kRelease:
      return "unlock";
    case Op::kGet:
      return "read";
    case Op::kSet:
      return "write";
    case Op::kChoose:
      return "choose";
    case Op::kMay:
      return "may";
    case Op::kEnd:
      return "end";
  }
  return "?";
}

void CheckRoom(std::size_t used, const char* what) {
  if (used <= std::numeric_limits<Value>::max()) return;
  std::fprintf(stderr, "netpoll model: there are more than 65536 %s\n", what);
  std::abort();
}

bool Access::SameAs(const Access& other) const {
  return op == other.op && order == other.order && optional == other.optional &&
         rests == other.rests && unseen == other.unseen &&
         wakes == other.wakes && object == other.object &&
         std::strcmp(site, other.site) == 0 && a == other.a && b == other.b &&
         number == other.number && call == other.call;
}

}  // namespace netpoll::model
