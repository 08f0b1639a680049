// SPDX-License-Identifier: Apache-2.0
//
// Programs of a few accesses, written as tables, and the outcomes that a memory
// model allows them.

#ifndef NETPOLL_MODEL_WEAK_LITMUS_H_
#define NETPOLL_MODEL_WEAK_LITMUS_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "netpoll/core/concurrency.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {

// One statement. Words are x, y, z, w; plain fields and locks have the same
// names.
struct Statement {
  enum class Do : std::uint8_t {
    kLoad,  // Its value is part of the outcome.
    kStore,
    kExchange,  // So is the value before; as of kAdd.
    kAdd,
    kCas,   // From `expected` to `value`: whether it succeeded.
    kRead,  // Of a plain field.
    kWrite,
    kLock,
    kTryLock,  // Whether it has it; if not, the thread ends.
    kUnlock,
    kWait,       // A step of the environment: takes 1, blocks while it is 0;
    kSignal,     // puts 1.
    kMaySignal,  // Or never does.
    kEndUnless,  // The thread ends unless its last value is `value`.
  };
  Do what;
  char word = 'x';
  int value = 0;
  Order order = Order::kSeqCst;
  int expected = 0;
};

using Program = std::vector<std::vector<Statement>>;

// Short to write: Load('x', kAcquire).
inline Statement Load(char word, Order order = Order::kSeqCst) {
  return {Statement::Do::kLoad, word, 0, order};
}
inline Statement Store(char word, int value, Order order = Order::kSeqCst) {
  return {Statement::Do::kStore, word, value, order};
}
inline Statement Exchange(char word, int value, Order order = Order::kSeqCst) {
  return {Statement::Do::kExchange, word, value, order};
}
inline Statement Add(char word, int value, Order order = Order::kSeqCst) {
  return {Statement::Do::kAdd, word, value, order};
}
inline Statement Cas(char word, int expected, int value,
                     Order order = Order::kSeqCst) {
  return {Statement::Do::kCas, word, value, order, expected};
}
inline Statement Make(Statement::Do what, char word, int value = 0) {
  return {what, word, value};
}

Scenario Litmus(const Program& program, std::set<std::string>* outcomes);

struct Outcomes {
  // What was read, thread by thread, "1 0|1"; then the values at the end of
  // the words that are written, "x=2 y=1". Of a thread that waits: "-".
  std::set<std::string> all;
  WeakResult result;
};

enum class Search : std::uint8_t { kOracle, kReduced };

Outcomes OutcomesOf(const Program& program, MemoryModel model,
                    Search search = Search::kReduced);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_WEAK_LITMUS_H_
