// SPDX-License-Identifier: Apache-2.0
//
// Channel: items from tasks and threads to others, in order, through a bounded
// number of places; and Select, over several channels at once.
//
//   Channel<int> numbers(16);
//   IoStatus sent = co_await numbers.Send(7);
//   Received<int> got = co_await numbers.Receive();
//   if (got.ok()) Use(*got.item);          else got.status says why not
//
// Any number of senders and receivers, of several runtimes, and threads by
// Blocking(numbers.Send(7)). First come, first served, on both sides. What was
// written before a Send is visible to who receives the item.
//
// No item is lost: one that was not sent (cancelled(), timeout(), closing()) is
// still the sender's, unmoved; a Receive that was given one hands it over,
// whatever cancels it. Close ends what waits: nothing more goes in, what is
// inside still comes out, and then Receive answers closing().
//
// Members but the awaits do not block. T's move must not throw: it is moved
// under a lock. Memory is asked for when the channel is made, and no more. It
// must outlive its waits, or its end stops the process, and calls; what is
// inside goes with it.

#ifndef NETPOLL_RUNTIME_CHANNEL_H_
#define NETPOLL_RUNTIME_CHANNEL_H_

#include "netpoll/core/cpp20.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/channel_core.h"
#include "netpoll/runtime/protocols/wait_queue.h"
#include "netpoll/runtime/queue_wait.h"

namespace netpoll {

template <class T>
class Channel;

// An item, or why there is none.
template <class T>
struct [[nodiscard]] Received {
  std::optional<T> item;
  IoStatus status;

  bool ok() const { return item.has_value(); }
};

namespace internal {

// One operation on a channel, by itself or as one of a Select.
class ChannelOp : public QueueWait {
 public:
  // For Select; as ChannelCore's.
  bool TryNow() final;
  ChannelOutcome JoinFor(Choice<StdEnv>& choice, std::uint32_t which,
                         Wakeup<StdEnv>& wakeup);
  // It was decided: for this one if `chosen`.
  void LeaveFor(bool chosen);

 protected:
  ChannelOp() { entry_.wakeup = own_wakeup(); }
  ~ChannelOp() override = default;

  virtual ChannelOutcome Try(WaiterList& wake) = 0;
  virtual ChannelOutcome JoinQueue(WaiterList& wake) = 0;
  virtual ChannelOutcome LeaveQueue() = 0;

  // How it ended.
  IoStatus Done();

  ChannelEntry<StdEnv> entry_;

 private:
  bool Join() final;
  bool Leave() final;
  const char* What() const final { return "a channel"; }

  ChannelOutcome outcome_ = ChannelOutcome::kWaits;
};

template <class T>
class SendOp : public ChannelOp {
 public:
  using Result = IoStatus;

  SendOp(Channel<T>& channel, T&& item) : channel_(channel) {
    entry_.slot = &item;
  }
  SendOp(Channel<T>& channel, const T& item) : channel_(channel), copy_(item) {
    entry_.slot = &*copy_;
  }
  IoStatus await_resume() { return Done(); }

 private:
  ChannelOutcome Try(WaiterList& wake) override {
    return channel_.Core::TrySend(entry_.slot, wake);
  }
  ChannelOutcome JoinQueue(WaiterList& wake) override {
    return channel_.Core::Send(&entry_, wake);
  }
  ChannelOutcome LeaveQueue() override {
    return channel_.Core::LeaveSend(&entry_);
  }

  using Core = typename Channel<T>::Core;
  Channel<T>& channel_;
  std::optional<T> copy_;
};

template <class T>
class ReceiveOp : public ChannelOp {
 public:
  using Result = Received<T>;

  explicit ReceiveOp(Channel<T>& channel) : channel_(channel) {
    entry_.slot = &item_;
  }
  Received<T> await_resume() {
    const IoStatus status = Done();
    return {std::move(item_), status};
  }

 private:
  ChannelOutcome Try(WaiterList& wake) override {
    return channel_.Core::TryReceive(entry_.slot, wake);
  }
  ChannelOutcome JoinQueue(WaiterList& wake) override {
    return channel_.Core::Receive(&entry_, wake);
  }
  ChannelOutcome LeaveQueue() override {
    return channel_.Core::LeaveReceive(&entry_);
  }

  using Core = typename Channel<T>::Core;
  Channel<T>& channel_;
  std::optional<T> item_;
};

}  // namespace internal

template <class T>
class Channel : private internal::ChannelCore<StdEnv, Channel<T>> {
 public:
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "items are moved under a lock");

  // Room for `places` items; none is as one. Throws std::bad_alloc.
  explicit Channel(std::size_t places)
      : places_(places == 0 ? 1 : places),
        items_(std::make_unique<std::optional<T>[]>(places_)) {}
  ~Channel() {
    if (!Core::nobody_waits()) {
      StdEnv::Misuse("a Channel was destroyed while tasks wait for it");
    }
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // co_await Send(item): ok, closing(), cancelled(), timeout(). An item that is
  // passed as an rvalue is moved only if it was sent.
  internal::SendOp<T> Send(T&& item) { return {*this, std::move(item)}; }
  internal::SendOp<T> Send(const T& item) { return {*this, item}; }
  // co_await Receive(): an item, or closing(), cancelled(), timeout().
  internal::ReceiveOp<T> Receive() { return internal::ReceiveOp<T>(*this); }

  // Without waiting. False: there is no room, or it is closed; `item` stays.
  bool TrySend(T&& item) {
    WaiterList wake;
    const bool done =
        Core::TrySend(&item, wake) == internal::ChannelOutcome::kDone;
    internal::WakeWaiters(wake);
    return done;
  }
  // Empty: there is none.
  std::optional<T> TryReceive() {
    WaiterList wake;
    std::optional<T> item;
    static_cast<void>(Core::TryReceive(&item, wake));
    internal::WakeWaiters(wake);
    return item;
  }

  // False: it was closed before.
  bool Close() {
    WaiterList wake;
    const bool first = Core::Close(wake);
    internal::WakeWaiters(wake);
    return first;
  }
  bool closed() { return Core::closed(); }

 private:
  using Core = internal::ChannelCore<StdEnv, Channel<T>>;
  friend Core;
  friend internal::SendOp<T>;
  friend internal::ReceiveOp<T>;

  // Core's side, under its lock.
  bool Full() const { return count_ == places_; }
  bool Empty() const { return count_ == 0; }
  void Put(void* from) {
    items_[(first_ + count_) % places_].emplace(
        std::move(*static_cast<T*>(from)));
    ++count_;
  }
  void Take(void* to) {
    std::optional<T>& item = items_[first_];
    static_cast<std::optional<T>*>(to)->emplace(std::move(*item));
    item.reset();
    first_ = (first_ + 1) % places_;
    --count_;
  }
  static void Hand(void* from, void* to) {
    static_cast<std::optional<T>*>(to)->emplace(
        std::move(*static_cast<T*>(from)));
  }

  const std::size_t places_;
  const std::unique_ptr<std::optional<T>[]> items_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_CHANNEL_H_
