// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <sstream>

#include "netpoll/model/engine/crash.h"
#include "netpoll/model/engine/explore.h"
#include "netpoll/model/engine/fair_cycles.h"
#include "netpoll/model/graphs/tell_graph.h"
#include "netpoll/model/mutants/matrix.h"
#include "netpoll/model/report/replay_string.h"
#include "netpoll/model/report/source.h"
#include "netpoll/model/weak/weak_search.h"

namespace netpoll::model {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kEnd[] = ".\n";
constexpr char kSkipped[] = "skipped";

// Of a configuration under a weaker memory order: what is larger is left out.
constexpr std::uint64_t kMostGraphs = 4'000;

// A weaker memory order: what the model of C++ allows.
std::string RunOrderCell(const Variant& mutant, const Scenario& scenario) {
  std::ostringstream line;
  Exploration exploration(scenario);
  exploration.WithTables([&](Tabulator& tables) {
    WeakLimits limits;
    limits.graphs = kMostGraphs;
    const WeakResult found = ExploreGraphs(tables, MemoryModel::kRc11, limits);
    GraphStory story;
    if (!found.violation.empty()) {
      story =
          TellGraph(tables, found.graph, MemoryModel::kRc11, found.violation);
      story.variant = mutant.name;
      story.scenario = scenario.name;
    }
    line.str("");
    line << found.explored << ' ' << story.moments.size() << ' '
         << (found.complete || story.broken()) << ' '
         << (story.broken() ? story.ReplayText() : "-") << ' '
         << found.violation << '\n';
  });
  return line.str();
}

// One line: states, length, complete, replay string, violation.
std::string LineOf(const Variant& mutant, const Scenario& scenario,
                   const SearchResult& found) {
  ReplayString replay{mutant.name, scenario.name, std::string(SourceDigest()),
                      found.schedule, found.cycle};
  std::ostringstream line;
  line << found.states << ' ' << found.schedule.size() << ' '
       << (found.complete || !found.violation.empty()) << ' '
       << (found.violation.empty() ? "-" : replay.Text()) << ' '
       << found.violation << '\n';
  return line.str();
}

// The reference model is asked only where no law of its own finds the mutant:
// what goes wrong in the end says more than the first step that was not as the
// table has it.
std::string RunCell(const Variant& mutant, const Scenario& scenario,
                    std::uint64_t states) {
  if (IsOrder(mutant.weakened.how)) return RunOrderCell(mutant, scenario);
  SearchLimits limits;
  limits.states = states;
  SearchResult found;
  for (const bool refinement : {false, true}) {
    Exploration exploration(scenario, refinement);
    found = exploration.Run(limits);
    if (!found.violation.empty()) break;
  }
  return LineOf(mutant, scenario, found);
}
// A weaker order is for graphs, and those are of runs that end.
bool IsClosedCell(const Variant& mutant, const Scenario& scenario,
                  const RunOptions& options) {
  if (!options.closed || !scenario.small_closed()) return false;
  if (IsOrder(mutant.weakened.how)) return false;
  const auto only = options.closed_in.find(mutant.name);
  return only == options.closed_in.end() || only->second == scenario.name;
}

// Of runs of any length: each configuration in turn until one kills; its line,
// and "skipped" for the others. Laws of steps and states first: cycles are
// looked for only in what is explored to its end without.
class ClosedCells {
 public:
  ClosedCells(const Variant& mutant, std::size_t first,
              const RunOptions& options)
      : mutant_(mutant), cycles_at_once_(options.cycles_at_once) {
    for (std::size_t i = first; i < mutant.scenarios.size(); ++i) {
      const Scenario& scenario = mutant.scenarios[i];
      if (IsClosedCell(mutant, scenario, options)) left_.push_back(&scenario);
    }
  }

  std::string Line(const Scenario& scenario) {
    if (!ran_) Run();
    ran_ = true;
    return &scenario == killer_ ? line_ : std::string(kSkipped) + "\n";
  }

 private:
  void Run() {
    for (const bool cycles : {false, true}) {
      if (cycles_at_once_ && !cycles) continue;
      for (const Scenario* const scenario : left_) {
        if (Kills(*scenario, cycles)) return;
      }
    }
  }

  bool Kills(const Scenario& scenario, bool cycles) {
    Exploration exploration(scenario);
    SearchLimits limits;
    limits.states = cycles_at_once_ ? 5'000'000 : 2'000'000;
    SearchResult found = exploration.Run(limits);
    if (cycles && found.complete && found.violation.empty()) {
      exploration.WithTables([&](Tabulator& tables) {
        const CycleResult result = FindFairCycles(tables, limits);
        found.violation = result.violation;
        found.schedule = result.schedule;
        found.cycle = result.cycle;
      });
    }
    if (found.violation.empty()) return false;
    killer_ = &scenario;
    line_ = LineOf(mutant_, scenario, found);
    return true;
  }

  const Variant& mutant_;
  const bool cycles_at_once_;
  std::vector<const Scenario*> left_;
  const Scenario* killer_ = nullptr;
  std::string line_;
  bool ran_ = false;
};

void WriteAll(int fd, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t count = write(fd, text.data() + at, text.size() - at);
    if (count <= 0) _exit(1);
    at += static_cast<std::size_t>(count);
  }
}

// How many states of a cell are explored; 0: none.
std::uint64_t StatesOf(const Variant& mutant, const Scenario& scenario,
                       const RunOptions& options) {
  const auto only = options.bounded_in.find(mutant.name);
  const bool wanted =
      only == options.bounded_in.end() || only->second.contains(scenario.name);
  return wanted ? options.states : options.states_elsewhere;
}

bool IsBoundedCell(const Variant& mutant, const Scenario& scenario,
                   const RunOptions& options) {
  return options.bounded && scenario.small() &&
         StatesOf(mutant, scenario, options) > 0;
}

// The configurations that are run, in order.
std::vector<const Scenario*> Wanted(const Variant& mutant, std::size_t first,
                                    const RunOptions& options) {
  std::vector<const Scenario*> wanted;
  for (std::size_t i = first; i < mutant.scenarios.size(); ++i) {
    const Scenario& scenario = mutant.scenarios[i];
    if (IsBoundedCell(mutant, scenario, options) ||
        IsClosedCell(mutant, scenario, options)) {
      wanted.push_back(&scenario);
    }
  }
  return wanted;
}

// False: an exception, of memory, which must not get to whoever forked.
bool RunAll(const Variant& mutant, std::size_t first, const RunOptions& options,
            int fd) {
  try {
    ClosedCells closed(mutant, first, options);
    for (const Scenario* const scenario : Wanted(mutant, first, options)) {
      alarm(scenario->closed ? 600 : 120);
      WriteAll(fd, scenario->closed
                       ? closed.Line(*scenario)
                       : RunCell(mutant, *scenario,
                                 StatesOf(mutant, *scenario, options)));
    }
    WriteAll(fd, kEnd);
    return true;
  } catch (...) {
    return false;
  }
}

// A child that runs the configurations of one mutant from `first` on, and
// writes a line for each.
class Child {
 public:
  Child(const Variant& mutant, std::size_t first, const RunOptions& options) {
    int ends[2];
    if (pipe(ends) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      close(ends[0]);
      const rlimit no_core{0, 0};
      setrlimit(RLIMIT_CORE, &no_core);
      // Most crashes become violations with a schedule.
      CatchCrashes();
      _exit(RunAll(mutant, first, options, ends[1]) ? 0 : 1);
    }
    close(ends[1]);
    fd_ = ends[0];
  }

  int fd() const { return fd_; }

  // False at the end of the stream; then `status` is how the child ended.
  bool Read(std::string* text, int* status) {
    char buffer[4096];
    const ssize_t count = read(fd_, buffer, sizeof buffer);
    if (count > 0) {
      text->append(buffer, static_cast<std::size_t>(count));
      return true;
    }
    close(fd_);
    waitpid(pid_, status, 0);
    return false;
  }

 private:
  pid_t pid_ = -1;
  int fd_ = -1;
};

// One mutant under way.
struct Job {
  std::size_t index;
  Child child;
  std::size_t first;  // Configuration of the first line of `text`.
  std::string text;
  Clock::time_point started;
};

Cell ParseCell(const std::string& line, const Scenario& scenario) {
  Cell cell;
  cell.configuration = scenario.name;
  std::istringstream in(line);
  in >> cell.states >> cell.length >> cell.complete >> cell.replay;
  std::getline(in >> std::ws, cell.violation);
  if (cell.replay == "-") cell.replay.clear();
  return cell;
}

// Takes what a child wrote until it ended. True if the mutant is done; false
// if it crashed and configurations are left.
bool Collect(const Variant& mutant, const Job& job, const RunOptions& options,
             MutantResult* result, std::size_t* next) {
  const auto configurations = Wanted(mutant, job.first, options);
  std::istringstream lines(job.text);
  std::size_t done = 0;
  for (std::string line; std::getline(lines, line) && line + "\n" != kEnd;) {
    if (done == configurations.size()) break;
    const Scenario& scenario = *configurations[done++];
    if (line == kSkipped) continue;
    result->cells.push_back(ParseCell(line, scenario));
  }
  if (done == configurations.size()) return true;
  Cell crashed;
  crashed.configuration = configurations[done]->name;
  crashed.violation = "crash: the program crashed or did not end";
  result->cells.push_back(crashed);
  *next =
      static_cast<std::size_t>(configurations[done] - mutant.scenarios.data()) +
      1;
  return *next == mutant.scenarios.size();
}

}  // namespace

std::vector<MutantResult> RunMutants(const std::vector<const Variant*>& mutants,
                                     const RunOptions& options) {
  std::vector<MutantResult> results(mutants.size());
  std::vector<Job> jobs;
  std::size_t started = 0;
  int done = 0;
  while (started < mutants.size() || !jobs.empty()) {
    while (started < mutants.size() &&
           jobs.size() < static_cast<std::size_t>(options.workers)) {
      const Variant& mutant = *mutants[started];
      results[started].name = mutant.name;
      results[started].about = mutant.about;
      jobs.push_back({started, Child(mutant, 0, options), 0, "", Clock::now()});
      ++started;
    }
    std::vector<pollfd> waits;
    for (const Job& job : jobs) waits.push_back({job.child.fd(), POLLIN, 0});
    if (poll(waits.data(), waits.size(), -1) < 0) continue;
    for (std::size_t i = jobs.size(); i-- > 0;) {
      if (waits[i].revents == 0) continue;
      Job& job = jobs[i];
      int status = 0;
      if (job.child.Read(&job.text, &status)) continue;
      MutantResult& result = results[job.index];
      const Variant& mutant = *mutants[job.index];
      std::size_t next = 0;
      if (!Collect(mutant, job, options, &result, &next)) {
        job = {job.index, Child(mutant, next, options), next, "", job.started};
        continue;
      }
      result.seconds =
          std::chrono::duration<double>(Clock::now() - job.started).count();
      jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(i));
      ++done;
      if (options.progress) {
        options.progress(result, done, static_cast<int>(mutants.size()));
      }
    }
  }
  return results;
}

}  // namespace netpoll::model
