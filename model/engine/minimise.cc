// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/minimise.h"

#include <algorithm>
#include <utility>

namespace netpoll::model {
namespace {

// Merges the local states of one thread, in the order of their discovery, each
// with the first earlier one that agrees.
class Folder {
 public:
  explicit Folder(const std::vector<Node>& nodes)
      : nodes_(nodes), parent_(nodes.size()), next_(nodes.size()) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      parent_[i] = static_cast<int>(i);
      next_[i].assign(nodes[i].next.begin(), nodes[i].next.end());
    }
  }

  ClassTable Run() {
    std::vector<int> roots;
    for (int node = 0; node < static_cast<int>(nodes_.size()); ++node) {
      if (Find(node) != node) continue;
      bool merged = false;
      for (const int root : roots) {
        if (Find(root) != root || !Alike(root, node)) continue;
        log_.clear();
        if (Merge(root, node)) {
          merged = true;
          break;
        }
        Undo();
      }
      if (!merged) roots.push_back(node);
    }
    return Number();
  }

 private:
  struct Change {
    int node;
    int response;  // -1: the parent was changed.
  };

  int Find(int node) const {
    while (parent_[node] != node) node = parent_[node];
    return node;
  }

  bool Alike(int a, int b) const {
    return nodes_[a].access == nodes_[b].access &&
           nodes_[a].ghost == nodes_[b].ghost &&
           nodes_[a].fused == nodes_[b].fused &&
           nodes_[a].stops == nodes_[b].stops &&
           nodes_[a].violation == nodes_[b].violation;
  }

  bool Merge(int a, int b) {
    a = Find(a);
    b = Find(b);
    if (a == b) return true;
    if (a > b) std::swap(a, b);
    if (!Alike(a, b)) return false;
    parent_[b] = a;
    log_.push_back({b, -1});
    for (std::size_t r = 0; r < next_[b].size(); ++r) {
      const int to = next_[b][r];
      if (to < 0) continue;
      const int root = Find(a);
      if (r >= next_[root].size()) next_[root].resize(r + 1, -1);
      if (next_[root][r] < 0) {
        next_[root][r] = to;
        log_.push_back({root, static_cast<int>(r)});
      } else if (!Merge(next_[root][r], to)) {
        return false;
      }
    }
    return true;
  }

  void Undo() {
    for (auto change = log_.rbegin(); change != log_.rend(); ++change) {
      if (change->response < 0) {
        parent_[change->node] = change->node;
      } else {
        next_[change->node][change->response] = -1;
      }
    }
  }

  ClassTable Number() const {
    ClassTable table;
    table.class_of.assign(nodes_.size(), -1);
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      if (parent_[node] != static_cast<int>(node)) continue;
      table.class_of[node] = static_cast<int>(table.classes.size());
      table.classes.push_back({nodes_[node].access,
                               static_cast<int>(node),
                               nodes_[node].fused,
                               nodes_[node].stops,
                               {}});
    }
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      const int root = Find(static_cast<int>(node));
      table.class_of[node] = table.class_of[root];
    }
    for (LocalClass& local : table.classes) {
      for (const int to : next_[local.member]) {
        local.next.push_back(to < 0 ? -1 : table.class_of[to]);
      }
    }
    return table;
  }

  const std::vector<Node>& nodes_;
  std::vector<int> parent_;
  std::vector<std::vector<int>> next_;
  std::vector<Change> log_;
};

}  // namespace

std::vector<ClassTable> Minimise(const Tabulator& tables) {
  std::vector<ClassTable> result;
  for (int thread = 0; thread < tables.thread_count(); ++thread) {
    result.push_back(Folder(tables.nodes(thread)).Run());
  }
  return result;
}

}  // namespace netpoll::model
