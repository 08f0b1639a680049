// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/engine/run.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "netpoll/model/engine/crash.h"
#include "netpoll/model/engine/weaken.h"

namespace netpoll::model {
namespace {

struct Suspended {};
struct Stopped {};

thread_local Run* current_run = nullptr;

char16_t Unit(std::uint64_t value) { return static_cast<char16_t>(value); }

bool Concerns(const Weakened& weakened, std::string_view site,
              std::string_view operation) {
  std::string_view name = weakened.site;
  if (name == "*" || name == site) return true;
  if (!name.starts_with(site)) return false;
  name.remove_prefix(site.size());
  return name.starts_with(' ') && name.substr(1) == operation;
}

// By the seam's numbers: an acquire is 1, a release 2, both 3, and seq_cst 4.
std::uint8_t Weaker(std::uint8_t written, Weakness how,
                    std::string_view operation) {
  int order = static_cast<int>(how) - static_cast<int>(Weakness::kRelaxed);
  if (written < 4) order &= written;
  if (operation == Name(Op::kLoad)) order &= 1;
  if (operation == Name(Op::kStore)) order &= 2;
  return static_cast<std::uint8_t>(order);
}

}  // namespace

Run* Run::Current() { return current_run; }

RunResult Run::Execute() {
  const char* const crash = CrashOf([this] { Go(); });
  current_run = nullptr;
  if (crash != nullptr) {
    leaving_ = true;
    Break(crash);
  }
  return std::move(result_);
}

void Run::Go() {
  current_run = this;
  Thread thread(*this);
  try {
    context_.world->threads()[thread_].body(thread);
    if (!leaving_) {
      Before({});
      result_.pending = {};
    }
  } catch (const Suspended&) {
  } catch (const Stopped&) {
  }
}

int Run::Perform(const Access& access) {
  if (leaving_) {
    if (access.op == Op::kRelease) return 0;
    throw Suspended{};
  }
  Before(access);
  if (position_ < history_.size()) {
    const Value response = history_[position_++];
    result_.key.push_back(Unit(response));
    if (passed != nullptr) passed->push_back({access, response});
    After(access, response);
    return response;
  }
  result_.pending = access;
  leaving_ = true;
  if (access.op == Op::kRelease) return 0;
  throw Suspended{};
}

Weakness Run::WeaknessOf(const char* site) const {
  const Weakened& weakened = context_.world->weakened();
  return !IsOrder(weakened.how) && weakened.site == site ? weakened.how
                                                         : Weakness::kNone;
}

std::uint8_t Run::OrderOf(const char* site, const char* operation,
                          std::uint8_t written) const {
  const Weakened& weakened = context_.world->weakened();
  if (!IsOrder(weakened.how) || !Concerns(weakened, site, operation)) {
    return written;
  }
  return Weaker(written, weakened.how, operation);
}

void Run::SetNote(Note note) {
  if (!leaving_) result_.ghost.note = note;
}

bool Run::IsSeen(const Access& access) const {
  return access.object->always_seen ||
         context_.seen_sites.count(access.site) != 0;
}

void Run::LookedAt(const Unseen& unseen) {
  if (leaving_) return;
  if (context_.seen_sites.count(unseen.site) != 0) return;
  leaving_ = true;
  current_run = nullptr;
  throw SiteIsSeen(unseen.site);
}

void Run::Stop(const std::string& rule) {
  if (leaving_) throw Suspended{};
  leaving_ = true;
  if (result_.violation.empty() &&
      (context_.world->attached().AllowsStop(rule) ||
       context_.world->AllowsStop(rule))) {
    result_.stops = true;
  } else {
    Break(rule);
  }
  throw Stopped{};
}

void Run::Break(const std::string& law, Subject subject) {
  if (!result_.violation.empty()) return;
  if (subject.thread < 0) subject.thread = thread_;
  result_.violation = law;
  result_.subject = subject;
}

// Laws that a thread breaks by itself, whatever the others do.
void Run::Before(const Access& access) {
  Ghost& ghost = result_.ghost;
  if (access.op == Op::kAcquire || access.op == Op::kTryAcquire) {
    int& number = access.object->lock_number;
    if (number < 0) number = context_.world->NewLockNumber();
    if (number >= 8) Break("limit: threads take more than eight locks");
    for (int held = 0; held < 8; ++held) {
      if ((ghost.locks >> held & 1) == 0) continue;
      if (held == number) Break("lock order: a lock was acquired twice");
      context_.lock_order.insert({held, number});
    }
  }
  const char* const law = context_.world->Ask([&](Observer& observer) {
    return observer.Before(thread_, access, ghost);
  });
  if (law != nullptr) Break(law, context_.world->told());
}

void Run::After(const Access& access, Value response) {
  Ghost& ghost = result_.ghost;
  const Object* const object = access.object;
  if (object == nullptr) return;
  if (access.op == Op::kAcquire ||
      (access.op == Op::kTryAcquire && response == 1)) {
    ghost.locks |= static_cast<std::uint8_t>(1 << object->lock_number);
  }
  if (access.op == Op::kRelease) {
    ghost.locks &= static_cast<std::uint8_t>(~(1 << object->lock_number));
  }
  const char* const law = context_.world->Ask([&](Observer& observer) {
    return observer.Observed(thread_, access, response, ghost);
  });
  if (law != nullptr) Break(law, context_.world->told());
}

void Run::AppendGhost() {
  const Ghost& ghost = result_.ghost;
  result_.key.push_back(Unit(ghost.locks << 1 | (ghost.parked ? 1 : 0)));
  for (const Note note : {ghost.note, ghost.kept}) {
    result_.key.push_back(Unit(note.bits() & 0xffff));
    result_.key.push_back(Unit(note.bits() >> 16));
  }
}

void Run::Mark(const char* where, std::initializer_list<std::int64_t> values) {
  if (leaving_) return;
  auto& marks = context_.marks;
  auto found = std::find(marks.begin(), marks.end(), where);
  if (found == marks.end()) found = marks.insert(found, where);
  Key key;
  key.push_back(Unit(0x8000u + static_cast<unsigned>(found - marks.begin())));
  for (const std::int64_t value : values) {
    for (int shift = 0; shift < 64; shift += 16) {
      key.push_back(Unit(static_cast<std::uint64_t>(value) >> shift & 0xffff));
    }
  }
  result_.key = std::move(key);
  AppendGhost();
}

// --- Thread -----------------------------------------------------------------

int Thread::Do(const Access& access) { return Perform(access); }

void Thread::Mark(const char* where,
                  std::initializer_list<std::int64_t> values) {
  if (!run_.leaving_) ++run_.result_.marks;
  run_.Mark(where, values);
}

void Thread::May(const char* what) {
  Do({.op = Op::kMay, .optional = true, .site = what});
}

int Thread::Choose(const char* what, int branches) {
  return Do({.op = Op::kChoose, .site = what, .number = branches});
}

void Thread::SetNote(Note note) { run_.SetNote(note); }

Note Thread::note() const { return run_.note(); }

void Thread::Fail(const std::string& what) {
  run_.Stop(what);
  std::abort();
}

void Thread::Park() {
  if (run_.leaving_) throw Suspended{};
  run_.result_.ghost.parked = true;
  const auto step = [](int& runnable, std::int64_t) -> std::optional<int> {
    if (runnable == 0) return std::nullopt;
    runnable = 0;
    return 0;
  };
  Await<int>("park", *run_.context_.world->threads()[run_.thread_].task, step);
  run_.result_.ghost.parked = false;
}

void Thread::MakeRunnable(int task) {
  std::optional<int> (*const function)(int&, std::int64_t) =
      [](int& runnable, std::int64_t) -> std::optional<int> {
    runnable = 1;
    return 0;
  };
  Do({.op = Op::kCall,
      .wakes = static_cast<std::int16_t>(task),
      .object = current_run->context_.world->threads()[task].task,
      .site = "make_runnable",
      .call = reinterpret_cast<void (*)()>(function)});
}

bool Thread::WakeEarly(int task) {
  return Call<int>("wake", *current_run->context_.world->threads()[task].task,
                   [](int& runnable, std::int64_t) -> std::optional<int> {
                     const int was = runnable;
                     runnable = 1;
                     return was;
                   }) == 0;
}

Weakness WeaknessOf(const char* site) {
  return current_run != nullptr ? current_run->WeaknessOf(site)
                                : Weakness::kNone;
}

std::uint8_t OrderOf(const char* site, const char* operation,
                     std::uint8_t written) {
  return current_run != nullptr ? current_run->OrderOf(site, operation, written)
                                : written;
}

// --- The seam's side --------------------------------------------------------

int Perform(const Access& access) {
  if (current_run != nullptr) return current_run->Perform(access);
  if (access.object == nullptr) return 0;
  const Effect effect = access.object->Apply(access, access.object->now);
  access.object->now = effect.next;
  if (World::Current() != nullptr) World::Current()->Saw(access);
  return effect.response;
}

Unseen PerformUnseen(const Access& access) {
  Run* const run = current_run;
  if (run == nullptr) {
    return {access.site, static_cast<Value>(Perform(access))};
  }
  Access unseen = access;
  unseen.unseen = !run->IsSeen(access);
  return {access.site, static_cast<Value>(run->Perform(unseen))};
}

Value Look(const Unseen& unseen) {
  if (current_run != nullptr) current_run->LookedAt(unseen);
  return unseen.value;
}

void SetNoteOfRun(Note note) {
  if (current_run != nullptr) current_run->SetNote(note);
}
Note NoteOfRun() {
  return current_run != nullptr ? current_run->note() : Note();
}

void MarkOfRun(const char* where, std::initializer_list<std::int64_t> values) {
  if (current_run == nullptr || !current_run->marks_on_the_way()) return;
  current_run->Mark(where, values);
}

RetryScope::RetryScope() {
  if (current_run != nullptr) {
    key_length_ = current_run->result_.key.size();
    ghost_ = current_run->result_.ghost;
  }
}

void RetryScope::NextRound() {
  if (current_run == nullptr || current_run->leaving_) return;
  current_run->result_.key.resize(key_length_);
  if (current_run->result_.ghost != ghost_) current_run->AppendGhost();
}

void StopProgram(const char* rule) {
  const std::string misuse = std::string("misuse: ") + rule;
  if (current_run != nullptr) current_run->Stop(misuse);
  if (World::Current() != nullptr) throw StoppedWhileBuilt(misuse);
  std::fprintf(stderr, "netpoll model: %s\n", rule);
  std::abort();
}

}  // namespace netpoll::model
