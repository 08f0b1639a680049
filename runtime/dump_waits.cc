// SPDX-License-Identifier: Apache-2.0
//
// Who waits on which descriptor: only words are read that any thread may read,
// and no frame of a task, which may go on, and end, meanwhile. And the text of
// all waits.

#include <dlfcn.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/poll_desc.h"
#include "netpoll/core/semaphore.h"
#include "netpoll/core/types.h"
#include "netpoll/runtime/address.h"
#include "netpoll/runtime/fd_state.h"
#include "netpoll/runtime/protocols/open_list.h"
#include "netpoll/runtime/scheduler.h"
#include "netpoll/runtime/sys.h"
#include "netpoll/runtime/wait_info.h"

namespace netpoll {
namespace internal {
namespace {

using NameCall = int (*)(int, sockaddr*, socklen_t*);

std::string EndOf(NameCall call, int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (call(fd, generic, &size) != 0 || size == 0) return "";
  const auto end = SocketAddress::FromSockaddr(generic, size);
  return end.ok() ? end->ToString() : "";
}

// In a direction, if a task is parked there.
void AddWait(FdState& fd, Mode direction, std::uint32_t now,
             std::vector<WaitInfo>& waits) {
  if (!IsWaiter(fd.desc->semaphore_word(direction))) return;
  WaitInfo wait;
  wait.fd = fd.fd;
  wait.direction = direction;
  wait.where = fd.notes.WhereOf(direction);
  wait.age = AgeOf(now, fd.notes.SinceOf(direction));
  wait.task = fd.notes.name.Load("note.name", Order::kRelaxed);
  if (fd.socket) {
    wait.local = EndOf(sys.getsockname, fd.fd);
    wait.peer = EndOf(sys.getpeername, fd.fd);
  }
  waits.push_back(std::move(wait));
}

std::string Age(std::int64_t nanos) {
  const std::int64_t millis = nanos / 1'000'000;
  if (millis < 10'000) return absl::StrCat(millis, " ms");
  const std::int64_t seconds = millis / 1000;
  if (seconds < 120) return absl::StrCat(seconds, " s");
  if (seconds < 7200) return absl::StrCat(seconds / 60, " min");
  return absl::StrCat(seconds / 3600, " h");
}

std::string WhatFor(const WaitInfo& wait) {
  if (wait.fd < 0) {
    return wait.left == kNever ? absl::StrCat("on ", wait.what) : "asleep";
  }
  return absl::StrCat("to ", wait.direction == Mode::kRead ? "read" : "write",
                      " fd ", wait.fd);
}

// "the reader to read fd 7, for 12 ms, 127.0.0.1:80 from 127.0.0.1:40112"
std::string Line(const WaitInfo& wait) {
  std::string text =
      absl::StrCat("    ", wait.task, *wait.task != '\0' ? " " : "",
                   WhatFor(wait), ", for ", Age(wait.age));
  if (wait.left != kNever) {
    absl::StrAppend(&text, ", another ", Age(wait.left));
  }
  if (!wait.local.empty()) absl::StrAppend(&text, ", ", wait.local);
  if (!wait.peer.empty()) absl::StrAppend(&text, " from ", wait.peer);
  return text + "\n";
}

}  // namespace

std::int64_t AgeOf(std::uint32_t now, std::uint32_t since) {
  // It may have begun a little after `now`.
  constexpr std::uint32_t kLittle = 60'000;
  const std::uint32_t millis = now - since > 0 - kLittle ? 0 : now - since;
  return std::int64_t{millis} * 1'000'000;
}

std::vector<WaitInfo> WaitsOf(Scheduler& scheduler, std::size_t most) {
  std::vector<WaitInfo> waits;
  if (scheduler.InChild()) return waits;
  AddDescriptorWaits(scheduler, most, waits);
  AddOtherWaits(scheduler, most, waits);
  return waits;
}

void AddDescriptorWaits(Scheduler& scheduler, std::size_t most,
                        std::vector<WaitInfo>& waits) {
  const std::uint32_t now = StampOf(sys.now());
  scheduler.open_list().Visit([&](OpenList<StdEnv>::Entry* entry) {
    auto& fd = *static_cast<FdState*>(entry);
    for (const Mode direction : {Mode::kRead, Mode::kWrite}) {
      if (waits.size() < most) AddWait(fd, direction, now, waits);
    }
    return waits.size() < most;
  });
}

std::string DumpWaits(const std::vector<WaitInfo>& waits, PlaceNamer name) {
  if (name == nullptr) name = &PlaceInFile;
  std::vector<const WaitInfo*> sorted;
  for (const WaitInfo& wait : waits) sorted.push_back(&wait);
  std::stable_sort(
      sorted.begin(), sorted.end(), [](const WaitInfo* a, const WaitInfo* b) {
        return std::pair(a->where, -a->age) < std::pair(b->where, -b->age);
      });
  std::string text;
  const void* last = nullptr;
  for (const WaitInfo* wait : sorted) {
    if (text.empty() || wait->where != last) {
      last = wait->where;
      const auto alike = std::count_if(
          sorted.begin(), sorted.end(),
          [last](const WaitInfo* each) { return each->where == last; });
      absl::StrAppend(&text, "  ", alike, alike == 1 ? " waits" : " wait",
                      " in ", name(last), "\n");
    }
    text += Line(*wait);
  }
  return text;
}

}  // namespace internal

std::string PlaceInFile(const void* place) {
  if (place == nullptr) return "an unknown place";
  // A call returns behind itself, maybe behind its function.
  const auto* const inside = static_cast<const char*>(place) - 1;
  Dl_info found{};
  if (::dladdr(inside, &found) == 0 || found.dli_fbase == nullptr) {
    return absl::StrCat("0x",
                        absl::Hex(reinterpret_cast<std::uintptr_t>(place)));
  }
  const auto offset = inside - static_cast<const char*>(found.dli_fbase);
  return absl::StrCat(found.dli_fname, "[0x", absl::Hex(offset), "]");
}

}  // namespace netpoll
