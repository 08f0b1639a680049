// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/survey.h"

#include <string_view>
#include <vector>

#include "netpoll/model/engine/walk.h"
#include "netpoll/model/laws/parking_laws.h"
#include "netpoll/model/report/run_graph.h"

namespace netpoll::model {
namespace {

int WordState(const Object& object, Value value) {
  const std::uint64_t bits = object.Bits(value);
  return bits > 2 ? 3 : static_cast<int>(bits);
}

class Counter {
 public:
  Counter(Tabulator& tables, int width)
      : tables_(tables), walk_(tables, width) {
    walk_.stepper().did = &did_;
  }

  Survey Run(std::uint64_t most_states) {
    most_states_ = most_states;
    walk_.Add(walk_.stepper().Initial().data());
    survey_.complete = walk_.Run(*this);
    if (!survey_.complete) return std::move(survey_);
    graph_.first_edge.push_back(graph_.edges.size());
    CountSites();
    graph_.runs.resize(walk_.states().size());
    graph_.runs[0] = BigCount(1);
    graph_.Count(0, &survey_);
    return std::move(survey_);
  }

  bool Enter(std::uint32_t) {
    graph_.first_edge.push_back(graph_.edges.size());
    return walk_.states().size() <= most_states_;
  }

  bool Step(std::uint32_t, Choice) { return true; }

  bool Come(std::uint32_t from, Choice, std::uint32_t to, bool) {
    graph_.edges.push_back(to);
    Record(from, to);
    return true;
  }

  void Leave(std::uint32_t, Outlook outlook) {
    graph_.ends.push_back(outlook != Outlook::kGoesOn);
    if (outlook == Outlook::kRests) ++survey_.at_rest;
  }

 private:
  void Record(std::size_t from, std::uint32_t to) {
    std::uint64_t hash = Mix(survey_.digest, from);
    hash = Mix(hash, to);
    for (const Stepper::Did& did : did_) {
      hash = Mix(hash, HashOf(did.access));
      hash = Mix(hash, did.thread << 1 | (did.before != did.after ? 1 : 0));
      const Access& access = tables_.access(did.access);
      if (did.access >= static_cast<int>(uses_.size())) {
        uses_.resize(did.access + 1);
      }
      ++uses_[did.access].taken;
      const bool lost = access.op == Op::kCas && did.response == 0;
      if (access.op == Op::kCas) ++uses_[did.access].exchanges;
      if (lost) ++uses_[did.access].failed;
      const Object* const object = access.object;
      if (object == nullptr || RoleOf(*object) != Role::kSemaphore || lost) {
        continue;
      }
      ++moves_[{did.access, WordState(*object, did.before),
                WordState(*object, did.after)}];
    }
    survey_.digest = hash;
  }

  std::uint64_t HashOf(int id) {
    const Access& access = tables_.access(id);
    std::uint64_t hash = static_cast<std::uint64_t>(access.op) << 8;
    hash |= access.order;
    for (const char c : std::string_view(access.site)) {
      hash = Mix(hash, static_cast<unsigned char>(c));
    }
    return hash;
  }

  void CountSites() {
    for (std::size_t id = 0; id < uses_.size(); ++id) {
      if (uses_[id].taken == 0) continue;
      const Access& access = tables_.access(static_cast<int>(id));
      SiteUse& use = survey_.sites[access.site];
      use.taken += uses_[id].taken;
      use.exchanges += uses_[id].exchanges;
      use.failed += uses_[id].failed;
    }
    for (const auto& [move, count] : moves_) {
      const Access& access = tables_.access(move.access);
      survey_.word_moves[{access.site, move.from, move.to,
                          access.op != Op::kLoad}] += count;
    }
  }

  struct Move {
    int access;
    int from;
    int to;
    friend auto operator<=>(const Move&, const Move&) = default;
  };

  Tabulator& tables_;
  Walk walk_;
  std::uint64_t most_states_ = 0;
  std::vector<Stepper::Did> did_;
  RunGraph graph_;
  std::vector<SiteUse> uses_;
  std::map<Move, std::uint64_t> moves_;
  Survey survey_;
};

}  // namespace

Survey SurveyOf(Tabulator& tables, std::uint64_t most_states) {
  return WithRoom(tables, [&](int width) {
    return Counter(tables, width).Run(most_states);
  });
}

}  // namespace netpoll::model
