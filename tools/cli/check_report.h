// SPDX-License-Identifier: Apache-2.0
//
// What netpoll check says: a line for each configuration that holds; if some
// are broken, the verdict, the shortest counterexample, and a line for each
// other. Or all of it as one JSON object (docs/counterexamples.md).

#ifndef NETPOLL_TOOLS_CLI_CHECK_REPORT_H_
#define NETPOLL_TOOLS_CLI_CHECK_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "netpoll/model/report/check.h"
#include "netpoll/tools/cli/left_out.h"
#include "netpoll/tools/common/json.h"

namespace netpoll::tools {

struct CheckOutput {
  std::string variant = "shipped";
  bool whole = false;  // The whole matrix: what it does not meet is judged.
  bool all = false;    // Every counterexample, in full.
  bool json = false;
};

// One that is broken, however it was explored.
struct Broken {
  std::string configuration;
  std::string violation;
  std::string who;  // The task that it is about; may be empty.
  std::size_t steps = 0;
  // While its world was made, or of arithmetic: no schedule leads there.
  bool at_once = false;
  std::string text;  // In full.
};

// "BROKEN: 31 configurations, 1 kind, shortest 16 steps in read-past-cleared",
// the shortest in full, and a line for each other; with `all` each in full.
std::string VerdictText(const std::vector<Broken>& broken, bool all, int width);
// The place of the shortest, which has a schedule if any has.
std::size_t Shortest(const std::vector<Broken>& broken);

// Numbers that every reader of JSON keeps, or else a string.
JsonObject& AddExact(JsonObject& json, const char* name, std::uint64_t number);

// What --json prints. Members are JSON where they are no plain words.
struct CheckJson {
  std::string variant;
  std::string memory_model;
  bool holds = false;
  std::string coverage;
  std::string summary;
  std::vector<std::string> left_out = {};
  std::vector<std::string> results;

  std::string Text() const;
};

class CheckReport {
 public:
  explicit CheckReport(const CheckOutput& wanted, LeftOut left_out = {});

  // In the order in which they are to be told.
  void Add(const model::Verdict& verdict);
  // What one of those left out met when it was explored.
  void AddMet(const model::WordMoves& moves, const model::SiteUses& sites) {
    certificate_.AddMet(moves, sites);
  }
  // So many, of runs of any length, wait until all others hold.
  void Postpone(std::size_t configurations) { postponed_ = configurations; }
  // The rest, and the exit status. Once; also of what was cut short.
  int Finish(double seconds);

  bool failed() const { return !broken_.empty() || cut_off_ != 0; }
  const std::vector<model::Verdict>& verdicts() const { return verdicts_; }
  // The one with the shortest counterexample, or null.
  const model::Verdict* shortest() const;

 private:
  void AddBroken(const model::Verdict& verdict);
  std::string Summary() const;
  std::string WholeJson(double seconds) const;
  bool holds() const;
  bool judges_coverage() const { return wanted_.whole && !failed(); }

  const CheckOutput wanted_;
  const LeftOut left_out_;
  const int columns_;  // Of the tables; a file takes everything.
  model::Certificate certificate_;
  std::vector<model::Verdict> verdicts_;
  std::string closed_;  // Lines of the closed configurations.
  std::vector<Broken> broken_;
  std::vector<std::size_t> broken_at_;  // Of verdicts_.
  std::uint64_t reduced_ = 0;
  std::uint64_t reduced_from_ = 0;
  int cut_off_ = 0;
  std::size_t postponed_ = 0;
};

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_CLI_CHECK_REPORT_H_
