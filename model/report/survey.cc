// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/survey.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "netpoll/model/engine/stepper.h"
#include "netpoll/model/report/run_graph.h"

namespace netpoll_model {
namespace {

std::uint64_t Mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0xff51afd7ed558ccdu;
  return hash ^ (hash >> 32);
}

int WordState(const Object& object, Value value) {
  const std::uint64_t bits = object.Bits(value);
  return bits > 2 ? 3 : static_cast<int>(bits);
}

// States numbered in the order of a breadth-first walk, with their edges.
class Walk {
 public:
  Walk(Tabulator& tables, int width)
      : tables_(tables), stepper_(tables, width) {
    stepper_.did = &did_;
  }

  Survey Run() {
    const std::vector<Value> initial = stepper_.Initial();
    Number(initial.data());
    std::vector<Value> next(stepper_.width());
    for (std::size_t number = 0; number < states_.size(); ++number) {
      graph_.first_edge.push_back(graph_.edges.size());
      Expand(number, next.data());
    }
    graph_.first_edge.push_back(graph_.edges.size());
    CountSites();
    graph_.runs.resize(states_.size());
    graph_.runs[0] = BigCount(1);
    graph_.Count(0, &survey_);
    return std::move(survey_);
  }

 private:
  using Text = std::u16string;

  std::uint32_t Number(const Value* state) {
    const Text text(state, state + stepper_.width());
    const auto [found, added] =
        numbers_.try_emplace(text, static_cast<std::uint32_t>(states_.size()));
    if (added) states_.push_back(&found->first);
    return found->second;
  }

  void Expand(std::size_t number, Value* next) {
    const Text& text = *states_[number];
    const std::vector<Value> state(text.begin(), text.end());
    bool end = true;
    const bool stopped = stepper_.Stopped(state.data());
    if (!stopped) {
      for (int thread = 0; thread < tables_.thread_count(); ++thread) {
        const int branches = stepper_.Branches(state.data(), thread);
        for (int branch = 0; branch < branches; ++branch) {
          did_.clear();
          if (!stepper_.Take(state.data(), thread, branch, next)) continue;
          if (!stepper_.Optional(state.data(), thread)) end = false;
          const std::uint32_t to = Number(next);
          graph_.edges.push_back(to);
          Record(number, to);
        }
      }
    }
    graph_.ends.push_back(end);
    if (end && !stopped) ++survey_.at_rest;
  }

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
      if (object == nullptr || object->role != Role::kSemaphore || lost) {
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
  Stepper stepper_;
  std::vector<Stepper::Did> did_;
  std::unordered_map<Text, std::uint32_t> numbers_;
  std::vector<const Text*> states_;
  RunGraph graph_;
  std::vector<SiteUse> uses_;
  std::map<Move, std::uint64_t> moves_;
  Survey survey_;
};

}  // namespace

void BigCount::Add(const BigCount& other) {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const std::uint64_t sum = words_[i] + other.words_[i];
    const std::uint64_t with = sum + carry;
    carry = (sum < words_[i] ? 1 : 0) + (with < sum ? 1 : 0);
    words_[i] = with;
  }
  overflowed_ = overflowed_ || other.overflowed_ || carry != 0;
}

std::string BigCount::Text() const {
  if (overflowed_) return "more than 2^256";
  std::array<std::uint64_t, 4> rest = words_;
  std::string text;
  for (;;) {
    // Divides by 10, in steps of 32 bits.
    std::uint64_t remainder = 0;
    bool zero = true;
    for (std::size_t i = rest.size(); i-- > 0;) {
      const std::uint64_t high = remainder << 32 | rest[i] >> 32;
      const std::uint64_t low = (high % 10) << 32 | (rest[i] & 0xffffffffu);
      rest[i] = (high / 10) << 32 | low / 10;
      remainder = low % 10;
      zero = zero && rest[i] == 0;
    }
    text += static_cast<char>('0' + remainder);
    if (zero) break;
  }
  std::reverse(text.begin(), text.end());
  return text;
}

Survey SurveyOf(Tabulator& tables) {
  int width = tables.thread_count() + tables.slots();
  for (;;) {
    try {
      return Walk(tables, width).Run();
    } catch (const StateTooNarrow&) {
      width = tables.thread_count() + tables.slots() + 2;
    }
  }
}

}  // namespace netpoll_model
