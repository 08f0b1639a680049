// SPDX-License-Identifier: Apache-2.0
//
// Text out of pieces, where abseil is not to be had: what also builds for
// Windows uses it.

#ifndef NETPOLL_TOOLS_COMMON_CAT_H_
#define NETPOLL_TOOLS_COMMON_CAT_H_

#include <sstream>
#include <string>

namespace netpoll::tools {

// The pieces one after the other, as a stream prints them.
template <class... Pieces>
std::string Cat(const Pieces&... pieces) {
  std::ostringstream text;
  (text << ... << pieces);
  return text.str();
}

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_COMMON_CAT_H_
