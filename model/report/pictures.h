// SPDX-License-Identifier: Apache-2.0
//
// A story to look at: lanes for a terminal, a Mermaid diagram for Markdown, a
// page for a browser.

#ifndef NETPOLL_MODEL_REPORT_PICTURES_H_
#define NETPOLL_MODEL_REPORT_PICTURES_H_

#include <string>

#include "netpoll/model/report/story.h"

namespace netpoll::model {

// One column for each thread, one line for each access, at most `width` wide.
std::string Lanes(const Story& story, int width);

// A sequence diagram.
std::string Mermaid(const Story& story);

// A page of its own: nothing outside it is loaded.
std::string HtmlPage(const Story& story);

// Where a thread stands, in words. `lost`: nobody will wake it.
const char* StandText(Stand stand, bool lost);

// The width of lanes that go into a file or a pipe.
inline constexpr int kWidthOfFiles = 100;

// The width of the terminal at file descriptor `fd`, or kWidthOfFiles.
int TerminalWidth(int fd);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_PICTURES_H_
