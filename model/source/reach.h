// SPDX-License-Identifier: Apache-2.0
//
// Which files a file is compiled from: what it includes of this repository, and
// what implements that.

#ifndef NETPOLL_MODEL_SOURCE_REACH_H_
#define NETPOLL_MODEL_SOURCE_REACH_H_

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace netpoll::model {

// By path from the root of the repository: the paths that a file includes.
using Includes = std::map<std::string, std::vector<std::string>>;

// The path in `#include "netpoll/PATH"`, or empty.
std::string Included(std::string_view line);

// Of a whole text.
std::vector<std::string> AllIncluded(const std::string& text);

// Whose Env the model's own stands for: what that one alone is made of is not
// explored by way of it.
inline constexpr std::string_view kSeam = "core/concurrency.h";

// Adds `file`, everything that it includes, and what implements that: "a/b.cc",
// or "a/b_c.cc", of "a/b.h". It ends at `leaf`, whose own includes are not
// looked at. What `files` does not have is left out.
void Reach(const std::string& file, const Includes& files,
           std::string_view leaf, std::set<std::string>* reached);

// A family of configurations, as model/scenarios/families.inc has it.
struct Family {
  std::string name;    // AddNAMEScenarios adds them.
  std::string header;  // And this is where it is.
};
std::vector<Family> FamiliesIn(std::string_view text);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SOURCE_REACH_H_
