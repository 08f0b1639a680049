// SPDX-License-Identifier: Apache-2.0
#include "netpoll/backends/fake/fake_files.h"
#include "netpoll/tests/differential/differential.h"

NETPOLL_DIFFERENTIAL(FakeEdgeMask, OnFake<FakeTrigger::kEdgeMask>);
NETPOLL_DIFFERENTIAL(FakeEdgeFilter, OnFake<FakeTrigger::kEdgeFilter>);
NETPOLL_DIFFERENTIAL(FakeLevel, OnFake<FakeTrigger::kLevel>);
NETPOLL_DIFFERENTIAL(FakeCompletion, OnFake<FakeTrigger::kCompletion>);
