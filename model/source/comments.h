// SPDX-License-Identifier: Apache-2.0
//
// Source without its comments: what an edit of a comment leaves as it was.
// Mutants are made of it, so such an edit compiles none of them anew.

#ifndef NETPOLL_MODEL_SOURCE_COMMENTS_H_
#define NETPOLL_MODEL_SOURCE_COMMENTS_H_

#include <string>
#include <string_view>

namespace netpoll::model {

// Each line without its comment and the blanks before it; there are as many
// lines as before, so places stay what they are. Knows strings, characters and
// numbers such as 1'000; not raw strings, which are left alone to the end of
// their line.
std::string WithoutComments(std::string_view source);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_SOURCE_COMMENTS_H_
