// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tests/differential/script.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/differential/reference_runner.h"
#include "netpoll/tools/cli/scenario/outcome.h"
#include "netpoll/tools/cli/scenario/statement.h"

namespace netpoll::differential {
namespace {

using scenario::Outcome;
using scenario::TaskKind;

constexpr const char* kNames[kWhats] = {
    "reader",        "writer",        "huge-writer",   "wait-read",
    "wait-write",    "reset",         "read",          "write",
    "peer-read",     "peer-write",    "fill",          "drain",
    "peer-drain",    "peer-shutdown", "peer-close",    "deadline-none",
    "deadline-past", "deadline-far",  "deadline-soon", "unblock",
    "reopen"};

const char* Letter(Mode mode) {
  return mode == Mode::kRead ? "r" : mode == Mode::kWrite ? "w" : "rw";
}

class Writer {
 public:
  explicit Writer(Script& script) : script_(script) {}

  void Open(const std::string& name) { Say(absl::StrCat("open ", name)); }

  // False if it was left out.
  bool Add(const Op& op) {
    name_ = std::string(1, static_cast<char>('a' + op.descriptor));
    d_ = reference_.Find(name_);
    const auto parked = reference_.Parked();
    std::set<std::string> shown(parked.begin(), parked.end());
    started_.clear();
    if (d_ == nullptr || !Allowed(op)) return false;
    Lower(op);
    if (!started_.empty()) shown.insert(started_);
    for (const std::string& task : shown) Say(absl::StrCat("task ", task));
    return true;
  }

  void Close(const std::string& name) {
    auto* const d = reference_.Find(name);
    if (d == nullptr) return;
    const std::string parked[] = {d->reader, d->writer};
    if (!d->poll.closing()) Say(absl::StrCat("unblock ", name));
    for (const std::string& task : parked) {
      if (!task.empty()) Say(absl::StrCat("task ", task));
    }
    Say(absl::StrCat("close ", name));
    mixed_.erase(name);
  }

 private:
  bool Free(Mode direction) { return d_->parked(direction).empty(); }

  bool BareWriteWait() {
    const auto* const task = reference_.FindTask(d_->writer);
    return task != nullptr && task->kind == TaskKind::kWait;
  }

  bool Allowed(const Op& op) {
    const SocketModel& socket = d_->socket;
    switch (op.what) {
      case What::kReader:
      case What::kWaitRead:
        return Free(Mode::kRead);
      case What::kWriter:
      case What::kHugeWriter:
        return Free(Mode::kWrite);
      case What::kWaitWrite:
        return Free(Mode::kWrite) &&
               !(socket.peer_ended() && !socket.peer_closed());
      case What::kReset:
        return op.mode != Mode::kReadWrite && Free(op.mode);
      case What::kPeerRead:
        return !socket.full() || mixed_.count(name_) == 0;
      case What::kPeerShutdown:
        return !socket.peer_closed() && !BareWriteWait();
      case What::kPeerClose:
        return !socket.peer_closed();
      case What::kUnblock:
        return !d_->poll.closing();
      default:
        return true;
    }
  }

  void Lower(const Op& op) {
    switch (op.what) {
      case What::kReader:
        return Start("reader", op.bytes);
      case What::kWriter:
        return Start("writer", op.bytes);
      case What::kHugeWriter:
        return Start("writer", kHuge);
      case What::kWaitRead:
        return Wait("r", "drain");
      case What::kWaitWrite:
        return Wait("w", "fill");
      case What::kReset:
        return Plain("reset", Letter(op.mode));
      case What::kRead:
      case What::kWrite:
      case What::kPeerRead:
      case What::kPeerWrite:
        return Plain(kNames[static_cast<int>(op.what)], absl::StrCat(op.bytes));
      case What::kDeadlineNone:
        return Plain("deadline", absl::StrCat(Letter(op.mode), " none"));
      case What::kDeadlinePast:
        return Plain("deadline", absl::StrCat(Letter(op.mode), " past"));
      case What::kDeadlineFar:
        return Plain("deadline", absl::StrCat(Letter(op.mode), " 3600000"));
      case What::kDeadlineSoon:
        Plain("deadline", absl::StrCat(Letter(op.mode), " 1"));
        Say("sleep 2");
        return;
      case What::kReopen: {
        const std::string name = name_;
        Close(name);
        return Open(name);
      }
      default:
        return Plain(kNames[static_cast<int>(op.what)]);
    }
  }

  void Plain(const char* verb, const std::string& rest = "") {
    Say(absl::StrCat(verb, " ", name_, rest.empty() ? "" : " ", rest));
  }

  void Start(const char* verb, int bytes) {
    started_ = FreeName();
    Plain(verb, absl::StrCat(started_, " ", bytes));
  }

  void Wait(const char* direction, const char* until_again) {
    Plain("reset", direction);
    Plain(until_again);
    if (script_.lines.back().expected != "again") return;
    started_ = FreeName();
    Plain("wait", absl::StrCat(direction, " ", started_));
  }

  // Names are used again, as soon as may be.
  std::string FreeName() const {
    for (int i = 1;; ++i) {
      const std::string name = absl::StrCat("t", i);
      const auto* const task = reference_.FindTask(name);
      if (task == nullptr || !task->result.empty()) return name;
    }
  }

  void Say(const std::string& text) {
    const auto before = Unread();
    const auto parsed = scenario::ParseLine(text);
    const Outcome outcome = parsed.statement
                                ? reference_.Execute(*parsed.statement)
                                : Outcome::Wrong(parsed.error);
    if (!outcome.error.empty()) {
      std::fprintf(stderr, "a script breaks the rules: %s: %s\n", text.c_str(),
                   outcome.error.c_str());
      std::abort();
    }
    script_.lines.push_back({*parsed.statement, outcome.result});
    NoteMixture(before);
  }

  std::int64_t Unread() {
    const auto* const d = reference_.Find(name_);
    return d == nullptr ? 0 : d->socket.unread_by_peer();
  }

  // Small writes before the large ones: what a read by the peer frees then is
  // hard to say.
  void NoteMixture(std::int64_t before) {
    const auto* const d = reference_.Find(name_);
    const bool drained =
        script_.lines.back().statement.verb == scenario::Verb::kPeerDrain;
    if (d == nullptr || !d->socket.full() || drained) {
      mixed_.erase(name_);
    } else if (before > 0 && before < kFewBytes) {
      mixed_.insert(name_);
    }
  }

  static constexpr int kHuge = 100'000'000;
  static constexpr std::int64_t kFewBytes = 10'000;

  Script& script_;
  ReferenceRunner reference_;
  std::string name_;
  ReferenceRunner::Descriptor* d_ = nullptr;
  std::string started_;
  std::set<std::string> mixed_;
};

}  // namespace

std::ostream& operator<<(std::ostream& out, const Op& op) {
  return out << kNames[static_cast<int>(op.what)] << "("
             << static_cast<char>('a' + op.descriptor) << ", "
             << Letter(op.mode) << ", " << op.bytes << ")";
}

std::string Script::Text() const {
  std::string text;
  for (const Line& line : lines) {
    absl::StrAppend(&text, line.statement.text, "\n");
  }
  return text;
}

Script Write(const std::vector<Op>& ops, unsigned descriptors) {
  Script script;
  Writer writer(script);
  const auto name = [](unsigned i) {
    return std::string(1, static_cast<char>('a' + i));
  };
  for (unsigned i = 0; i < descriptors; ++i) writer.Open(name(i));
  for (const Op& op : ops) {
    script.used_last = writer.Add(op);
    script.used += script.used_last ? 1 : 0;
  }
  for (unsigned i = 0; i < descriptors; ++i) writer.Close(name(i));
  return script;
}

}  // namespace netpoll::differential
