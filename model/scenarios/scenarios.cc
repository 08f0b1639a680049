// SPDX-License-Identifier: Apache-2.0
//
// The matrix, compiled over one source of core/ and of the runtime's protocols:
// the shipped one, or a mutant's (then NETPOLL_VARIANT is its row, and the
// namespace netpoll is renamed so that all of them link into one program).

#include <memory>
#include <utility>
#include <vector>

#include "netpoll/model/engine/scenario.h"
#include "netpoll/model/scenarios/channel_world.h"
#include "netpoll/model/scenarios/closed_descriptor_scenarios.h"
#include "netpoll/model/scenarios/descriptor_scenarios.h"
#include "netpoll/model/scenarios/dispatch_scenarios.h"
#include "netpoll/model/scenarios/doorbell_world.h"
#include "netpoll/model/scenarios/fd_world.h"
#include "netpoll/model/scenarios/foreign_world.h"
#include "netpoll/model/scenarios/fork_world.h"
#include "netpoll/model/scenarios/futex_world.h"
#include "netpoll/model/scenarios/heap_world.h"
#include "netpoll/model/scenarios/io_world.h"
#include "netpoll/model/scenarios/join_world.h"
#include "netpoll/model/scenarios/lock_world.h"
#include "netpoll/model/scenarios/permits_world.h"
#include "netpoll/model/scenarios/pipe_world.h"
#include "netpoll/model/scenarios/pool_world.h"
#include "netpoll/model/scenarios/pure_world.h"
#include "netpoll/model/scenarios/queue_world.h"
#include "netpoll/model/scenarios/sleep_scenarios.h"
#include "netpoll/model/scenarios/timetable_world.h"
#include "netpoll/model/scenarios/token_world.h"
#include "netpoll/model/scenarios/two_runtimes_world.h"
#include "netpoll/model/scenarios/user_ready_world.h"
#include "netpoll/model/scenarios/wakeup_world.h"
#include "netpoll/model/scenarios/work_world.h"
#include "netpoll/model/systems/epoll_world.h"
#include "netpoll/model/systems/kqueue_world.h"
#include "netpoll/model/systems/poll_world.h"
#include "netpoll/model/systems/ports_world.h"
#include "netpoll/model/systems/uring_world.h"

#ifndef NETPOLL_VARIANT
#define NETPOLL_VARIANT "shipped"
#define NETPOLL_VARIANT_ABOUT "the source as it ships"
#endif

namespace netpoll::model {
namespace {

std::vector<Scenario> AllScenarios() {
  std::vector<Scenario> all;
  AddDescriptorScenarios(all);
  AddClosedDescriptorScenarios(all);
  AddTokenScenarios(all);
  AddPipeScenarios(all);
  AddSleepScenarios(all);
  AddForeignScenarios(all);
  AddLockScenarios(all);
  AddPoolScenarios(all);
  AddFutexScenarios(all);
  AddUserReadyScenarios(all);
  AddDoorbellScenarios(all);
  AddPureScenarios(all);
  AddQueueScenarios(all);
  AddDispatchScenarios(all);
  AddJoinScenarios(all);
  AddTwoRuntimesScenarios(all);
  AddTimetableScenarios(all);
  AddFdScenarios(all);
  AddIoScenarios(all);
  AddWakeupScenarios(all);
  AddPermitsScenarios(all);
  AddChannelScenarios(all);
  AddForkScenarios(all);
  AddWorkScenarios(all);
  AddHeapScenarios(all);
  AddPollScenarios(all);
  AddUringScenarios(all);
  AddEpollScenarios(all);
  AddPortScenarios(all);
  AddKqueueScenarios(all);
  return all;
}

const VariantRegistrar kRegistrar({NETPOLL_VARIANT, NETPOLL_VARIANT_ABOUT,
                                   AllScenarios()});

}  // namespace
}  // namespace netpoll::model
