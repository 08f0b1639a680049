// SPDX-License-Identifier: Apache-2.0
//
// The table of the page: its head, and a body for each run of steps that one
// thread takes, which folds into a row.

#ifndef NETPOLL_MODEL_REPORT_HTML_TABLE_H_
#define NETPOLL_MODEL_REPORT_HTML_TABLE_H_

#include <string>

#include "netpoll/model/report/story.h"

namespace netpoll::model {

std::string HtmlTable(const Story& story, const Diagnosis& diagnosis);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_HTML_TABLE_H_
