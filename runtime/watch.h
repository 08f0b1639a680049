// SPDX-License-Identifier: Apache-2.0
//
// Watch: a value that changes, for those who care for the latest; Broadcast:
// items that every receiver gets, each at its own pace.
//
//   Watch<Config> config(first);
//   for (auto seen = config.Get();; seen = config.Get()) {
//     Use(seen.value);
//     if (!(co_await config.Changed(seen.version)).ok()) co_return;
//   }
//
//   Broadcast<Line> lines(64);
//   Broadcast<Line>::Receiver mine(lines);       from here on
//   auto got = co_await mine.Receive();          got.item, got.missed
//
// Senders never wait: who looks too rarely misses values, and who receives too
// slowly items; a Broadcast says how many. Any member from any thread, a
// Receiver's by one at a time; threads wait by Blocking(...). What was written
// before a Set or Send is visible to who has what it brought. T is copied under
// a lock: let what is large be a std::shared_ptr. Both outlive their waits, or
// their end stops the process.

#ifndef NETPOLL_RUNTIME_WATCH_H_
#define NETPOLL_RUNTIME_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/gate.h"
#include "netpoll/runtime/queue_wait.h"

namespace netpoll {
namespace internal {

// Until there is more news than `seen`.
class NewsWait : public QueueWait {
 public:
  NewsWait(Gate<StdEnv>& gate, std::uint64_t seen) : gate_(gate), seen_(seen) {
    entry_.wakeup = own_wakeup();
  }
  IoStatus await_resume() { return Ended(); }

 private:
  bool TryNow() override { return false; }
  bool Join() override { return gate_.JoinIfSeen(&entry_, seen_); }
  bool Leave() override { return gate_.Leave(&entry_); }
  const char* What() const override { return "news"; }

  Gate<StdEnv>& gate_;
  const std::uint64_t seen_;
  QueueEntry<StdEnv> entry_;
};

}  // namespace internal

template <class T>
class Watch {
 public:
  struct Seen {
    T value;
    std::uint64_t version;
  };

  explicit Watch(T value) : value_(std::move(value)) {}
  ~Watch() {
    if (!gate_.nobody_waits()) {
      StdEnv::Misuse("a Watch was destroyed while tasks wait for it");
    }
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  Seen Get() {
    const LockHolder hold(lock_, "watch.get.lock");
    return {value_, version_};
  }
  void Set(T value) {
    WaiterList wake;
    {
      const LockHolder hold(lock_, "watch.set.lock");
      // The one before ends with `value`, outside: it may look here.
      std::swap(value_, value);
      ++version_;
      gate_.Tell(wake);
    }
    internal::WakeWaiters(wake);
  }
  // co_await Changed(version): ok once it is not the latest; or cancelled(),
  // timeout(), closing().
  internal::NewsWait Changed(std::uint64_t version) {
    return internal::NewsWait(gate_, version);
  }

 private:
  StdEnv::Lock lock_;
  T value_;                    // Guarded by lock_.
  std::uint64_t version_ = 0;  // Guarded by lock_; as many as the gate's news.
  internal::Gate<StdEnv> gate_;
};

template <class T>
class Broadcast {
 public:
  // `missed`: how many items went by since the last one. `item` empty:
  // closing() once it is closed and all was received, or how the wait ended.
  struct [[nodiscard]] Item {
    std::optional<T> item;
    std::uint64_t missed = 0;
    IoStatus status;

    bool ok() const { return item.has_value(); }
  };
  class Receiver;

  // The last `kept` items are there for who is slow; at least one. Throws
  // std::bad_alloc.
  explicit Broadcast(std::size_t kept) : kept_(kept == 0 ? 1 : kept) {}
  ~Broadcast() {
    if (!gate_.nobody_waits()) {
      StdEnv::Misuse("a Broadcast was destroyed while tasks wait for it");
    }
  }
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;

  // False: it is closed.
  bool Send(T item) {
    WaiterList wake;
    std::optional<T> before;  // Ends outside: it may look here.
    {
      const LockHolder hold(lock_, "broadcast.send.lock");
      if (closed_) return false;
      std::optional<T>& place = kept_[sent_++ % kept_.size()];
      if (place.has_value()) before.emplace(*std::move(place));
      place.emplace(std::move(item));
      gate_.Tell(wake);
    }
    internal::WakeWaiters(wake);
    return true;
  }
  // Nothing more is sent; what is there is still received.
  void Close() {
    WaiterList wake;
    {
      const LockHolder hold(lock_, "broadcast.close.lock");
      if (closed_) return;
      closed_ = true;
      gate_.Tell(wake);
    }
    internal::WakeWaiters(wake);
  }

 private:
  std::uint64_t sent() {
    const LockHolder hold(lock_, "broadcast.sent.lock");
    return sent_;
  }
  Item Take(std::uint64_t& next) {
    const LockHolder hold(lock_, "broadcast.take.lock");
    Item got;
    if (next == sent_) {
      got.status = IoStatus::FromPoll(PollError::kClosing);
      return got;
    }
    if (sent_ - next > kept_.size()) {
      got.missed = sent_ - next - kept_.size();
      next += got.missed;
    }
    got.item = kept_[next % kept_.size()];
    ++next;
    return got;
  }

  StdEnv::Lock lock_;
  // Guarded by lock_.
  std::vector<std::optional<T>> kept_;
  std::uint64_t sent_ = 0;  // As many as the gate's news, until it is closed.
  bool closed_ = false;
  internal::Gate<StdEnv> gate_;
};

template <class T>
class Broadcast<T>::Receiver {
 public:
  // Of what is sent from now on.
  explicit Receiver(Broadcast& from) : from_(from), next_(from.sent()) {}

  class Wait : public internal::NewsWait {
   public:
    explicit Wait(Receiver& receiver)
        : internal::NewsWait(receiver.from_.gate_, receiver.next_),
          receiver_(receiver) {}
    Item await_resume() {
      const IoStatus status = this->Ended();
      if (!status.ok()) return {{}, 0, status};
      return receiver_.from_.Take(receiver_.next_);
    }

   private:
    Receiver& receiver_;
  };
  // co_await Receive(): the next item. One that was not handed over because of
  // a cancellation comes next time.
  Wait Receive() { return Wait(*this); }

 private:
  Broadcast& from_;
  std::uint64_t next_;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_WATCH_H_
