// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/check.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

#include "netpoll/model/engine/crash.h"
#include "netpoll/model/engine/explore.h"
#include "netpoll/model/engine/full_search.h"
#include "netpoll/model/report/part.h"
#include "netpoll/model/report/pictures.h"

namespace netpoll::model {
namespace {

// The two ways through the graph must agree about it.
std::string Disagreement(const SearchResult& result, const Survey& survey) {
  if (result.states == survey.states &&
      result.transitions == survey.transitions &&
      result.at_rest == survey.at_rest) {
    return "";
  }
  return "the search and the survey disagree: " +
         std::to_string(result.states) + " states and " +
         std::to_string(survey.states) + ", " +
         std::to_string(result.transitions) + " transitions and " +
         std::to_string(survey.transitions);
}

}  // namespace

Story TellTwice(const std::string& variant, const Scenario& scenario,
                const std::vector<Choice>& schedule, int cycle) {
  Story story = Tell(variant, scenario, schedule, cycle);
  if (!(story == Tell(variant, scenario, schedule, cycle))) {
    story.violation =
        "not deterministic: the schedule ran differently the second time";
  }
  return story;
}

namespace {

// The passes of one configuration, as they are told to whoever waits.
class Passes {
 public:
  Passes(const Scenario& scenario, const CheckOptions& options)
      : options_(options), now_{scenario.name} {
    const bool once = scenario.deep || scenario.huge;
    now_.passes = (once ? 1 : 2) + (scenario.closed ? 1 : 0) +
                  (options.reduction && !scenario.closed ? 1 : 0);
  }

  // What the next search is limited by.
  SearchLimits Next() {
    now_.pass = std::min(now_.pass + 1, now_.passes);
    Tell(0);
    SearchLimits limits = options_.limits;
    limits.progress = [this](std::uint64_t states, int, std::uint64_t) {
      Tell(states);
    };
    return limits;
  }

 private:
  void Tell(std::uint64_t states) {
    now_.states = std::max(now_.states, states);
    if (options_.progress) options_.progress(now_);
  }

  const CheckOptions& options_;
  CheckProgress now_;
};

// Small: two ways through the graph, which must agree.
void ExploreTwice(Exploration& exploration, Passes& passes, Verdict& verdict) {
  verdict.result = exploration.Run(passes.Next());
  verdict.violation = verdict.result.violation;
  if (!verdict.violation.empty() || !verdict.result.complete) return;
  (void)passes.Next();
  exploration.WithTables(
      [&verdict](Tabulator& tables) { verdict.survey = SurveyOf(tables); });
  verdict.violation = Disagreement(verdict.result, verdict.survey);
}

// Large: once, and a second time only for a shortest counterexample.
void ExploreLarge(Exploration& exploration, Passes& passes, Verdict& verdict) {
  const PartResult whole = ExplorePart(exploration, {.limits = passes.Next()});
  if (!whole.violation.empty()) {
    verdict.result = exploration.Run(passes.Next());
    verdict.violation = whole.violation;
    return;
  }
  verdict.survey = whole.survey;
  verdict.result.complete = whole.complete;
  verdict.result.states = whole.survey.states;
  verdict.result.transitions = whole.survey.transitions;
}

// Runs without end. The graph is walked once more, which must agree.
void GoRound(Exploration& exploration, Passes& passes, Verdict& verdict) {
  exploration.WithTables([&](Tabulator& tables) {
    verdict.cycles = FindFairCycles(tables, passes.Next());
  });
  const CycleResult& cycles = verdict.cycles;
  verdict.result.complete = cycles.complete;
  verdict.violation = cycles.violation;
  if (verdict.ok() && (cycles.states != verdict.survey.states ||
                       cycles.transitions != verdict.survey.transitions)) {
    verdict.violation = "the search and the graph of its cycles disagree";
  }
}

void Reduce(Exploration& exploration, Verdict& verdict) {
  Tabulator& tables = exploration.tables();
  const FullResult full = FullSearch(tables, {});
  if (!full.fits) return;
  const FullResult reduced = FullSearch(tables, {.reduction = true});
  verdict.reduced_states = reduced.states;
  if (reduced.at_rest != full.at_rest) {
    verdict.violation = "the reduced search lost states at rest";
  }
}

}  // namespace

Verdict Check(const std::string& variant, const Scenario& scenario,
              const CheckOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  Verdict verdict;
  verdict.variant = variant;
  verdict.scenario = scenario.name;
  verdict.about = scenario.about;
  Exploration exploration(scenario);
  Passes passes(scenario, options);
  if (!scenario.deep && !scenario.huge) {
    ExploreTwice(exploration, passes, verdict);
  } else {
    ExploreLarge(exploration, passes, verdict);
  }
  if (scenario.closed && verdict.ok()) {
    GoRound(exploration, passes, verdict);
  }
  if (options.reduction && verdict.ok() && verdict.survey.acyclic) {
    (void)passes.Next();
    Reduce(exploration, verdict);
  }
  if (!verdict.result.violation.empty()) {
    std::vector<Choice> schedule;
    exploration.WithTables([&](Tabulator& tables) {
      schedule = FewestSwitches(tables, verdict.result);
    });
    verdict.story = TellTwice(variant, scenario, schedule);
  } else if (!verdict.cycles.violation.empty()) {
    verdict.story = TellTwice(variant, scenario, verdict.cycles.schedule,
                              verdict.cycles.cycle);
  }
  if (verdict.story.broken()) verdict.violation = verdict.story.violation;
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  verdict.seconds = taken.count();
  return verdict;
}

namespace {

// What looks at the states may meet what it did not expect, and there may be
// more states than memory.
Verdict CheckGuarded(const std::string& variant, const Scenario& scenario,
                     const CheckOptions& options) {
  Verdict verdict;
  const char* const crash = CrashOf(
      [&] {
        try {
          verdict = Check(variant, scenario, options);
        } catch (const std::bad_alloc&) {  // It is cut off.
        }
      },
      /*timed=*/false);
  verdict.variant = variant;
  verdict.scenario = scenario.name;
  verdict.about = scenario.about;
  if (crash != nullptr) {
    verdict.violation = std::string(crash) + ", where its states are looked at";
  }
  return verdict;
}

}  // namespace

void CheckAll(const Variant& variant, const std::vector<Scenario>& scenarios,
              const CheckOptions& options, int workers,
              const std::function<void(const Verdict&)>& done) {
  std::mutex mutex;
  std::condition_variable ready;
  std::vector<std::unique_ptr<Verdict>> verdicts(scenarios.size());
  std::size_t next = 0;
  const auto work = [&] {
    for (;;) {
      std::size_t mine;
      {
        const std::lock_guard<std::mutex> hold(mutex);
        if (next == scenarios.size()) return;
        mine = next++;
      }
      auto verdict = std::make_unique<Verdict>(
          CheckGuarded(variant.name, scenarios[mine], options));
      const std::lock_guard<std::mutex> hold(mutex);
      verdicts[mine] = std::move(verdict);
      ready.notify_one();
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < workers; ++i) threads.emplace_back(work);
  for (std::unique_ptr<Verdict>& verdict : verdicts) {
    {
      std::unique_lock<std::mutex> hold(mutex);
      ready.wait(hold, [&verdict] { return verdict != nullptr; });
    }
    done(*verdict);
    verdict.reset();
  }
  for (std::thread& thread : threads) thread.join();
}

const Variant* FindVariant(const std::string& name) {
  for (const Variant& variant : Variants()) {
    if (variant.name == name) return &variant;
  }
  return nullptr;
}

const Scenario* FindScenario(const Variant& variant, const std::string& name) {
  for (const Scenario& scenario : variant.scenarios) {
    if (scenario.name == name) return &scenario;
  }
  return nullptr;
}

std::string Wrapped(const std::string& text, int width,
                    const std::string& indent) {
  std::string wrapped;
  std::string line;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (line.size() > indent.size() &&
        line.size() + 1 + word.size() > static_cast<std::size_t>(width)) {
      wrapped += line + "\n";
      line = indent;
    }
    if (!line.empty() && line != indent) line += ' ';
    line += word;
    at = end + 1;
  }
  return wrapped + line + "\n";
}

std::string Told(const Diagnosis& diagnosis, int width) {
  std::string text = Wrapped(diagnosis.headline, width, "  ");
  for (const std::string& fact : diagnosis.facts) {
    text += Wrapped("- " + fact, width, "  ");
  }
  return text;
}

std::string Counterexample(const Story& story, int width) {
  return Told(Diagnose(story), width) + "\n" + Lanes(story, width) + "\n" +
         StepsOf(story) + ", " +
         (story.cycle < 0 ? ""
                          : "round and round after step " +
                                std::to_string(story.cycle) + ", ") +
         SwitchesOf(story) + "; to see it again:\n  " +
         ReplayCommand(ReplayStringOf(story)) + "\n";
}

std::string Verdict::Counterexample(int width) const {
  if (!story.broken()) return violation + "\n";
  return model::Counterexample(story, width);
}

void Certificate::Add(const Verdict& verdict) {
  ++configurations_;
  states_ += verdict.survey.states;
  transitions_ += verdict.survey.transitions;
  AddMet(verdict.survey.word_moves, verdict.survey.sites);
}

void Certificate::AddMet(const WordMoves& moves, const SiteUses& sites) {
  for (const auto& [move, count] : moves) moves_[move] += count;
  for (const auto& [site, use] : sites) {
    sites_[site].taken += use.taken;
    sites_[site].exchanges += use.exchanges;
    sites_[site].failed += use.failed;
  }
}

}  // namespace netpoll::model
