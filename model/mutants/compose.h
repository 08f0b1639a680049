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
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/model/mutants/row.h"
#include "netpoll/model/source/reach.h"

namespace netpoll::model {

// Text by path from the root of the repository.
using Sources = std::map<std::string, std::string>;

// The matrix: it lists each family of scenarios. A mutant gets the families
// that contain the source which it changes.
inline constexpr char kMatrixSource[] = "model/scenarios/families.inc";

// A family of scenarios, and everything that it includes and that implements
// it.
struct ComposedFamily {
  Family family;
  std::set<std::string> files;
};

// What all mutants of a unit have written so far.
struct ComposedUnit {
  std::string text;
  // Headers of what is compiled once for all, before any namespace is renamed.
  std::set<std::string> outside;
};

class Composer {
 public:
  // Names of families, by the name of a mutant.
  using Only = std::map<std::string, std::set<std::string>>;

  explicit Composer(Sources sources);

  // A mutant that is named gets no other families.
  void Limit(Only only) { only_ = std::move(only); }

  // False, and `why`, if a row does not fit the sources.
  bool Compose(const std::vector<Row>& rows, std::string* out,
               std::string* why);

 private:
  bool IsWanted(const ComposedFamily& composed, const Row& row) const;
  bool Write(const Row& row, ComposedUnit& unit, std::string* why);

  Sources sources_;
  // The same without comments, of those that were asked for.
  std::map<std::string, std::string> bare_;
  std::vector<ComposedFamily> families_;
  Only only_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_MUTANTS_COMPOSE_H_
