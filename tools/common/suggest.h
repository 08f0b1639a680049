// SPDX-License-Identifier: Apache-2.0
//
// Words in messages: quoting what a user wrote, and guessing what was meant.

#ifndef NETPOLL_TOOLS_COMMON_SUGGEST_H_
#define NETPOLL_TOOLS_COMMON_SUGGEST_H_

#include <span>
#include <string>
#include <string_view>

namespace netpoll::tools {

// In quotes, fit for one line of a terminal: control characters escaped, cut
// when long.
std::string Quoted(std::string_view word);

// `word` as one word of a command that a shell reads.
std::string InShell(std::string_view word);

// The name nearest to `word`, or nothing when none is near.
std::string_view Nearest(std::string_view word,
                         std::span<const std::string_view> names);

// " (did you mean 'NAME'?)" or nothing.
std::string DidYouMean(std::string_view word,
                       std::span<const std::string_view> names);

// `text` in lines of at most 79 columns, broken at blanks; all but the first
// begin with `indent` blanks, and so many are taken already in the first.
std::string Wrapped(std::string_view text, int indent);

}  // namespace netpoll::tools

#endif  // NETPOLL_TOOLS_COMMON_SUGGEST_H_
