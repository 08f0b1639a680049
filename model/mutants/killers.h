// SPDX-License-Identifier: Apache-2.0
//
// In which families of configurations a mutant dies, as the golden files have
// it: one that is to die there again needs no others compiled.

#ifndef NETPOLL_MODEL_MUTANTS_KILLERS_H_
#define NETPOLL_MODEL_MUTANTS_KILLERS_H_

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace netpoll::model {

// Of each mutant that dies, the names of the families. `matrix` and `closed`
// are the golden files of those names; `families` has a line "configuration
// family" of each. A mutant with a killer that is not there has none here: it
// may die anywhere.
std::map<std::string, std::set<std::string>> KillingFamilies(
    std::string_view matrix, std::string_view closed,
    const std::string& families);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_MUTANTS_KILLERS_H_
