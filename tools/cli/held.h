// SPDX-License-Identifier: Apache-2.0
//
// What an edit can change. A configuration is decided by the files that its
// family includes, and by what explores it; while none of these is another one
// than when it last held, it holds. A file is known by its text without the
// lines that are comments.
//
// The record of what held is a file that tools/netpoll names
// (NETPOLL_HELD in the environment): without one everything is explored.

#ifndef NETPOLL_TOOLS_CLI_HELD_H_
#define NETPOLL_TOOLS_CLI_HELD_H_

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/report/check.h"
#include "netpoll/model/source/reach.h"

namespace netpoll::tools {

// The files that this program was made of.
struct DecidingSources {
  std::map<std::string, std::string> digests;  // By path.
  model::Includes includes;
  std::vector<model::Family> families;
};
const DecidingSources& CompiledSources();

// The files that a family is made of, down to `leaf` as Reach has it.
std::set<std::string> FilesOf(const DecidingSources& sources,
                              const model::Family& family,
                              std::string_view leaf = "");

// What explored, compiler and all, apart from the sources.
std::string Compiler();

class HeldRecord {
 public:
  // `file` may be empty, or not be there: nothing is known then.
  HeldRecord(std::string file, const DecidingSources& sources,
             const std::string& compiler);

  // Whether everything of the matrix has held, once.
  bool HeldAll() const { return !all_held_.empty(); }
  // Whether it held when it was what it is now.
  bool Holds(const model::Scenario& scenario) const;
  // The files that are not as they were when everything held last.
  std::vector<std::string> Changed() const;
  // What was met in one that holds.
  const model::WordMoves& moves(const std::string& configuration) const;
  const model::SiteUses& sites(const std::string& configuration) const;

  // Of the shipped source, and nothing left out of it.
  void Add(const model::Scenario& scenario, const model::Verdict& verdict);
  // `all`: everything of the matrix holds. What can't be written is left.
  void Write(bool all);

 private:
  struct Held {
    std::string key;
    model::WordMoves moves;
    model::SiteUses sites;
  };

  // Stands for all that decides about a family's configurations.
  std::string KeyOf(const std::string& family) const;
  void Read();

  const std::string file_;
  const DecidingSources& sources_;
  std::map<std::string, std::string> keys_;      // By family.
  std::map<std::string, std::string> all_held_;  // Digests, by path.
  std::map<std::string, Held> held_;             // By configuration.
};

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_HELD_H_
