// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/weak/litmus.h"

#include <cstring>
#include <optional>
#include <utility>

#include "netpoll/model/engine/explore.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/model_env.h"

namespace netpoll::model {
namespace {

using Env = ModelEnv<2>;

constexpr int kWords = 4;

int WordOf(char name) { return name == 'w' ? 3 : name - 'x'; }

// What a thread has read: up to seven values below 15.
struct Registers {
  std::uint32_t values = 0;

  void Add(int value) {
    values = values << 4 | static_cast<unsigned>(value + 1);
  }
  int last() const { return static_cast<int>(values & 15) - 1; }
  std::string Text() const {
    std::string text;
    for (int shift = 28; shift >= 0; shift -= 4) {
      const unsigned value = values >> shift & 15;
      if (value == 0) continue;
      if (!text.empty()) text += " ";
      text += std::to_string(value - 1);
    }
    return text;
  }
};

class LitmusWorld : public World {
 public:
  LitmusWorld(const Program& program, std::set<std::string>* outcomes)
      : program_(program), outcomes_(outcomes) {
    for (std::size_t i = 0; i < program_.size(); ++i) {
      AddThread("T" + std::to_string(i),
                [=, this](Thread& thread) { Run(thread, program_[i]); });
    }
    Settle();
  }

  const char* AtRest(const View& view) override {
    if (outcomes_ == nullptr) return nullptr;
    std::string outcome;
    for (int thread = 0; thread < view.threads(); ++thread) {
      if (thread != 0) outcome += "|";
      outcome += view.note(thread).As<Registers>().Text();
      if (!view.ended(thread)) outcome += "-";
    }
    for (int word = 0; word < kWords; ++word) {
      bool written = false;
      for (const auto& statements : program_) {
        for (const Statement& statement : statements) {
          written |= WordOf(statement.word) == word && IsWrite(statement.what);
        }
      }
      if (!written) continue;
      outcome += std::string(" ") + "xyzw"[word] + "=" +
                 std::to_string(view.Of(
                     const_cast<ObjectOf<int>&>(words_[word].object())));
    }
    outcomes_->insert(outcome);
    return nullptr;
  }

 private:
  static bool IsWrite(Statement::Do what) {
    return what == Statement::Do::kStore || what == Statement::Do::kExchange ||
           what == Statement::Do::kAdd || what == Statement::Do::kCas;
  }

  void Run(Thread& thread, const std::vector<Statement>& statements) {
    Registers registers;
    for (const Statement& statement : statements) {
      if (!One(statement, registers)) return;
      thread.SetNote(registers);
    }
  }

  // False: the thread ends.
  bool One(const Statement& it, Registers& registers) {
    const int number = WordOf(it.word);
    Env::Atomic<int>& word = words_[number];
    switch (it.what) {
      case Statement::Do::kLoad:
        registers.Add(word.Load("load", it.order));
        break;
      case Statement::Do::kStore:
        word.Store("store", it.value, it.order);
        break;
      case Statement::Do::kExchange:
        registers.Add(word.Exchange("exchange", it.value, it.order));
        break;
      case Statement::Do::kAdd:
        registers.Add(word.FetchAdd("add", it.value, it.order));
        break;
      case Statement::Do::kCas:
        registers.Add(
            word.CompareExchange("cas", it.expected, it.value, it.order));
        break;
      case Statement::Do::kRead:
        registers.Add(fields_[number].Get());
        break;
      case Statement::Do::kWrite:
        fields_[number].Set(it.value);
        break;
      case Statement::Do::kLock:
        locks_[number].Acquire("lock");
        break;
      case Statement::Do::kTryLock:
        if (!locks_[number].TryAcquire("trylock")) return false;
        break;
      case Statement::Do::kUnlock:
        locks_[number].Release("unlock");
        break;
      case Statement::Do::kWait:
        Thread::Await<int>("wait", signals_[number], Take);
        break;
      case Statement::Do::kSignal:
        Thread::Call<int>("signal", signals_[number], Put);
        break;
      case Statement::Do::kMaySignal:
        Thread::MayCall<int>("may.signal", signals_[number], Put);
        break;
      case Statement::Do::kEndUnless:
        return registers.last() == it.value;
    }
    return true;
  }

  static std::optional<int> Take(int& value, std::int64_t) {
    if (value == 0) return std::nullopt;
    --value;
    return 0;
  }
  static std::optional<int> Put(int& value, std::int64_t) {
    ++value;
    return 0;
  }

  const Program program_;
  std::set<std::string>* const outcomes_;
  Env::Atomic<int> words_[kWords];
  Env::Var<int> fields_[kWords];
  Env::Lock locks_[kWords];
  ObjectOf<int> signals_[kWords] = {ObjectOf<int>(0), ObjectOf<int>(0),
                                    ObjectOf<int>(0), ObjectOf<int>(0)};
};

}  // namespace

Scenario Litmus(const Program& program, std::set<std::string>* outcomes) {
  return {"litmus", "", false, [=] {
            return std::unique_ptr<World>(new LitmusWorld(program, outcomes));
          }};
}

Outcomes OutcomesOf(const Program& program, MemoryModel model, Search search) {
  Outcomes outcomes;
  const Scenario scenario = Litmus(program, &outcomes.all);
  Exploration exploration(scenario);
  exploration.WithTables([&](Tabulator& tables) {
    outcomes.all.clear();
    outcomes.result = search == Search::kOracle
                          ? ExploreAllGraphs(tables, model)
                          : ExploreGraphs(tables, model);
  });
  return outcomes;
}

}  // namespace netpoll::model
