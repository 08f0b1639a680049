// SPDX-License-Identifier: Apache-2.0
//
// A world with a bug, for tests of what is said about bugs: a sleeper that
// looks, then says that it sleeps, and a waker that does nothing unless it sees
// it asleep.

#ifndef NETPOLL_MODEL_REPORT_BROKEN_WORLD_H_
#define NETPOLL_MODEL_REPORT_BROKEN_WORLD_H_

#include <memory>
#include <optional>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/engine/world.h"

namespace netpoll::model {

class BrokenWorld : public World {
 public:
  // `looks_again`: the sleeper repairs the bug by a second look.
  explicit BrokenWorld(bool looks_again) : news_(0), asleep_(0) {
    news_.name = "news";
    asleep_.name = "asleep";
    sleeper_ = AddThread("sleeper", [=, this](Thread& thread) {
      if (Thread::Call("look", news_, Get) != 0) return;
      Thread::Call("say_asleep", asleep_, Set);
      if (looks_again && Thread::Call("look_again", news_, Get) != 0) return;
      thread.Park();
    });
    AddThread("waker", [this](Thread& thread) {
      thread.May("waker.go");
      Thread::Call("tell", news_, Set);
      if (Thread::Call("see_asleep", asleep_, Get) == 0) return;
      Thread::WakeEarly(sleeper_);
    });
    Settle();
  }

  const char* AtRest(const View& view) override {
    const bool sleeps = !view.ended(sleeper_);
    return sleeps && view.Of(news_) != 0 ? "news: somebody sleeps through them"
                                         : nullptr;
  }

 private:
  using Int = ObjectOf<int>;
  static std::optional<int> Get(int& value, std::int64_t) { return value; }
  static std::optional<int> Set(int& value, std::int64_t) {
    value = 1;
    return 0;
  }

  Int news_;
  Int asleep_;
  int sleeper_ = 0;
};

inline Scenario BrokenScenario(bool looks_again = false) {
  return {looks_again ? "mended" : "broken", "news that may be slept through",
          false, [looks_again] {
            return std::unique_ptr<World>(new BrokenWorld(looks_again));
          }};
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_BROKEN_WORLD_H_
