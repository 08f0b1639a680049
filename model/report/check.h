// SPDX-License-Identifier: Apache-2.0
//
// Explores configurations and says what was found: a certificate, or a
// counterexample.

#ifndef NETPOLL_MODEL_REPORT_CHECK_H_
#define NETPOLL_MODEL_REPORT_CHECK_H_

#include <functional>
#include <string>
#include <vector>

#include "netpoll/model/engine/fair_cycles.h"
#include "netpoll/model/engine/first_search.h"
#include "netpoll/model/report/coverage.h"
#include "netpoll/model/report/replay_string.h"
#include "netpoll/model/report/story.h"
#include "netpoll/model/report/survey.h"

namespace netpoll::model {

// Broken between words to lines of at most `width`, the later ones indented.
std::string Wrapped(const std::string& text, int width,
                    const std::string& indent);

// A diagnosis for the terminal: the law, and a line for each fact.
std::string Told(const Diagnosis& diagnosis, int width);

// A story that broke a property: diagnosis, lanes, replay string.
std::string Counterexample(const Story& story, int width);

struct Verdict {
  std::string variant;
  std::string scenario;
  std::string about;
  SearchResult result;
  Survey survey;       // If every property held.
  CycleResult cycles;  // Of a closed configuration.
  bool closed() const { return cycles.complete; }
  // With partial-order reduction, which must lead to the same states at rest;
  // 0: it was not asked for, or the graph has cycles.
  std::uint64_t reduced_states = 0;
  Story story;  // If one was broken.
  std::string violation;
  double seconds = 0;

  bool ok() const { return violation.empty() && result.complete; }
  std::string Counterexample(int width) const;
};

// How far the exploration of one configuration is: it goes through its states
// several times.
struct CheckProgress {
  const std::string& scenario;
  int pass = 0;    // From 1.
  int passes = 0;  // At most so many.
  std::uint64_t states = 0;
};

struct CheckOptions {
  SearchLimits limits;
  // Called now and then, by the thread that explores.
  std::function<void(const CheckProgress&)> progress;
  // Explores once more, reduced, and compares. The verdict is that of the full
  // search in any case.
  bool reduction = true;
};

// Explores one configuration. Its counterexample is a shortest one with the
// fewest switches, and has been replayed twice.
Verdict Check(const std::string& variant, const Scenario& scenario,
              const CheckOptions& options = {});

// Many, `workers` at a time. `done` is called in order, from this thread.
void CheckAll(const Variant& variant, const std::vector<Scenario>& scenarios,
              const CheckOptions& options, int workers,
              const std::function<void(const Verdict&)>& done);

const Variant* FindVariant(const std::string& name);
const Scenario* FindScenario(const Variant& variant, const std::string& name);

// Replays twice, and compares: a difference is a hidden input of the code under
// test, and is reported as the story's violation.
Story TellTwice(const std::string& variant, const Scenario& scenario,
                const std::vector<Choice>& schedule, int cycle = -1);

// Of tables: everything, whatever the width, or what fits these columns.
inline constexpr int kEverything = 0;

// The table of the closed configurations: its head, and a line. What it lists
// last are the laws that no cycle breaks.
std::string ClosedHead(int columns = kEverything);
std::string ClosedLine(const Verdict& verdict, int columns = kEverything);

// The table of a certificate: its head, a line, and the sum of the lines. Where
// all does not fit, the digest is left out, and large numbers are rounded.
class Certificate {
 public:
  static std::string Head(int columns = kEverything);
  static std::string Line(const Verdict& verdict, int columns = kEverything);
  void Add(const Verdict& verdict);
  // What one met that is not explored again.
  void AddMet(const WordMoves& moves, const SiteUses& sites);
  std::string Total(int columns = kEverything) const;
  Coverage coverage() const { return CoverageOf(moves_, sites_); }
  const WordMoves& word_moves() const { return moves_; }

 private:
  int configurations_ = 0;
  std::uint64_t states_ = 0;
  std::uint64_t transitions_ = 0;
  WordMoves moves_;
  SiteUses sites_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_CHECK_H_
