// SPDX-License-Identifier: Apache-2.0
//
// Steps of the modelled kernel where everybody goes on for ever: nothing counts
// up, and a step that would change nothing does not come.

#ifndef NETPOLL_MODEL_SCENARIOS_ENDLESS_KERNEL_H_
#define NETPOLL_MODEL_SCENARIOS_ENDLESS_KERNEL_H_

#include <cstdint>
#include <optional>

#include "netpoll/model/scenarios/model_kernel.h"

namespace netpoll::model::kernel {

// As kernel::Edge, but of what there is to take only whether there is some
// counts. Not before it changes anything.
inline std::optional<int> EdgeAgain(Kernel& kernel, std::int64_t mode) {
  const Kernel before = kernel;
  Edge(kernel, mode);
  if (kernel.unread > 1) kernel.unread = 1;
  if (kernel.room > 1) kernel.room = 1;
  if (kernel == before) return std::nullopt;
  return 0;
}

inline std::optional<int> ErrorAgain(Kernel& kernel, std::int64_t) {
  const Kernel before = kernel;
  Error(kernel, 0);
  if (kernel == before) return std::nullopt;
  return 0;
}

// The poll has done with its report.
inline std::optional<int> LetGo(Kernel& kernel, std::int64_t) {
  kernel.held = false;
  kernel.reuses = 0;
  return 0;
}

// A generation of two bits has three values: a report may be overtaken by two
// of them, and no more.
inline std::optional<int> MayClose(Kernel& kernel, std::int64_t) {
  if (kernel.held && kernel.reuses == 2) return std::nullopt;
  return 0;
}

}  // namespace netpoll::model::kernel

#endif  // NETPOLL_MODEL_SCENARIOS_ENDLESS_KERNEL_H_
