// SPDX-License-Identifier: Apache-2.0
//
// The wake token: threads that break, one that polls and blocks, one that polls
// without blocking. A break stands for news that the blocking poll must see.

#ifndef NETPOLL_MODEL_SCENARIOS_TOKEN_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_TOKEN_WORLD_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/core/wake_token.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/laws/parking_laws.h"
#include "netpoll/model/model_env.h"

namespace netpoll::model {

struct TokenCast {
  int breakers = 1;
  int breaks = 1;            // Of each breaker.
  bool nonblocking = false;  // Another thread polls without blocking.
  bool post_may_fail = false;
  bool endless = false;  // Breakers go on for ever.
  // News lie in relaxed words, one of each breaker, which nothing but the token
  // orders.
  bool relaxed = false;
};

class TokenWorld : public ParkingWorld {
 public:
  explicit TokenWorld(const TokenCast& cast)
      : cast_(cast), posted_(0), news_(0), seen_(0) {
    posted_.name = "eventfd";
    news_.name = "news";
    seen_.name = "seen";
    token_.pending();
    token_object_ = ObjectAt("token.load");
    token_object_->name = "token";
    AddThread("poller", [this](Thread& thread) { Poller(thread); });
    for (int i = 0; i < cast.breakers; ++i) {
      breakers_.push_back(
          AddThread("breaker" + std::to_string(i + 1),
                    [=, this](Thread& thread) { Breaker(thread, i); }));
    }
    if (cast.nonblocking) {
      AddThread("looker", [this](Thread& thread) { Looker(thread); });
    }
    Settle();
  }

  const char* AtRest(const View& view) override {
    for (int i = 0; cast_.relaxed && i < cast_.breakers; ++i) {
      if (view.Of(words_[i].object()) != view.note(0).As<TokenNote>().seen[i]) {
        return Of(0, token_object_, "L4: a break ended no blocking poll");
      }
    }
    if (view.Of(news_) != view.Of(seen_)) {
      return Of(0, token_object_, "L4: a break ended no blocking poll");
    }
    return nullptr;
  }

  const char* Passing(int law) override {
    // Posts that fail for ever are no fair system.
    return law == 0 && !cast_.post_may_fail
               ? "L14: a break ends no blocking poll, however long they go on"
               : nullptr;
  }
  int Lasting(int) override { return 0; }
  bool Lasts(const View& view, int) override {
    return view.Of(news_) != view.Of(seen_);
  }

  // The token is pending, nobody is about to post, and nothing is posted: all
  // later breaks would be lost.
  const char* Invariant(const View& view) override {
    if (view.Of(posted_) > 1)
      return Of(&posted_, "I22: breaks are not coalesced");
    if (view.Raw(*token_object_) == 0 || view.Of(posted_) != 0) return nullptr;
    if (WillAct(view, 0)) return nullptr;
    for (const int breaker : breakers_) {
      if (WillAct(view, breaker)) return nullptr;
    }
    return Of(token_object_,
              "I22: the token is pending and nothing will clear it");
  }

  const char* Observed(int thread, const Access& access, Value response,
                       Ghost& ghost) override {
    if (thread != 0 && access.object == token_object_ && response == 0 &&
        access.op == Op::kExchange) {
      ghost.note = TokenNote{.will_act = true};
    }
    return nullptr;
  }

 private:
  using Int = ObjectOf<int>;
  // Of a breaker: it has moved the token and is about to post. Of the poller:
  // it has taken the post and is about to clear the token.
  struct TokenNote {
    bool will_act = false;
    std::uint8_t seen[2] = {};  // By the poller, in the relaxed words.
  };
  static bool WillAct(const View& view, int thread) {
    return view.note(thread).As<TokenNote>().will_act;
  }

  static std::optional<int> Add(int& value, std::int64_t amount) {
    value += static_cast<int>(amount);
    return 0;
  }

  static std::optional<int> Set(int& value, std::int64_t to) {
    value = static_cast<int>(to);
    return 0;
  }

  void Breaker(Thread& thread, int number) {
    for (int i = 0; i < cast_.breaks; i += cast_.endless ? 0 : 1) {
      thread.Mark("break", {i});
      thread.May("breaker.go");
      if (cast_.relaxed) {
        words_[number].Store("breaker.word", i + 1, Order::kRelaxed);
      } else {
        Thread::Call("breaker.news", news_, cast_.endless ? Set : Add, 1);
      }
      for (int attempt = 0; token_.Request(); ++attempt) {
        if (cast_.post_may_fail && attempt == 0 &&
            Thread::Choose("post.fails", 2) == 1) {
          token_.Retract();
          thread.SetNote({});
          continue;
        }
        Thread::Call("post", posted_, Add, 1);
        thread.SetNote({});
        break;
      }
    }
  }

  void Poller(Thread& thread) {
    TokenNote note;
    for (;;) {
      thread.Mark("poll", {note.seen[0], note.seen[1]});
      Thread::Await<int>("poll.wait", posted_,
                         [](int& posted, std::int64_t) -> std::optional<int> {
                           if (posted == 0) return std::nullopt;
                           posted = 0;
                           return 0;
                         });
      note.will_act = true;
      thread.SetNote(note);
      token_.Clear();
      note.will_act = false;
      thread.SetNote(note);
      for (int i = 0; cast_.relaxed && i < cast_.breakers; ++i) {
        note.seen[i] = static_cast<std::uint8_t>(
            words_[i].Load("poll.word", Order::kRelaxed));
        thread.SetNote(note);
      }
      if (cast_.relaxed) continue;
      thread.Mark("polled");
      if (cast_.endless) {
        Thread::Call("poll.look", news_, Set, 0);
        continue;
      }
      const int news = Thread::Call<int>(
          "poll.look", news_,
          [](int& value, std::int64_t) -> std::optional<int> { return value; });
      Thread::Call<int>(
          "poll.seen", seen_,
          [](int& value, std::int64_t now) -> std::optional<int> {
            value = static_cast<int>(now);
            return 0;
          },
          news);
    }
  }

  // A poll that does not block: it sees the token and leaves it alone.
  void Looker(Thread& thread) {
    do {
      thread.Mark("look");
      thread.May("looker.go");
      Thread::Call<int>("look", posted_,
                        [](int& posted, std::int64_t) -> std::optional<int> {
                          return posted != 0 ? 1 : 0;
                        });
    } while (cast_.endless);
  }

  const TokenCast cast_;
  using Env = ModelEnv<2>;
  WakeToken<Env> token_;
  Env::Atomic<int> words_[2];
  Int posted_;
  Int news_;
  Int seen_;
  Object* token_object_ = nullptr;
  std::vector<int> breakers_;
};

inline void AddTokenScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, TokenCast cast) {
    all.push_back({name, about, false, [cast] {
                     return std::unique_ptr<World>(new TokenWorld(cast));
                   }});
  };
  add("break-one", "one break, one blocking poll", {});
  add("break-two", "two breakers, coalesced", {.breakers = 2, .breaks = 2});
  add("break-nonblocking", "a poll that does not block looks on",
      {.breakers = 2, .nonblocking = true});
  add("break-post-fails", "the post fails, a later break must try again",
      {.breakers = 2, .breaks = 2, .post_may_fail = true});
  add("closed-breaks", "breaks without end, and a poll that looks on",
      {.breakers = 2, .nonblocking = true, .endless = true});
  all.back().closed = true;
  add("closed-breaks-fail", "... and posts that fail now and then",
      {.breakers = 2, .post_may_fail = true, .endless = true});
  all.back().closed = true;
  add("break-relaxed", "what was written before a break is seen after the poll",
      {.breakers = 2, .relaxed = true});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_TOKEN_WORLD_H_
