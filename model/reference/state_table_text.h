// SPDX-License-Identifier: Apache-2.0
//
// The reference tables as Markdown: docs/state-table.md.

#ifndef NETPOLL_MODEL_REFERENCE_STATE_TABLE_TEXT_H_
#define NETPOLL_MODEL_REFERENCE_STATE_TABLE_TEXT_H_

#include <string>

namespace netpoll::model::reference {

// The whole document.
std::string StateTableText();

}  // namespace netpoll::model::reference

#endif  // NETPOLL_MODEL_REFERENCE_STATE_TABLE_TEXT_H_
