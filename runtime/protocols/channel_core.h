// SPDX-License-Identifier: Apache-2.0
//
// A bounded channel: items in the order in which they were sent, senders that
// wait for room and receivers that wait for items, each in the order in which
// they came.
//
//   lock_     guards the others
//   closed_   for good: no item goes in; those inside still come out
//
// Who receives waits only while there is no item, who sends only while there is
// no room; so at most one of the two queues is not empty. An item goes straight
// to the first receiver; room goes straight to the first sender, whose item is
// put in for it. What is moved is moved under the lock, from a sender that
// stays where it is to a place, or from a place to a receiver: once it is
// granted an item has left its sender, and before that it has not.
//
// A wait that ends because of Close is granted too: with kClosed in its
// `outcome`, and a sender keeps its item.
//
// A Host, the class that derives from this; all under the lock, none throws:
//   bool Full(), Empty()         of its places, of which there is at least one
//   void Put(void* from)         an item, at the end
//   void Take(void* to)          the first
//   void Hand(void* from, void* to)

#ifndef NETPOLL_RUNTIME_PROTOCOLS_CHANNEL_CORE_H_
#define NETPOLL_RUNTIME_PROTOCOLS_CHANNEL_CORE_H_

#include <cstdint>

#include "netpoll/core/concurrency.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/protocols/wait_queue.h"

namespace netpoll::internal {

enum class ChannelOutcome : std::uint8_t {
  kWaits = 0,   // Nothing was done.
  kDone = 1,    // The item was moved.
  kClosed = 2,  // It was not, nor will any be.
  kDecided = 3  // Nothing was done: the wait was decided in another queue.
};

template <class Env>
struct ChannelEntry : QueueEntry<Env> {
  // Set by who grants it, before it is woken.
  typename Env::template Var<ChannelOutcome> outcome;
};

template <class Env, class Host>
class ChannelCore {
 public:
  using Entry = ChannelEntry<Env>;

  // kWaits: there is no room, no item.
  ChannelOutcome TrySend(void* item, WaiterList& wake) {
    const LockHolder hold(lock_, "channel.try_send.lock");
    return SendNow(item, nullptr, wake);
  }
  ChannelOutcome TryReceive(void* place, WaiterList& wake) {
    const LockHolder hold(lock_, "channel.try_receive.lock");
    return ReceiveNow(place, nullptr, wake);
  }

  // The same for a wait; kWaits: it is in the queue.
  ChannelOutcome Send(Entry* entry, WaiterList& wake) {
    const LockHolder hold(lock_, "channel.send.lock");
    const ChannelOutcome now = SendNow(entry->slot, entry, wake);
    if (now == ChannelOutcome::kWaits) senders_.Push(entry);
    return now;
  }
  ChannelOutcome Receive(Entry* entry, WaiterList& wake) {
    const LockHolder hold(lock_, "channel.receive.lock");
    const ChannelOutcome now = ReceiveNow(entry->slot, entry, wake);
    if (now == ChannelOutcome::kWaits) receivers_.Push(entry);
    return now;
  }

  // Who waited goes. kWaits: nothing was done for it.
  ChannelOutcome LeaveSend(Entry* entry) { return Leave(senders_, entry); }
  ChannelOutcome LeaveReceive(Entry* entry) { return Leave(receivers_, entry); }

  // False: it was closed before.
  bool Close(WaiterList& wake) {
    const LockHolder hold(lock_, "channel.close.lock");
    if (closed_.Get()) return false;
    closed_.Set(true);
    End(senders_, wake);
    End(receivers_, wake);
    return true;
  }

  // By who destroys it, when nobody else uses it any more.
  bool nobody_waits() const { return senders_.empty() && receivers_.empty(); }

  bool closed() {
    const LockHolder hold(lock_, "channel.look.lock");
    return closed_.Get();
  }

 private:
  using Queue = WaitQueue<Env>;

  Host& host() { return static_cast<Host&>(*this); }

  // What is about to be done for a wait decides it.
  static bool Decide(Entry* entry) {
    return entry == nullptr || entry->choice == nullptr ||
           entry->choice->Take(entry->which);
  }

  ChannelOutcome SendNow(void* item, Entry* entry, WaiterList& wake) {
    if (!closed_.Get() && host().Full()) return ChannelOutcome::kWaits;
    if (!Decide(entry)) return ChannelOutcome::kDecided;
    if (closed_.Get()) return ChannelOutcome::kClosed;
    if (auto* const receiver = static_cast<Entry*>(receivers_.Choose())) {
      host().Hand(item, receiver->slot);
      Grant(receiver, ChannelOutcome::kDone, wake);
    } else {
      host().Put(item);
    }
    return ChannelOutcome::kDone;
  }

  ChannelOutcome ReceiveNow(void* place, Entry* entry, WaiterList& wake) {
    if (!closed_.Get() && host().Empty()) return ChannelOutcome::kWaits;
    if (!Decide(entry)) return ChannelOutcome::kDecided;
    if (host().Empty()) return ChannelOutcome::kClosed;
    host().Take(place);
    if (auto* const sender = static_cast<Entry*>(senders_.Choose())) {
      host().Put(sender->slot);
      Grant(sender, ChannelOutcome::kDone, wake);
    }
    return ChannelOutcome::kDone;
  }

  static void Grant(Entry* entry, ChannelOutcome outcome, WaiterList& wake) {
    entry->outcome.Set(outcome);
    Queue::Grant(entry, wake);
  }

  static void End(Queue& queue, WaiterList& wake) {
    while (auto* const entry = static_cast<Entry*>(queue.Choose())) {
      Grant(entry, ChannelOutcome::kClosed, wake);
    }
  }

  ChannelOutcome Leave(Queue& queue, Entry* entry) {
    const LockHolder hold(lock_, "channel.leave.lock");
    if (queue.Remove(entry)) return ChannelOutcome::kWaits;
    return entry->outcome.Get();
  }

  typename Env::Lock lock_;
  typename Env::template Var<bool> closed_;
  Queue senders_;
  Queue receivers_;
};

}  // namespace netpoll::internal

#endif  // NETPOLL_RUNTIME_PROTOCOLS_CHANNEL_CORE_H_
