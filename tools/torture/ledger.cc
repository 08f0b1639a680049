// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tools/torture/ledger.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpoll/tools/torture/clock.h"

namespace netpoll::torture {
namespace {

constexpr std::chrono::milliseconds kTick{50};
constexpr int kTicksPerSecond = 20;

}  // namespace

Ledger::Actor::Actor(Ledger& ledger, const char* kind, std::uint64_t number,
                     bool bystander)
    : ledger_(ledger), kind_(kind), number_(number), bystander_(bystander) {
  const std::lock_guard<std::mutex> hold(ledger_.mutex_);
  place_ = ledger_.actors_.insert(ledger_.actors_.end(), this);
}

Ledger::Actor::~Actor() {
  const std::lock_guard<std::mutex> hold(ledger_.mutex_);
  ledger_.actors_.erase(place_);
  if (!bystander_) ledger_.progress_.fetch_add(1, std::memory_order_relaxed);
}

std::string Ledger::LineOf(const Actor& actor, std::int64_t now) {
  const char* const what = actor.waits_for_.load(std::memory_order_acquire);
  std::string line = absl::StrCat("  ", actor.kind_, " ", actor.number_,
                                  what != nullptr ? " waits for " : " runs",
                                  what != nullptr ? what : "");
  const auto* const until = actor.until_.load(std::memory_order_acquire);
  if (what == nullptr || until == nullptr) return line;
  const std::int64_t when = until->load(std::memory_order_relaxed);
  if (when == kNever) return line;
  if (when < 0) return absl::StrCat(line, ", deadline past");
  return absl::StrCat(line, ", deadline ", (when - now) / 1'000'000,
                      " ms from now");
}

std::string Ledger::Describe() {
  const std::int64_t now = TrueNow();
  const std::lock_guard<std::mutex> hold(mutex_);
  std::string text;
  for (const Actor* const actor : actors_) {
    absl::StrAppend(&text, LineOf(*actor, now), "\n");
  }
  return text;
}

std::string Ledger::Look(int patience) {
  const std::uint64_t progress = progress_.load(std::memory_order_relaxed);
  still_ticks_ = progress == seen_ ? still_ticks_ + 1 : 0;
  seen_ = progress;
  if (still_ticks_ >= patience) {
    return absl::StrCat("nothing moved for ", patience / kTicksPerSecond,
                        " s: a wake-up was lost");
  }
  const std::int64_t now = TrueNow();
  const std::lock_guard<std::mutex> hold(mutex_);
  for (Actor* const actor : actors_) {
    const auto* const until = actor->until_.load(std::memory_order_acquire);
    const bool overdue =
        until != nullptr && until->load(std::memory_order_relaxed) <= now;
    actor->overdue_ticks_ = overdue ? actor->overdue_ticks_ + 1 : 0;
    if (actor->overdue_ticks_ >= patience) {
      return absl::StrCat("a deadline was lost:", LineOf(*actor, now));
    }
  }
  return "";
}

Watchdog::Watchdog(Ledger& ledger, std::chrono::seconds patience,
                   std::function<void(const std::string&)> bark)
    : ledger_(ledger), bark_(std::move(bark)), thread_([this, patience] {
        Watch(static_cast<int>(patience.count()) * kTicksPerSecond);
      }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard<std::mutex> hold(mutex_);
    ended_ = true;
  }
  end_.notify_one();
  thread_.join();
}

void Watchdog::Watch(int patience) {
  std::unique_lock<std::mutex> hold(mutex_);
  while (!end_.wait_for(hold, kTick, [this] { return ended_; })) {
    hold.unlock();
    const std::string wrong = ledger_.Look(patience);
    if (!wrong.empty()) bark_(wrong);
    hold.lock();
  }
}

}  // namespace netpoll::torture
