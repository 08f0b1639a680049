// SPDX-License-Identifier: Apache-2.0
//
// A channel: senders, receivers, one that closes it, scopes that are cancelled,
// and a receiver that selects over two.

#ifndef NETPOLL_MODEL_SCENARIOS_CHANNEL_WORLD_H_
#define NETPOLL_MODEL_SCENARIOS_CHANNEL_WORLD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "netpoll/model/scenarios/waiting_task.h"
#include "netpoll/runtime/protocols/channel_core.h"
#include "netpoll/runtime/protocols/select_core.h"

namespace netpoll::model {

// Items are digits; its place holds them as one number, the first in front.
class ModelChannel : public internal::ChannelCore<RuntimeEnv, ModelChannel> {
 public:
  using Slot = RuntimeEnv::Var<int>;
  using Core = internal::ChannelCore<RuntimeEnv, ModelChannel>;

  bool Full() const { return items_.Get() >= 1; }
  bool Empty() const { return items_.Get() == 0; }
  void Put(void* from) { Add(*static_cast<Slot*>(from)); }
  void Take(void* to) {
    static_cast<Slot*>(to)->Set(items_.Get());
    items_.Set(0);
  }
  static void Hand(void* from, void* to) {
    auto* const sender = static_cast<Slot*>(from);
    static_cast<Slot*>(to)->Set(sender->Get());
    sender->Set(0);
  }

  Slot& items() { return items_; }

 private:
  void Add(Slot& from) {
    items_.Set(items_.Get() * 10 + from.Get());
    from.Set(0);
  }
  Slot items_;
};

struct ChannelCast {
  int senders = 1;
  int sends = 1;  // Each.
  int receivers = 1;
  int receives = 1;
  bool closes = false;
  unsigned cancelled_senders = 0;  // A bit for each.
  unsigned cancelled_receivers = 0;
  // Two channels, a sender for each; whoever receives selects.
  bool selects = false;
  bool tries = false;  // Each tries before it waits.
};

class ChannelWorld : public WaitingWorld {
 public:
  explicit ChannelWorld(const ChannelCast& cast) : cast_(cast) {
    for (int i = 0; i < kItems; ++i) {
      sent_[i].name = "sent " + std::to_string(i + 1);
      received_[i].name = "received " + std::to_string(i + 1);
    }
    static_cast<void>(channels_[0].Core::closed());
    closed_ = ObjectAt("field");  // The one that was looked at last.
    closed_->name = "closed";
    for (int i = 0; i < cast.senders; ++i) {
      AddTask("sender" + std::to_string(i + 1),
              [=, this](Thread& thread) { Sender(thread, i); });
    }
    for (int i = 0; i < cast.receivers; ++i) {
      AddTask("receiver" + std::to_string(i + 1),
              [=, this](Thread& thread) { Receiver(thread, i); });
    }
    if (cast.closes) {
      closer_ = AddThread("closer", [this](Thread& thread) {
        thread.May("close");
        WaiterList wake;
        static_cast<void>(channels_[0].Core::Close(wake));
        Wake(thread, wake);
      });
    }
    for (int i = 0; i < Tasks(); ++i) {
      canceller_[i] = Cancelled(i) ? AddCanceller("canceller", scopes_[i]) : -1;
    }
    Settle();
  }

  const char* AtRest(const View& view) override {
    for (int i = 0; i < Tasks(); ++i) {
      if (canceller_[i] >= 0 && view.ended(canceller_[i]) && view.parked(i)) {
        return Of(i, "N2: a task waits in a scope that is cancelled");
      }
    }
    if (const char* const law = Items(view)) return law;
    const bool closed = closer_ >= 0 && view.ended(closer_);
    for (int i = 0; i < Tasks(); ++i) {
      if (!view.parked(i)) continue;
      if (closed) {
        return Of(i, closed_, "N7: a task waits for a channel that is closed");
      }
      const bool sends = i < cast_.senders;
      for (int at = 0; at < Channels(); ++at) {
        if (sends && at != ChannelOf(i)) continue;
        if (sends == (Inside(view, at) == 0)) {
          return Of(i, &channels_[at].items().object(),
                    "N7: a task waits though there is room, or an item");
        }
      }
    }
    return nullptr;
  }

 private:
  static constexpr int kItems = 4;
  static constexpr int kTasks = 4;
  using Outcome = internal::ChannelOutcome;

  int Tasks() const { return cast_.senders + cast_.receivers; }
  int Channels() const { return cast_.selects ? 2 : 1; }
  int ChannelOf(int sender) const { return cast_.selects ? sender : 0; }
  bool Cancelled(int task) const {
    const unsigned both = cast_.cancelled_senders | cast_.cancelled_receivers
                                                        << cast_.senders;
    return (both >> task & 1) != 0;
  }
  ScopeNode* ScopeOf(int task) {
    return Cancelled(task) ? &scopes_[task] : nullptr;
  }

  template <class F>
  void AddTask(const std::string& name, F body) {
    const int thread = AddThread(name, body);
    for (WaitingTask* const task : {&tasks_[thread], &others_[thread]}) {
      task->entry.wakeup = &tasks_[thread].wakeup;
      task->entry.slot = &task->slot;
    }
    Introduce(tasks_[thread].waiter, thread);
  }

  int Inside(const View& view, int channel) {
    auto& object = channels_[channel].items().object();
    return static_cast<int>(object.Bits(view.Raw(object)));
  }

  const char* Items(const View& view) {
    for (int i = 0; i < kItems; ++i) {
      int there = view.Of(received_[i]);
      for (int at = 0; at < Channels(); ++at) {
        for (int items = Inside(view, at); items != 0; items /= 10) {
          if (items % 10 == i + 1) ++there;
        }
      }
      if (there != view.Of(sent_[i])) {
        return "N6: an item was lost, or is there twice";
      }
    }
    return nullptr;
  }

  // The wait of `task` for one operation: how it ended.
  template <class Do, class Leave>
  Outcome Await(Thread& thread, int number, WaitingTask& task, Do act,
                Leave leave) {
    Outcome now = Outcome::kWaits;
    const bool granted = WaitFor(
        thread, task, ScopeOf(number),
        [&] {
          WaiterList wake;
          now = act(&task.entry, wake);
          Wake(thread, wake);
          return now == Outcome::kWaits;
        },
        [&] { return leave(&task.entry) != Outcome::kWaits; });
    if (!granted || now != Outcome::kWaits) return now;
    return task.entry.outcome.Get();
  }

  void Sender(Thread& thread, int number) {
    WaitingTask& task = tasks_[number];
    ModelChannel& channel = channels_[ChannelOf(number)];
    for (int i = 0; i < cast_.sends; ++i) {
      thread.Mark("sender", {i});
      thread.May("send");
      const int item = number * cast_.sends + i + 1;
      task.slot.Set(item);
      Outcome end = Outcome::kWaits;
      if (cast_.tries) {
        WaiterList wake;
        end = channel.Core::TrySend(&task.slot, wake);
        Wake(thread, wake);
      }
      if (end == Outcome::kWaits) {
        end = Await(
            thread, number, task,
            [&](auto* entry, auto& wake) {
              return channel.Core::Send(entry, wake);
            },
            [&](auto* entry) { return channel.LeaveSend(entry); });
      }
      if (end == Outcome::kDone) {
        Thread::Call("sent", sent_[item - 1], Put, 1);
      } else if (task.slot.Get() != item) {
        thread.Fail("N6: an item that was not sent has left its sender");
      } else {
        return;
      }
    }
  }

  void Receiver(Thread& thread, int number) {
    const int at = cast_.senders + number;
    WaitingTask& task = tasks_[at];
    ModelChannel& channel = channels_[0];
    int last = 0;
    for (int i = 0; i < cast_.receives; ++i) {
      thread.Mark("receiver", {i, last});
      if (cast_.selects) {
        Select(thread, at);
        continue;
      }
      Outcome end = Outcome::kWaits;
      if (cast_.tries) {
        WaiterList wake;
        end = channel.Core::TryReceive(&task.slot, wake);
        Wake(thread, wake);
      }
      if (end == Outcome::kWaits) {
        end = Await(
            thread, at, task,
            [&](auto* entry, auto& wake) {
              return channel.Core::Receive(entry, wake);
            },
            [&](auto* entry) { return channel.LeaveReceive(entry); });
      }
      if (end != Outcome::kDone) return;
      const int item = Got(thread, task);
      if (cast_.senders == 1 && item <= last) {
        thread.Fail("N4: an item came before one that was sent earlier");
      }
      last = item;
    }
  }

  int Got(Thread& thread, WaitingTask& task) {
    const int item = task.slot.Get();
    if (item == 0) thread.Fail("N6: a receiver was given nothing");
    task.slot.Set(0);
    Thread::Call("received", received_[item - 1], Count, 1);
    return item;
  }

  // Over both channels, as runtime/select.h does it.
  void Select(Thread& thread, int at) {
    WaitingTask* const waits[] = {&tasks_[at], &others_[at]};
    Choices& choice = choices_[at];
    Outcome now = Outcome::kWaits;
    int done = -1;
    const bool granted = WaitFor(
        thread, tasks_[at], ScopeOf(at),
        [&] {
          return choice.Join(2, [&](int i) {
            auto& entry = waits[i]->entry;
            entry.choice = &choice.choice();
            entry.which = static_cast<std::uint32_t>(i) + 1;
            WaiterList wake;
            now = channels_[i].Core::Receive(&entry, wake);
            Wake(thread, wake);
            if (now == Outcome::kDone) done = i;
            return now;
          });
        },
        [&] { return choice.Leave(); });
    const int taken = choice.LeaveAll([&](int i, bool) {
      static_cast<void>(channels_[i].LeaveReceive(&waits[i]->entry));
    });
    if (!granted) {
      if (taken >= 0)
        thread.Fail("N6: a select was granted and says it was not");
      return;
    }
    if (done >= 0 && done != taken) {
      thread.Fail("N6: a select has done two operations");
    }
    if (taken < 0) thread.Fail("N6: a select was granted and has nothing");
    Got(thread, *waits[taken]);
  }

  using Choices = internal::SelectCore<RuntimeEnv>;

  const ChannelCast cast_;
  ModelChannel channels_[2];
  WaitingTask tasks_[kTasks];
  WaitingTask others_[kTasks];  // The second entries of selects.
  Choices choices_[kTasks];
  ScopeNode scopes_[kTasks];
  int canceller_[kTasks] = {};
  int closer_ = -1;
  Object* closed_ = nullptr;
  Int sent_[kItems] = {Int(0), Int(0), Int(0), Int(0)};
  Int received_[kItems] = {Int(0), Int(0), Int(0), Int(0)};
};

inline void AddChannelScenarios(std::vector<Scenario>& all) {
  const auto add = [&all](const char* name, const char* about,
                          ChannelCast cast) {
    AddScenario<ChannelWorld>(all, name, about, cast);
  };
  add("channel", "two items go from one task to another",
      {.sends = 2, .receives = 2, .tries = true});
  add("channel-two-senders", "two tasks send, one receives, one closes it",
      {.senders = 2, .receives = 1, .closes = true});
  add("channel-two-receivers", "one sends, two receive, one closes it",
      {.sends = 2, .receivers = 2, .closes = true});
  add("channel-closes-senders", "two tasks send, nobody receives, it is closed",
      {.senders = 2, .receivers = 0, .closes = true});
  add("channel-send-cancelled", "a sender that waits for room is cancelled",
      {.senders = 2, .receives = 2, .cancelled_senders = 2});
  add("channel-receive-cancelled", "a receiver is cancelled",
      {.receivers = 2, .cancelled_receivers = 1});
  add("channel-select", "a task selects over two channels",
      {.senders = 2, .selects = true});
  add("channel-select-cancelled", "and is cancelled",
      {.senders = 2, .cancelled_receivers = 1, .selects = true});
  add("channel-two-select", "two tasks do, over the same two",
      {.senders = 2, .receivers = 2, .selects = true});
}

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SCENARIOS_CHANNEL_WORLD_H_
