// SPDX-License-Identifier: Apache-2.0
//
// A story as trace events in JSON, which Perfetto's UI opens: a track for each
// thread with its accesses and how long it was parked, a track for each word
// with its values, and an arrow from whoever wakes a task. A step lasts a
// millisecond.

#ifndef NETPOLL_MODEL_REPORT_PERFETTO_H_
#define NETPOLL_MODEL_REPORT_PERFETTO_H_

#include <string>

#include "netpoll/model/report/story.h"

namespace netpoll::model {

std::string PerfettoTrace(const Story& story);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_PERFETTO_H_
