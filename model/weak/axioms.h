// SPDX-License-Identifier: Apache-2.0
//
// What the memory models say beyond coherence and atomicity, which graphs keep
// while they grow.

#ifndef NETPOLL_MODEL_WEAK_AXIOMS_H_
#define NETPOLL_MODEL_WEAK_AXIOMS_H_

#include <vector>

#include "netpoll/model/weak/event_graph.h"

namespace netpoll::model {

// SC: program order, reads-from, modification order and from-reads together
// have no cycle. The second one gives an order of the events, if there is one.
bool IsSequentiallyConsistent(const EventGraph& graph);
bool OneOrder(const EventGraph& graph, std::vector<int>* order);

// TSO: the same without the order from a store to later loads of its thread,
// unless a read-modify-write or a seq_cst store is between or at either end,
// and without a thread's reading of its own stores.
bool IsTotalStoreOrder(const EventGraph& graph);

// RC11's psc, for accesses (there are no fences): has no cycle.
bool SeqCstIsPartialOrder(const EventGraph& graph);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_WEAK_AXIOMS_H_
