// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/stepper.h"

#include <algorithm>

namespace netpoll::model {

std::vector<Value> Stepper::Initial() const {
  std::vector<Value> state(width_, 0);
  for (int thread = 0; thread < tables_.thread_count(); ++thread) {
    state[thread] = static_cast<Value>(tables_.Start(thread));
  }
  return state;
}

int Stepper::Branches(const Value* state, int thread) const {
  const Access& access =
      tables_.access(tables_.node(thread, state[thread]).access);
  if (access.op == Op::kEnd) return 0;
  return access.op == Op::kChoose ? static_cast<int>(access.number) : 1;
}

bool Stepper::Optional(const Value* state, int thread) const {
  return tables_.access(tables_.node(thread, state[thread]).access).optional;
}

bool Stepper::Enabled(const Value* state, int thread) {
  const int id = tables_.node(thread, state[thread]).access;
  const Access& access = tables_.access(id);
  if (access.op == Op::kEnd) return false;
  if (access.object == nullptr) return true;
  int broken;
  return tables_
      .EffectOf(id, state[tables_.thread_count() + access.object->slot],
                &broken)
      .enabled;
}

bool Stepper::Rests(const Value* state) {
  if (Stopped(state)) return false;
  for (int thread = 0; thread < threads(); ++thread) {
    if (!Optional(state, thread) && Enabled(state, thread)) return false;
  }
  return true;
}

bool Stepper::Stopped(const Value* state) const {
  for (int thread = 0; thread < tables_.thread_count(); ++thread) {
    if (tables_.node(thread, state[thread]).stops) return true;
  }
  return false;
}

bool Stepper::Take(const Value* state, int thread, int branch, Value* next) {
  const int threads = tables_.thread_count();
  if (did != nullptr) did->clear();
  passed_ = false;
  std::copy(state, state + width_, next);
  for (bool first = true;; first = false) {
    const Node& node = tables_.node(thread, next[thread]);
    if (!first && !node.fused) break;
    const int id = node.access;
    const KnownAccess& known = tables_.known(id);
    const Access& access = known.access;
    if (access.op == Op::kEnd) return false;
    Value response = static_cast<Value>(branch);
    Value before = 0;
    Value after = 0;
    if (access.object != nullptr) {
      const int slot = threads + access.object->slot;
      before = next[slot];
      int broken;
      const Effect effect = tables_.EffectOf(id, before, &broken);
      if (!effect.enabled) return false;
      if (broken >= 0) Break(tables_.text(broken), {thread, access.object});
      if (access.op == Op::kGet || access.op == Op::kSet) {
        CheckRace(next, thread, access);
      }
      if (known.watched) {
        const View view(tables_, next);
        const char* const law = tables_.world().Ask([&](Observer& observer) {
          return observer.BeforeStep(view, thread, access);
        });
        if (law != nullptr) {
          Subject subject = tables_.world().told();
          if (subject.thread < 0) subject.thread = thread;
          Break(law, subject);
        }
      }
      after = effect.next;
      next[slot] = after;
      response = effect.response;
    }
    if (did != nullptr) {
      did->push_back({thread, next[thread], id, before, after, response});
    }
    const int local = tables_.Next(thread, next[thread], response);
    if (threads + tables_.slots() > width_) throw StateTooNarrow{};
    if (tables_.Passes(thread, next[thread], response)) passed_ = true;
    next[thread] = static_cast<Value>(local);
    const int law = tables_.node(thread, local).violation;
    if (law >= 0) {
      Break(tables_.text(law), tables_.node(thread, local).subject);
      break;
    }
  }
  return true;
}

// Two threads at one plain field, one of them writing, is a data race.
void Stepper::CheckRace(const Value* state, int thread, const Access& access) {
  for (int other = 0; other < tables_.thread_count(); ++other) {
    if (other == thread) continue;
    const Access& theirs =
        tables_.access(tables_.node(other, state[other]).access);
    if (theirs.object != access.object) continue;
    const bool plain = theirs.op == Op::kGet || theirs.op == Op::kSet;
    if (plain && (theirs.op == Op::kSet || access.op == Op::kSet)) {
      Break("race: two threads use one plain field at once",
            {thread, access.object});
    }
  }
}

void Stepper::CheckState(const Value* state) {
  if (Stopped(state)) return;
  const View view(tables_, state);
  const char* const law = tables_.world().Ask(
      [&](Observer& observer) { return observer.Invariant(view); });
  if (law != nullptr) Break(law, tables_.world().told());
}

void Stepper::CheckRest(const Value* state) {
  const View view(tables_, state);
  for (int thread = 0; thread < tables_.thread_count(); ++thread) {
    const Access& access = view.Next(thread);
    if (access.op != Op::kEnd && !access.optional && !access.rests) {
      Break("deadlock: " + tables_.world().threads()[thread].name +
                " waits for ever at " + access.site,
            {thread, access.object});
    }
  }
  const char* const law = tables_.world().Ask(
      [&](Observer& observer) { return observer.AtRest(view); });
  if (law != nullptr) Break(law, tables_.world().told());
}

}  // namespace netpoll::model
