// SPDX-License-Identifier: Apache-2.0
//
// Writes mutants as one translation unit: for each of them core, the seam and
// the scenarios, with the mutant's change. Only the explorer stays outside; it
// is compiled once for all. Several mutants share a unit because reading the
// standard library's headers costs as much as half a mutant.
//
// The namespace netpoll gets a name of the mutant's own, so all mutants link
// into one program. static_assert is muted: the tables beside the pure
// functions would refuse many mutants at compile time, and it is the explorer
// that is to find them.

#ifndef NETPOLL_MODEL_MUTANTS_COMPOSE_H_
#define NETPOLL_MODEL_MUTANTS_COMPOSE_H_

#include <map>
#include <string>
#include <vector>

#include "netpoll/model/mutants/row.h"

namespace netpoll::model {

// Text by path from the root of the repository.
using Sources = std::map<std::string, std::string>;

// The matrix: it lists each family of scenarios. A mutant gets the families
// that contain the source which it changes.
inline constexpr char kMatrixSource[] = "model/scenarios/families.inc";

// False, and `why`, if a row does not fit the sources.
bool Compose(const std::vector<Row>& rows, const Sources& sources,
             std::string* out, std::string* why);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_MUTANTS_COMPOSE_H_
