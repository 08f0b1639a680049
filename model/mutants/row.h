// SPDX-License-Identifier: Apache-2.0
//
// A mutant: a small, named patch of the source, that brings one historical bug
// back. One file each in rows/, named after the row of the bug corpus:
//
//   # a comment
//   about: one line: what goes wrong
//   breaks: L1 I2                     laws, one of which it must break
//   file: core/semaphore.h
//   <<<<
//   the old text, which must be there exactly once
//   ====
//   the new text
//   >>>>
//
// A mutant may change several places: another <<<<, after another `file:` if
// it is elsewhere. The text need not be whole lines.
//
// Where the bug is that one access is weaker than it is written, its site says
// all (model/engine/weaken.h), and nothing is compiled. Instead of the changes:
//
//   weaken: announce.turn split       or blind, dropped, unlocked
//   weaken: commit.word cas relaxed   an order; acquire, release, acq_rel
//   weaken: * acq_rel                 the same of every access

#ifndef NETPOLL_MODEL_MUTANTS_ROW_H_
#define NETPOLL_MODEL_MUTANTS_ROW_H_

#include <string>
#include <string_view>
#include <vector>

namespace netpoll::model {

struct Change {
  std::string file;  // From the root of the repository.
  std::string old_text;
  std::string new_text;
};

struct Row {
  std::string name;  // "C2-wait-by-store"
  std::string about;
  std::vector<std::string> breaks;
  std::vector<Change> changes;
  std::string weaker_site;  // Or this, maybe with an operation, and how.
  std::string weaker_how;
};

// False if `text` is no such file; `why` then says what is wrong and where.
bool ParseRow(std::string_view name, std::string_view text, Row* row,
              std::string* why);

// Applies the changes of `row` that are in `file` to `text`. False, and `why`,
// unless each old text is there exactly once.
bool Apply(const Row& row, std::string_view file, std::string* text,
           std::string* why);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_MUTANTS_ROW_H_
