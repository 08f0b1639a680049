// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/report/show_value.h"

namespace netpoll::model {

int TaskOf(const World& world, const Object& object) {
  for (std::size_t i = 0; i < world.threads().size(); ++i) {
    if (world.threads()[i].task == &object) return static_cast<int>(i);
  }
  return -1;
}

std::string Show(const World& world, const Object& object, Value value) {
  std::string text = world.attached().Show(object, value);
  if (!text.empty()) return text;
  if (TaskOf(world, object) >= 0) return value == 0 ? "asleep" : "runnable";
  if (object.lock_number >= 0) return value == 0 ? "free" : "held";
  text = object.Show(value);
  return text.empty() ? "v" + std::to_string(value) : text;
}

}  // namespace netpoll::model
