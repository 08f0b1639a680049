// SPDX-License-Identifier: Apache-2.0
//
// A state as properties see it.

#ifndef NETPOLL_MODEL_ENGINE_VIEW_H_
#define NETPOLL_MODEL_ENGINE_VIEW_H_

#include <cstdint>
#include <vector>

#include "netpoll/model/engine/tabulate.h"

namespace netpoll::model {

// State layout: one local state for each thread, then one value for each slot.
class View {
 public:
  View(const Tabulator& tables, const Value* state)
      : tables_(tables), state_(state) {}

  template <class T>
  const typename Codec<T>::Kept& Of(const ObjectOf<T>& object) const {
    return object.kept(Raw(object));
  }
  Value Raw(const Object& object) const {
    return object.slot < 0 ? Value{0}
                           : state_[tables_.thread_count() + object.slot];
  }
  const Node& Local(int thread) const {
    return tables_.node(thread, state_[thread]);
  }
  const Access& Next(int thread) const {
    return tables_.access(Local(thread).access);
  }
  bool ended(int thread) const { return Next(thread).op == Op::kEnd; }
  // Parked, and nobody has made it runnable.
  bool parked(int thread) const {
    return Local(thread).ghost.parked && !runnable(thread);
  }
  bool runnable(int thread) const { return Raw(TaskOf(thread)) != 0; }
  Note note(int thread) const { return Local(thread).ghost.note; }
  int threads() const { return tables_.thread_count(); }
  // Those that anybody has come to.
  const std::vector<Object*>& objects() const { return tables_.slot_objects(); }

 private:
  const Object& TaskOf(int thread) const {
    return *const_cast<Tabulator&>(tables_).world().threads()[thread].task;
  }

  const Tabulator& tables_;
  const Value* state_;
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_ENGINE_VIEW_H_
