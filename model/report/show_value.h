// SPDX-License-Identifier: Apache-2.0
//
// What an object holds, for a reader of a story.

#ifndef NETPOLL_MODEL_REPORT_SHOW_VALUE_H_
#define NETPOLL_MODEL_REPORT_SHOW_VALUE_H_

#include <string>

#include "netpoll/model/engine/world.h"

namespace netpoll::model {

// The thread whose being runnable the object is, or -1.
int TaskOf(const World& world, const Object& object);

// As the laws that watch it say; anything else as the object itself does.
std::string Show(const World& world, const Object& object, Value value);

}  // namespace netpoll::model

#endif  // NETPOLL_MODEL_REPORT_SHOW_VALUE_H_
