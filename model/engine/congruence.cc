// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/congruence.h"

#include <random>
#include <vector>

namespace netpoll::model {
namespace {

class Comparison {
 public:
  explicit Comparison(Tabulator& tables) : tables_(tables) {}

  void Edges() {
    for (int thread = 0; thread < tables_.thread_count(); ++thread) {
      for (int id = 0; id < Size(thread); ++id) {
        const std::vector<std::int32_t> next = tables_.node(thread, id).next;
        for (std::size_t answer = 0; answer < next.size(); ++answer) {
          if (next[answer] >= 0) {
            Edge(thread, id, static_cast<Value>(answer), next[answer]);
          }
        }
      }
    }
  }

  // One random schedule, and then each thread's code along its own part of it.
  void Walk(std::mt19937_64& random) {
    ++result.walks;
    Stepper stepper(tables_, tables_.thread_count() + tables_.slots() + 16);
    std::vector<Stepper::Did> step_did;
    std::vector<Stepper::Did> did;
    stepper.did = &step_did;
    std::vector<Value> state = stepper.Initial();
    std::vector<Value> next(state.size());
    for (int step = 0; step < 400; ++step) {
      std::vector<int> enabled;
      for (int thread = 0; thread < tables_.thread_count(); ++thread) {
        if (stepper.Enabled(state.data(), thread)) enabled.push_back(thread);
      }
      if (enabled.empty() || stepper.Stopped(state.data())) break;
      const int thread = enabled[random() % enabled.size()];
      const int branches = stepper.Branches(state.data(), thread);
      if (!stepper.Take(state.data(), thread,
                        static_cast<int>(random() % branches), next.data())) {
        break;
      }
      did.insert(did.end(), step_did.begin(), step_did.end());
      state = next;
    }
    for (int thread = 0; thread < tables_.thread_count(); ++thread) {
      Follow(thread, did, state[thread]);
    }
  }

  CongruenceResult result;

 private:
  int Size(int thread) const {
    return static_cast<int>(tables_.nodes(thread).size());
  }

  void Differ(int thread, const std::string& how) {
    if (++result.differences != 1) return;
    result.first = tables_.world().threads()[thread].name + ": " + how;
  }

  bool Agrees(const RunResult& run, int thread, int node) {
    const Node& known = tables_.node(thread, node);
    return run.stops == known.stops && run.ghost == known.ghost &&
           run.pending.SameAs(tables_.access(known.access));
  }

  void Edge(int thread, int from, Value answer, int to) {
    std::vector<Value> history = tables_.History(thread, from);
    history.push_back(answer);
    ++result.edges;
    if (!Agrees(tables_.RunWith(thread, history), thread, to)) {
      Differ(thread, std::string("another way to ") +
                         tables_.access(tables_.node(thread, to).access).site);
      return;
    }
    const std::vector<std::int32_t> next = tables_.node(thread, to).next;
    for (std::size_t more = 0; more < next.size(); ++more) {
      if (next[more] < 0) continue;
      history.push_back(static_cast<Value>(more));
      ++result.edges;
      if (!Agrees(tables_.RunWith(thread, history), thread, next[more])) {
        Differ(thread,
               std::string("after ") +
                   tables_.access(tables_.node(thread, to).access).site);
      }
      history.pop_back();
    }
  }

  void Follow(int thread, const std::vector<Stepper::Did>& did, int end) {
    std::vector<Value> history;
    std::vector<int> accesses;
    for (const Stepper::Did& one : did) {
      if (one.thread != thread) continue;
      history.push_back(one.response);
      accesses.push_back(one.access);
    }
    std::vector<Run::Passed> passed;
    const RunResult run = tables_.RunWith(thread, history, &passed);
    for (std::size_t i = 0; i < passed.size(); ++i) {
      ++result.accesses;
      const Access& expected = tables_.access(accesses[i]);
      if (!passed[i].access.SameAs(expected)) {
        Differ(thread, std::string(passed[i].access.site) + " instead of " +
                           expected.site);
        return;
      }
    }
    if (passed.size() != history.size() || !Agrees(run, thread, end)) {
      Differ(thread, "a whole history ends elsewhere");
    }
  }

  Tabulator& tables_;
};

}  // namespace

CongruenceResult CheckCongruence(Exploration& exploration, int walks,
                                 std::uint64_t seed) {
  CongruenceResult result;
  exploration.WithTables([&](Tabulator& tables) {
    Comparison comparison(tables);
    comparison.Edges();
    std::mt19937_64 random(seed);
    for (int i = 0; i < walks; ++i) comparison.Walk(random);
    result = comparison.result;
  });
  return result;
}

}  // namespace netpoll::model
