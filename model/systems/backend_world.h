// SPDX-License-Identifier: Apache-2.0
//
// What the worlds of the backends share: files with levels, tasks that open,
// arm, wait, take what came and close, their peers, threads that break, and
// polls that block and that don't. The backend is the shipped one over a system
// of its own kind, which holds these files.

#ifndef NETPOLL_MODEL_SYSTEMS_BACKEND_WORLD_H_
#define NETPOLL_MODEL_SYSTEMS_BACKEND_WORLD_H_

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/model/engine/view.h"
#include "netpoll/model/engine/world.h"
#include "netpoll/model/model_env.h"

namespace netpoll::model {

struct BackendFile {
  std::uint8_t life = 0;    // Which incarnation; 0: the number is free.
  std::uint8_t unread = 0;  // What reads would find.
  std::uint8_t room = 0;    // What writes would.
  bool hung_up = false;
  // The directions that its task waits for, and those that it was told of.
  std::uint8_t waits = 0;
  std::uint8_t told = 0;
  bool leaves = false;  // It waits no more, and is about to close.

  std::uint8_t ready() const {
    if (hung_up) return 3;
    return static_cast<std::uint8_t>((unread != 0 ? 1 : 0) |
                                     (room != 0 ? 2 : 0));
  }
  std::string Text() const {
    if (life == 0) return "-";
    return "life " + std::to_string(life) + (unread != 0 ? " in" : "") +
           (room != 0 ? " out" : "") + (hung_up ? " hup" : "") +
           (waits != 0 ? " waits" : "") + (told != 0 ? " told" : "");
  }
  friend bool operator==(const BackendFile&, const BackendFile&) = default;
};

struct BackendFiles {
  static constexpr int kFiles = 2;
  static constexpr Fd kFirst = 3;  // The number of the first.
  static constexpr bool kExact = false;

  BackendFile files[kFiles];

  // Something happened to a file: what its peer did (readable, writable, hung
  // up: bits). For systems that look at edges.
  void Came(int, int) {}

  std::string Text() const {
    return files[0].Text() + (files[1].life != 0 ? "; " + files[1].Text() : "");
  }
  friend bool operator==(const BackendFiles&, const BackendFiles&) = default;
};

// How many there are of each, and how often each acts.
struct BackendCast {
  int owners = 1;     // Tasks, each with a file of its own.
  int lives = 1;      // Of each file: so often it is opened.
  int rounds = 1;     // Waits in a life.
  bool both = false;  // A task waits for both directions.
  int edges = 1;      // Of each file: something comes to be read,
  int rooms = 0;      // ... room to write,
  int hang_ups = 0;   // ... the other end closes.
  int breakers = 0;
  int breaks = 1;   // Of each breaker.
  int lookers = 0;  // Threads that poll without blocking.
  int looks = 1;
  int passers = 0;  // Tasks that open a file of their own, and close it.
  // The blocking poll waits on the descriptor, in a loop of somebody else's.
  bool foreign = false;
};

// `System` is BackendFiles and whatever else the kernel has.
template <class Backend, class System>
class BackendWorld : public World {
 public:
  // `sleeps_at`: the site at which a blocking poll waits.
  BackendWorld(const BackendCast& cast, const char* sleeps_at,
               const System& system = {})
      : cast_(cast),
        sleeps_at_(sleeps_at),
        system_(system),
        news_(0),
        seen_(0) {
    system_.name = "system";
    news_.name = "news";
    seen_.name = "seen";
  }

  const char* AtRest(const View& view) override {
    for (const BackendFile& file : view.Of(system_).files) {
      if ((file.waits & file.ready()) != 0 && !file.leaves) {
        return Of(&system_,
                  "L1: a task waits for what has come, and is not told");
      }
    }
    if (view.Of(news_) != view.Of(seen_)) {
      return Of(0, &system_, "L4: a break ended no blocking poll");
    }
    for (const Object* object : view.objects()) {
      if (object->name.starts_with("token.") && view.Raw(*object) != 0) {
        return Of(object,
                  "I22: the token is pending and nothing will clear it");
      }
    }
    if (std::strcmp(view.Next(0).site, sleeps_at_) != 0) {
      return Of(0, &system_,
                "L6: the blocking poll does not wait in the system");
    }
    return nullptr;
  }

 protected:
  using Int = ObjectOf<int>;
  using Step = std::optional<int>;

  // Begins every thread, and the construction: hands the system's calls what
  // they need of it.
  virtual void Enter(Thread* thread, int number) = 0;
  // Open was refused: whether a second attempt is in order.
  virtual bool OpensLater(int) { return false; }
  // What must hold when a Close has returned.
  virtual void AfterClose(Thread&, int) {}

  // Makes the backend, and the threads. Settle ends the construction.
  void AddThreads() {
    Enter(nullptr, -1);
    if (backend_.Init() != 0) std::abort();
    Add("poller", 0, &BackendWorld::Poller);
    for (int i = 0; i < cast_.owners; ++i) {
      Add("task" + std::to_string(i + 1), i, &BackendWorld::Owner);
      AddPeers(i);
    }
    for (int i = 0; i < cast_.passers; ++i) {
      Add("passer" + std::to_string(i + 1), cast_.owners + i,
          &BackendWorld::Owner);
    }
    for (int i = 0; i < cast_.breakers; ++i) {
      Add("breaker" + std::to_string(i + 1), i, &BackendWorld::Breaker);
    }
    for (int i = 0; i < cast_.lookers; ++i) {
      Add("looker" + std::to_string(i + 1), i, &BackendWorld::Looker);
    }
  }

  // A thread of the system's own.
  void AddSystem(const std::string& name, std::function<void(Thread&)> body) {
    const int self = static_cast<int>(threads().size());
    AddThread(name, [this, self, body = std::move(body)](Thread& thread) {
      Enter(&thread, self);
      body(thread);
    });
  }

  const BackendCast cast_;
  const char* const sleeps_at_;
  ObjectOf<System> system_;
  Backend backend_;
  Int news_;
  Int seen_;

 private:
  // Levels, asked for one by one; or edges, told unasked.
  static constexpr bool kLevels = Backend::kTraits.needs_arm;
  // A report of what is not there would be of another file.
  static constexpr bool kExact = System::kExact;

  // Hands on what the backend reports, as the poller does to the task.
  struct Sink {
    void Ready(EventKey key, Mode mode, EventFlags) {
      const std::int64_t told = std::int64_t{key.generation()} << 16 |
                                std::int64_t{key.index()} << 8 |
                                static_cast<std::int64_t>(mode);
      if (Thread::Call("sink.ready", world->system_, Tell, told) != 0) {
        thread->Fail("S1: a task was told of what its file does not have");
      }
    }
    BackendWorld* world;
    Thread* thread;
  };

  static Step Tell(System& system, std::int64_t told) {
    BackendFile& file = system.files[told >> 8 & 255];
    const auto mode = static_cast<std::uint8_t>(told & 3);
    if (file.life != told >> 16) return 0;  // Dropped, as its key says.
    if (kExact && (mode & file.ready()) == 0) return 1;
    file.told |= static_cast<std::uint8_t>(mode & file.waits);
    file.waits &= static_cast<std::uint8_t>(~mode);
    return 0;
  }
  static Step OpenFile(System& system, std::int64_t file) {
    const auto life = static_cast<std::uint8_t>(file >> 8);
    system.files[file & 255] = BackendFile{.life = life};
    return 0;
  }
  static Step CloseFile(System& system, std::int64_t file) {
    system.files[file] = BackendFile{};
    return 0;
  }
  // A task has found nothing, and will wait. Where edges are told, what came
  // before is not told again: it is taken now.
  static Step Want(System& system, std::int64_t wanted) {
    BackendFile& file = system.files[wanted >> 8];
    const auto mode = static_cast<std::uint8_t>(wanted & 3);
    file.waits |= mode;
    if (!kLevels) {
      file.told |= static_cast<std::uint8_t>(mode & file.ready());
      file.waits &= static_cast<std::uint8_t>(~file.told);
    }
    return 0;
  }
  static Step GiveUp(System& system, std::int64_t file) {
    system.files[file].leaves = true;
    return 0;
  }
  // What it was told of, and takes.
  static Step Take(System& system, std::int64_t at) {
    BackendFile& file = system.files[at];
    if (file.told == 0) return std::nullopt;
    // A report may be for nothing: it waits on.
    const int told = file.told & file.ready();
    file.waits |= static_cast<std::uint8_t>(file.told & ~told);
    if ((told & 1) != 0) file.unread = 0;
    if ((told & 2) != 0) file.room = 0;
    file.told = 0;
    return told;
  }
  // The peer does something to a file that is open.
  static Step Come(System& system, std::int64_t what) {
    BackendFile& file = system.files[what >> 8];
    if (file.life == 0) return std::nullopt;
    if ((what & 1) != 0) file.unread = 1;
    if ((what & 2) != 0) file.room = 1;
    if ((what & 4) != 0) file.hung_up = true;
    system.Came(static_cast<int>(what >> 8), static_cast<int>(what & 7));
    return 0;
  }
  static Step Increment(int& value, std::int64_t) {
    ++value;
    return 0;
  }
  static Step Get(int& value, std::int64_t) { return value; }
  static Step Set(int& value, std::int64_t now) {
    value = static_cast<int>(now);
    return 0;
  }

  void Add(const std::string& name, int number,
           void (BackendWorld::*body)(Thread&, int)) {
    const int self = static_cast<int>(threads().size());
    AddThread(name, [this, self, number, body](Thread& thread) {
      Enter(&thread, self);
      (this->*body)(thread, number);
    });
  }

  void Poller(Thread& thread, int) {
    Sink sink{this, &thread};
    for (;;) {
      thread.Mark("poll");
      if (cast_.foreign) {
        SleepElsewhere(thread);
        backend_.Poll(Delta::Waited(), sink);
      } else {
        backend_.Poll(Delta::Forever(), sink);
      }
      if (cast_.breakers == 0) continue;
      thread.Mark("polled");
      const int news = Thread::Call("poll.look", news_, Get);
      Thread::Call("poll.seen", seen_, Set, news);
    }
  }

  void SleepElsewhere(Thread& thread) {
    if constexpr (Backend::kTraits.has_poll_fd) {
      if (Thread::Await(sleeps_at_, system_, Readable) == 0) return;
      thread.Fail("O1: one break woke the loop twice");
    }
  }
  // Of a system with such a descriptor: nullopt, it is not readable; 1, it is
  // for a break that has ended a sleep before; or 0.
  static Step Readable(System& system, std::int64_t) {
    return system.Readable();
  }

  void Looker(Thread& thread, int) {
    Sink sink{this, &thread};
    for (int i = 0; i < cast_.looks; ++i) {
      thread.Mark("look", {i});
      thread.May("looker.go");
      backend_.Poll(Delta::NonBlocking(), sink);
    }
  }

  void Breaker(Thread& thread, int) {
    for (int i = 0; i < cast_.breaks; ++i) {
      thread.Mark("break", {i});
      thread.May("breaker.go");
      Thread::Call("breaker.news", news_, Increment);
      backend_.Break();
    }
  }

  void Owner(Thread& thread, int file) {
    const Fd fd = BackendFiles::kFirst + file;
    for (int life = 1; life <= cast_.lives; ++life) {
      const auto key = EventKey::ForSlot(static_cast<std::uint32_t>(file),
                                         static_cast<std::uint32_t>(life));
      thread.Mark("open", {life});
      Thread::Call("file.open", system_, OpenFile, life << 8 | file);
      int error = backend_.Open(fd, key);
      if (OpensLater(error)) error = backend_.Open(fd, key);
      if (error != 0) thread.Fail("S9: Open was refused");
      const int rounds = file < cast_.owners ? cast_.rounds : 0;
      for (int round = 0; round < rounds; ++round) {
        thread.Mark("wait", {life, round});
        if (Wait(thread, key, file, round)) break;
      }
      thread.Mark("close", {life});
      Thread::Call("task.leaves", system_, GiveUp, file);
      if (backend_.Close(fd, key) != 0) {
        thread.Fail("S4: Close did not find what was opened");
      }
      AfterClose(thread, file);
      Thread::Call("file.close", system_, CloseFile, file);
    }
  }

  // One wait of a task. True: it leaves instead.
  bool Wait(Thread& thread, EventKey key, int file, int round) {
    const Fd fd = BackendFiles::kFirst + file;
    const auto life = static_cast<std::int64_t>(key.generation());
    const Mode mode = cast_.both ? Mode::kReadWrite : Mode::kRead;
    Thread::Call("task.wants", system_, Want,
                 file << 8 | static_cast<int>(mode));
    Arm(fd, key, static_cast<int>(mode));
    thread.Mark("armed", {life, round});
    if (Thread::Choose("task.leaves", 2) == 1) return true;
    for (int left = static_cast<int>(mode); left != 0;) {
      thread.Mark("waits", {life, round, left});
      const int got = Thread::Await("task.wait", system_, Take, file);
      left &= ~got;
      if (got == 0) Arm(fd, key, left);
    }
    return false;
  }

  void Arm(Fd fd, EventKey key, int directions) {
    if constexpr (kLevels) {
      if ((directions & 1) != 0) backend_.Arm(fd, key, Mode::kRead);
      if ((directions & 2) != 0) backend_.Arm(fd, key, Mode::kWrite);
    }
  }

  // Each kind may come or not, whatever the others do.
  void AddPeers(int file) {
    const auto add = [&](const char* what, int times, int bits) {
      if (times == 0) return;
      AddThread(what + std::to_string(file + 1), [this, what, times, file,
                                                  bits](Thread& thread) {
        for (int i = 0; i < times; ++i) {
          thread.Mark(what, {i});
          Thread::MayCall("peer.acts", system_, Come, file << 8 | bits);
        }
      });
    };
    add("writes", cast_.edges, 1);
    add("reads", cast_.rooms, 2);
    add("hangs_up", cast_.hang_ups, 4);
  }
};

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SYSTEMS_BACKEND_WORLD_H_
