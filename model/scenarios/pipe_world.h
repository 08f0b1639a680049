// SPDX-License-Identifier: Apache-2.0
//
// A waker that is a pipe: threads that break, one that polls and blocks, others
// that poll beside it without blocking. The token and the pipe's protocol are
// the shipped ones; the queue is a kernel's that promises no more than it must.

#ifndef NETPOLL_MODEL_SCENARIOS_PIPE_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_PIPE_WORLD_H_

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/core/edge_pipe.h"
#include "netpoll/core/wake_token.h"
#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/laws/parking_laws.h"
#include "netpoll/model/model_env.h"

namespace netpoll::model {

struct PipeCast {
  int breakers = 1;
  int breaks = 1;        // Of each breaker.
  int lookers = 1;       // Threads that poll without blocking.
  int looks = 1;         // Of each.
  bool endless = false;  // Both go on for ever.
};

class PipeWorld : public ParkingWorld {
 public:
  explicit PipeWorld(const PipeCast& cast)
      : cast_(cast), queue_(Queue{}), news_(0), seen_(0) {
    queue_.name = "kqueue";
    news_.name = "news";
    seen_.name = "seen";
    token_.pending();
    token_object_ = ObjectAt("token.load");
    token_object_->name = "token";
    AddThread("poller", [this](Thread& thread) { Poller(thread); });
    for (int i = 0; i < cast.breakers; ++i) {
      AddThread("breaker" + std::to_string(i + 1),
                [this](Thread& thread) { Breaker(thread); });
    }
    for (int i = 0; i < cast.lookers; ++i) {
      AddThread("looker" + std::to_string(i + 1),
                [this](Thread& thread) { Looker(thread); });
    }
    Settle();
  }

  const char* AtRest(const View& view) override {
    if (view.Of(news_) != view.Of(seen_)) {
      return Of(0, token_object_, "L4: a break ended no blocking poll");
    }
    return nullptr;
  }

  const char* Passing(int law) override {
    // Polls that pass the edge on for ever, each time between the other one's
    // look and its sleep, keep that from returning: not promised.
    return law == 0 && cast_.lookers == 0
               ? "L14: a break ends no blocking poll, however long they go on"
               : nullptr;
  }
  int Lasting(int) override { return 0; }
  bool Lasts(const View& view, int) override {
    return view.Of(news_) != view.Of(seen_);
  }

  // A pending token has one holder: who is about to write, a byte, or who has
  // fetched its event.
  const char* Invariant(const View& view) override {
    if (view.Of(queue_).bytes > 1)
      return Of(&queue_, "I22: breaks are not coalesced");
    if (view.Raw(*token_object_) == 0 || view.Of(queue_).bytes != 0) {
      return nullptr;
    }
    const int threads = 1 + cast_.breakers + cast_.lookers;
    for (int thread = 0; thread < threads; ++thread) {
      if (view.note(thread).As<TokenNote>().holds) return nullptr;
    }
    return Of(token_object_,
              "I22: the token is pending and nothing will clear it");
  }

  // Who has moved the token is about to write.
  const char* Observed(int, const Access& access, Value response,
                       Ghost& ghost) override {
    if (access.object == token_object_ && response == 0 &&
        std::strcmp(access.site, "token.request") == 0) {
      ghost.note = TokenNote{true};
    }
    return nullptr;
  }

 private:
  using Int = ObjectOf<int>;
  using Step = std::optional<int>;

  // Who has moved the token, until it has written; who has fetched its event,
  // until it has cleared it or passed it on.
  struct TokenNote {
    bool holds = false;
  };

  // A queue, and the one pipe that is registered in it. Who sleeps looks again
  // when there was a signal, and only then.
  struct Queue {
    int bytes = 0;
    bool queued = false;     // The pipe's event can be fetched.
    bool signalled = false;  // ... and whoever sleeps was told.

    std::string Text() const {
      return std::to_string(bytes) + " bytes" + (queued ? ", queued" : "") +
             (signalled ? ", signalled" : "");
    }
    friend bool operator==(const Queue&, const Queue&) = default;
  };

  static constexpr int kRoom = 4;
  static constexpr int kAgain = 99;

  // A byte behind others need be no edge.
  static Step Write(Queue& queue, std::int64_t) {
    if (queue.bytes == kRoom) return kAgain;
    if (++queue.bytes == 1 || !edge_pipe::kByEdges) {
      queue.queued = true;
      queue.signalled = true;
    }
    return 1;
  }
  static Step Read(Queue& queue, std::int64_t) {
    if (queue.bytes == 0) return kAgain;
    return std::exchange(queue.bytes, 0);
  }
  // 1: the event was fetched. A level is taken off meanwhile, and put back by
  // PutBack; nobody is told of that.
  static Step Fetch(Queue& queue, std::int64_t) {
    return std::exchange(queue.queued, false) && queue.bytes != 0 ? 1 : 0;
  }
  static Step FetchOrSleep(Queue& queue, std::int64_t) {
    queue.signalled = false;
    return Fetch(queue, 0);
  }
  static Step Sleep(Queue& queue, std::int64_t) {
    if (!queue.signalled) return std::nullopt;
    return 0;
  }
  static Step PutBack(Queue& queue, std::int64_t) {
    queue.queued = true;
    return 0;
  }
  static Step Add(int& value, std::int64_t amount) {
    value += static_cast<int>(amount);
    return 0;
  }
  static Step Get(int& value, std::int64_t) { return value; }
  static Step Set(int& value, std::int64_t now) {
    value = static_cast<int>(now);
    return 0;
  }

  struct Ends {
    static constexpr int kMostRead = 16;
    int Write() {
      return Answer(Thread::Call("pipe.write", queue, PipeWorld::Write));
    }
    int Read() {
      return Answer(Thread::Call("pipe.read", queue, PipeWorld::Read));
    }
    static int Answer(int result) {
      return result == kAgain ? -EAGAIN : result;
    }
    ObjectOf<Queue>& queue;
  };

  // A poll that has fetched the event.
  void Take(Thread& thread, bool blocking, int look = 0) {
    thread.SetNote(TokenNote{true});
    thread.Mark("fetched", {look});
    if (!edge_pipe::kByEdges) Thread::Call("kevent.back", queue_, PutBack);
    Ends ends{queue_};
    token_.Take(blocking, [&] { return edge_pipe::Take(ends, blocking); });
    thread.SetNote({});
  }

  void Breaker(Thread& thread) {
    for (int i = 0; i < cast_.breaks; i += cast_.endless ? 0 : 1) {
      thread.Mark("break", {i});
      thread.May("breaker.go");
      Thread::Call("breaker.news", news_, cast_.endless ? Set : Add, 1);
      Ends ends{queue_};
      token_.Break([&] { return edge_pipe::Post(ends); });
      thread.SetNote({});
    }
  }

  void Poller(Thread& thread) {
    for (;;) {
      thread.Mark("poll");
      if (Thread::Call("kevent.scan", queue_, FetchOrSleep) == 0) {
        Thread::Await("kevent.sleep", queue_, Sleep);
        continue;
      }
      Take(thread, true);
      thread.Mark("polled");
      if (cast_.endless) {
        Thread::Call("poll.look", news_, Set, 0);
        continue;
      }
      const int news = Thread::Call("poll.look", news_, Get);
      Thread::Call("poll.seen", seen_, Set, news);
    }
  }

  void Looker(Thread& thread) {
    for (int i = 0; i < cast_.looks; i += cast_.endless ? 0 : 1) {
      thread.Mark("look", {i});
      thread.May("looker.go");
      if (Thread::Call("kevent.look", queue_, Fetch) != 0) {
        Take(thread, false, i);
      }
    }
  }

  const PipeCast cast_;
  WakeToken<ModelEnv<2>> token_;
  ObjectOf<Queue> queue_;
  Int news_;
  Int seen_;
  Object* token_object_ = nullptr;
};

inline void AddPipeScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about, PipeCast cast) {
    all.push_back({name, about, false, [cast] {
                     return std::unique_ptr<World>(new PipeWorld(cast));
                   }});
  };
  add("pipe-one", "a pipe that wakes, and a poll that passes its edge on", {});
  add("pipe-two", "two breakers, and a poll that looks twice",
      {.breakers = 2, .breaks = 2, .looks = 2});
  add("pipe-lookers", "two polls that pass the edge on",
      {.breaks = 2, .lookers = 2});
  add("closed-pipe", "breaks of a pipe without end",
      {.breakers = 2, .lookers = 0, .endless = true});
  all.back().closed = true;
  add("closed-pipe-lookers", "... and polls beside that pass them on",
      {.breakers = 2, .lookers = 2, .endless = true});
  all.back().closed = true;
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_PIPE_WORLD_H_
