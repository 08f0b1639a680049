// SPDX-License-Identifier: Apache-2.0
//
// The little JSON that commands print.

#ifndef NETPOLL_TOOLS_CLI_JSON_H_
#define NETPOLL_TOOLS_CLI_JSON_H_

#include <string>
#include <string_view>

#include "absl/strings/str_format.h"

namespace netpoll::cli {

// `text` as a JSON string, quotes included. Bytes pass through as they are,
// apart from those that JSON wants escaped.
inline std::string JsonString(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += absl::StrFormat("\\u%04x", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace netpoll::cli

#endif  // NETPOLL_TOOLS_CLI_JSON_H_
