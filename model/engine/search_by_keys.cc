// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/search_by_keys.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "netpoll/model/engine/key_set.h"
#include "netpoll/model/engine/open_tables.h"
#include "netpoll/model/engine/stepper.h"

namespace netpoll::model {
namespace {

class Levels {
 public:
  Levels(Tabulator& tables, const SearchLimits& limits)
      : tables_(tables), limits_(limits) {
    Open();
  }

  // False: a law is broken, or a state does not fit into a key.
  bool Run(SearchResult* result) {
    if (!open_->fits()) return false;
    queue_.Offer(open_->initial());
    queue_.Take(level_);
    while (!level_.empty()) {
      for (at_ = 0; at_ < level_.size(); ++at_) {
        if (CutOff()) return Finish(false, result);
        while (!Expand()) {
          if (!Widen()) return false;
        }
        if (stepper_->broken()) return false;
        ReportProgress();
      }
      queue_.Take(level_);
      if (!level_.empty()) ++result_.depth;
    }
    return Finish(true, result);
  }

 private:
  bool Finish(bool complete, SearchResult* result) {
    result_.complete = complete;
    result_.states = queue_.size();
    *result = result_;
    return true;
  }

  bool CutOff() {
    if (queue_.most() <= limits_.states) return false;
    queue_.Flush();
    return queue_.size() > limits_.states;
  }

  void ReportProgress() {
    if (++expanded_ % 65536 != 0 || !limits_.progress) return;
    limits_.progress(queue_.size(), result_.depth, queue_.size() - expanded_);
  }

  void Open() {
    open_ = std::make_unique<OpenTables>(tables_);
    stepper_ = std::make_unique<Stepper>(tables_, open_->width());
    state_.assign(open_->width(), 0);
    next_.assign(open_->width(), 0);
  }

  // The tables know more than the keys have room for.
  bool Widen() {
    const std::unique_ptr<OpenTables> old = std::move(open_);
    Open();
    if (!open_->fits()) return false;
    std::vector<Value> state(std::max(old->width(), open_->width()), 0);
    const auto wider = [&](PackedKey key) {
      old->Unpack(key, state.data());
      return open_->Pack(state.data());
    };
    queue_.Replace(wider);
    for (std::size_t i = at_; i < level_.size(); ++i) {
      level_[i] = wider(level_[i]);
    }
    return true;
  }

  // False: a field is too narrow; what was offered is offered again.
  bool Expand() {
    const std::uint64_t transitions = result_.transitions;
    try {
      Expand(level_[at_]);
      return true;
    } catch (const FieldsTooNarrow&) {
      result_.transitions = transitions;
      return false;
    }
  }

  void Expand(PackedKey key) {
    open_->Unpack(key, state_.data());
    stepper_->CheckState(state_.data());
    if (stepper_->broken()) return;
    const int threads = open_->threads();
    // What this state's steps are to be checked for: the code is run below, and
    // the tables may move.
    bool plain = false;
    for (int thread = 0; thread < threads; ++thread) {
      const OpenTables::Local& local = open_->At(key, thread);
      if (local.stops) return;
      plain = plain || local.plain;
    }
    bool rests = true;
    for (int thread = 0; thread < threads; ++thread) {
      const OpenTables::Local local = open_->At(key, thread);
      if (local.ends) continue;
      for (int branch = 0; branch < local.branches; ++branch) {
        if (!Step(key, thread, branch, plain)) continue;
        if (stepper_->broken()) return;
        rests = rests && local.optional;
      }
    }
    if (!rests) return;
    ++result_.at_rest;
    stepper_->CheckRest(state_.data());
  }

  bool Step(PackedKey key, int thread, int branch, bool plain) {
    PackedKey next = 0;
    const OpenTables::Taken taken = open_->Take(key, thread, branch, &next);
    if (taken == OpenTables::Taken::kBlocked) return false;
    ++result_.transitions;
    if (plain || taken == OpenTables::Taken::kChecked) {
      stepper_->Take(state_.data(), thread, branch, next_.data());
    }
    queue_.Offer(next);
    return true;
  }

  Tabulator& tables_;
  const SearchLimits& limits_;
  std::unique_ptr<OpenTables> open_;
  std::unique_ptr<Stepper> stepper_;
  std::vector<Value> state_;
  std::vector<Value> next_;
  KeyQueue queue_;
  std::vector<PackedKey> level_;
  std::size_t at_ = 0;  // In the level.
  std::uint64_t expanded_ = 0;
  SearchResult result_;
};

}  // namespace

bool SearchByKeys(Tabulator& tables, const SearchLimits& limits,
                  SearchResult* result) {
  return Levels(tables, limits).Run(result);
}

}  // namespace netpoll::model
