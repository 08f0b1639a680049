// SPDX-License-Identifier: Apache-2.0
//
// Where the accesses of a run are written, and what plain fields are called
// there: a field has no site, but its line of the source has a name for it.

#ifndef NETPOLL_MODEL_REPORT_PLACES_H_
#define NETPOLL_MODEL_REPORT_PLACES_H_

#include <string>
#include <string_view>

#include "netpoll/model/engine/tabulate.h"

namespace netpoll::model {

// "core/poll_desc.h:125", or nothing. An access that a helper of the seam makes
// is where its site is written.
std::string PlaceOf(const Access& access, const Place& place);

// "state" of "state_.Set(...)", from what is written at "core/poll_desc.h:380";
// empty if that does not say. `op` is kGet or kSet.
std::string FieldAt(std::string_view place, Op op);

// Fields that have no name get the one that the source has, with a number if
// another object of the world has it too. Those that threads have come to.
void NameFields(Tabulator& tables);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_PLACES_H_
