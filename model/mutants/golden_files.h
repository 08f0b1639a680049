// SPDX-License-Identifier: Apache-2.0
//
// The checked-in files that the results are compared with.

#ifndef NETPOLL_MODEL_MUTANTS_GOLDEN_FILES_H_
#define NETPOLL_MODEL_MUTANTS_GOLDEN_FILES_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "netpoll/model/mutants/matrix.h"

namespace netpoll::model {

inline constexpr char kGoldenFile[] = "model/mutants/matrix.golden";
inline constexpr char kReasonsFile[] = "model/mutants/reasons.txt";
inline constexpr char kClosedGoldenFile[] =
    "model/mutants/closed_matrix.golden";
inline constexpr char kClosedReasonsFile[] = "model/mutants/closed_reasons.txt";
// For each configuration of the shipped source, its family.
inline constexpr char kFamiliesFile[] = "model/mutants/families.golden";
inline constexpr char kDocsFile[] = "docs/mutants.md";

// Lines "configuration: reason"; # starts a comment.
Reasons ParseReasons(const std::string& text);

// The small configurations of the matrix, in its order.
std::vector<std::string> Configurations();

// kFamiliesFile.
std::string FamiliesGolden();

// Of each mutant of kGoldenFile's text, where it dies.
std::map<std::string, std::set<std::string>> KilledIn(
    const std::string& golden);

// `page` with what is between its two markers replaced by `table`. Empty if a
// marker is missing.
std::string WithTable(const std::string& page, const std::string& table);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_MUTANTS_GOLDEN_FILES_H_
