// SPDX-License-Identifier: Apache-2.0

#include "netpoll/model/reference/state_table_text.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "netpoll/model/reference/reference_lock.h"
#include "netpoll/model/reference/semaphore_table.h"
#include "netpoll/model/reference/state_tables.h"
#include "netpoll/model/reference/status_table.h"

namespace netpoll::model::reference {
namespace {

// A Markdown table, its columns aligned.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(head); }

  void Row(std::vector<std::string> cells) { rows_.push_back(cells); }

  std::string Text() const {
    std::vector<std::size_t> widths(rows_[0].size(), 0);
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (Width(row[i]) > widths[i]) widths[i] = Width(row[i]);
      }
    }
    std::string text = Line(rows_[0], widths) + "|";
    for (const std::size_t width : widths) {
      text += std::string(width + 2, '-') + "|";
    }
    text += "\n";
    for (std::size_t i = 1; i < rows_.size(); ++i) {
      text += Line(rows_[i], widths);
    }
    return text + "\n";
  }

 private:
  // Characters, not bytes: an arrow has three.
  static std::size_t Width(const std::string& text) {
    std::size_t width = 0;
    for (const char c : text) {
      if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++width;
    }
    return width;
  }

  static std::string Line(const std::vector<std::string>& cells,
                          const std::vector<std::size_t>& widths) {
    std::string line = "|";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      line +=
          " " + cells[i] + std::string(widths[i] - Width(cells[i]), ' ') + " |";
    }
    return line + "\n";
  }

  std::vector<std::vector<std::string>> rows_;
};

// "-> ready; wake waiter", or what is short of that.
std::string Cell(const Rule& rule) {
  if (rule.effect == Effect::kMisuse) return "**misuse**";
  std::string text = rule.next == rule.state
                         ? std::string("stays")
                         : std::string("→ ") + Name(rule.next);
  if (rule.effect != Effect::kNothing)
    text += "; " + std::string(Name(rule.effect));
  return text;
}

std::string Semaphore() {
  std::string text =
      "## The semaphore of a direction\n\n"
      "States: *nil* 0, *ready* 1, *wait* 2, *parked* the address of the "
      "task's waiter.\n\n";
  Table table({"event", "nil", "ready", "wait", "parked"});
  for (const Event event : kEvents) {
    std::vector<std::string> row{Name(event)};
    for (const State state : kStates) row.push_back(Cell(Find(state, event)));
    table.Row(row);
  }
  text += table.Text();
  Table events({"event", "when", "by whom", "weakest order", "serves"});
  for (const EventSpec& spec : kEventSpecs) {
    events.Row({Name(spec.event), spec.meaning, Name(spec.caller), spec.order,
                spec.invariants});
  }
  return text + events.Text();
}

// "1, 5..7"
std::string Bits(std::uint64_t bits) {
  std::string text;
  for (int first = 0; first < 64; ++first) {
    if ((bits >> first & 1) == 0) continue;
    int last = first;
    while (last < 63 && (bits >> (last + 1) & 1) != 0) ++last;
    text += (text.empty() ? "" : ", ") + std::to_string(first);
    if (last != first) text += ".." + std::to_string(last);
    first = last;
  }
  return text;
}

std::string Answer(const StatusField& field, PollError error) {
  constexpr const char* kNames[] = {"-", "Closing", "Timeout", "NotPollable"};
  if (error == PollError::kNone) return kNames[0];
  return std::string(kNames[static_cast<std::size_t>(error)]) + field.when;
}

std::string Status() {
  std::string text =
      "## The status word\n\n"
      "The first line that holds is the answer to a task.\n\n";
  Table fields({"bits", "holds", "a reader gets", "a writer gets"});
  for (const StatusField& field : kStatusFields) {
    fields.Row({Bits(field.bits), field.name, Answer(field, field.reader),
                Answer(field, field.writer)});
  }
  text += fields.Text();
  Table rules({"event", "closing", "read passed", "write passed", "error",
               "no more edges", "ended", "generation", "by whom",
               "weakest order"});
  for (const StatusRule& rule : kStatusRules) {
    rules.Row({Name(rule.event), Name(rule.closing), Name(rule.read_expired),
               Name(rule.write_expired), Name(rule.errors),
               Name(rule.no_more_edges), Name(rule.ended),
               Name(rule.generation), rule.caller, rule.order});
  }
  return text + rules.Text();
}

// --- The descriptor lock ----------------------------------------------------

std::string LockState(const ReferenceLock& lock) {
  std::string text = lock.closed ? "closed" : "open";
  text += lock.read.held ? ", held" : ", free";
  if (lock.read.waiting != 0) {
    text += ", " + std::to_string(lock.read.waiting) + " waiting";
  }
  const auto others = lock.references - (lock.read.held ? 1u : 0u);
  return text + ", " + std::to_string(others) + " others";
}

std::string LockCell(const ReferenceLock& lock, const LockResult& result) {
  if (result.answer == LockAnswer::kMisuse) return "**misuse**";
  std::string text;
  if (result.answer != LockAnswer::kDone) text = Name(result.answer);
  if (!(result.next == lock)) {
    text += (text.empty() ? "→ " : "; → ") + LockState(result.next);
  }
  if (result.wake_readers != 0) {
    text += "; wake " + std::to_string(result.wake_readers);
  }
  return text;
}

std::string Lock() {
  std::string text =
      "## The descriptor lock\n\n"
      "As one direction sees it: whether the descriptor is open, whether a "
      "task holds the direction, how many wait for it, and how many other "
      "references there are. Counts end at 1,048,575; one more is misuse. "
      "Taking is acquire, giving up is release.\n\n";
  Table table({"state", "add reference", "drop reference", "acquire", "release",
               "close"});
  for (const bool closed : {false, true}) {
    for (const bool held : {false, true}) {
      for (const unsigned waiting : {0u, 1u}) {
        for (const unsigned others : {0u, 1u}) {
          if (waiting != 0 && (closed || !held)) continue;
          ReferenceLock lock{
              closed, others + (held ? 1u : 0u), {held, waiting}, {}};
          // A reference that only the holder has is not to be dropped.
          const bool own = held && others == 0;
          table.Row({LockState(lock), LockCell(lock, lock::AddReference(lock)),
                     own ? "-" : LockCell(lock, lock::DropReference(lock)),
                     LockCell(lock, lock::Acquire(lock, true)),
                     LockCell(lock, lock::Release(lock, true)),
                     LockCell(lock, lock::Close(lock))});
        }
      }
    }
  }
  return text + table.Text();
}

std::string Token() {
  std::string text = "## The wake token\n\n";
  Table table({"event", "idle", "pending", "by whom", "weakest order"});
  for (const TokenEventSpec& spec : kTokenEventSpecs) {
    std::vector<std::string> row{Name(spec.event)};
    for (const TokenRule& rule : kTokenRules) {
      if (rule.event != spec.event) continue;
      std::string cell = rule.next == rule.state
                             ? std::string("stays")
                             : std::string("→ ") + Name(rule.next);
      row.push_back(rule.post ? cell + "; post" : cell);
    }
    row.insert(row.end(), {spec.caller, spec.order});
    table.Row(row);
  }
  return text + table.Text();
}

std::string TurnCell(TurnState state, TurnEvent event) {
  for (const TurnRule& rule : kTurnRules) {
    if (rule.state != state || rule.event != event) continue;
    std::string text = rule.next == rule.state
                           ? std::string()
                           : std::string("→ ") + Name(rule.next);
    if (rule.effect != TurnEffect::kNothing || text.empty()) {
      text += (text.empty() ? "" : "; ") + std::string(Name(rule.effect));
    }
    return text;
  }
  return "-";
}

std::string Turn() {
  std::string text =
      "## The poll turn\n\n"
      "Whoever announces looks for work once more before it polls or "
      "sleeps.\n\n";
  Table table({"event", "nobody polls", "polls for ever", "polls until t",
               "by whom", "weakest order"});
  for (const TurnEventSpec& spec : kTurnEventSpecs) {
    table.Row({Name(spec.event), TurnCell(TurnState::kNobody, spec.event),
               TurnCell(TurnState::kForever, spec.event),
               TurnCell(TurnState::kUntil, spec.event), spec.caller,
               spec.order});
  }
  return text + table.Text();
}

}  // namespace

std::string StateTableText() {
  return "# The state tables\n\n"
         "Generated from the reference model; do not edit. To write it anew:\n"
         "\n"
         "    bazel run //model/reference:state_table > docs/state-table.md\n"
         "\n"
         "What is in a word's state, what each event makes of it, who may "
         "cause the event, and the weakest memory order that the argument for "
         "it needs; core ships stronger ones. Tests hold core to every "
         "cell. *Misuse* stops the process with a sentence.\n\n" +
         Semaphore() + Status() + Lock() + Token() + Turn();
}

}  // namespace netpoll::model::reference
