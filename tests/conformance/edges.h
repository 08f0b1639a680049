// SPDX-License-Identifier: Apache-2.0
//
// Conformance: each edge is reported, once, under the key of its descriptor.

#ifndef NETPOLL_TESTS_CONFORMANCE_EDGES_H_
#define NETPOLL_TESTS_CONFORMANCE_EDGES_H_

#include <chrono>
#include <cstdint>
#include <set>

#include "gtest/gtest.h"
#include "netpoll/core/delta.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/conformance/clause.h"

namespace netpoll::conformance {

template <class Backend>
class Edges : public Fixture<Backend> {
 protected:
  // The keys that the next poll says can be read. What is sent takes its time;
  // none comes of waiting for ever.
  std::set<std::uint64_t> Readable() {
    Recorder recorder;
    this->backend_.Poll(Delta::AtMost(std::chrono::seconds(20)), recorder);
    std::set<std::uint64_t> keys;
    for (const Report& report : recorder.reports) {
      if (Has(report.mode, Mode::kRead)) keys.insert(report.key.bits());
    }
    return keys;
  }
};
TYPED_TEST_SUITE_P(Edges);

TYPED_TEST_P(Edges, AnEdgeIsReportedOnce) {
  auto ends = this->Pair();
  ASSERT_EQ(this->Open(ends, this->Key(1)), 0);
  this->TakeAll();
  ends.Send();
  EXPECT_EQ(this->Readable().count(this->Key(1).bits()), 1u);
  EXPECT_TRUE(this->TakeAll().empty());
}

TYPED_TEST_P(Edges, EachEdgeIsReported) {
  auto ends = this->Pair();
  ASSERT_EQ(this->Open(ends, this->Key(1)), 0);
  this->TakeAll();
  for (int i = 0; i < 3; ++i) {
    ends.Send();
    EXPECT_EQ(this->Readable().count(this->Key(1).bits()), 1u);
    this->ReadAndArm(ends, this->Key(1));
  }
}

TYPED_TEST_P(Edges, KeysComeBackWhole) {
  auto first = this->Pair();
  auto second = this->Pair();
  const EventKey low = EventKey::ForSlot(0, 1);
  const EventKey high = EventKey::ForSlot(EventKey::kMaxIndex, 0xffff'ffffu);
  ASSERT_EQ(this->Open(first, low), 0);
  ASSERT_EQ(this->Open(second, high), 0);
  this->TakeAll();
  first.Send();
  EXPECT_EQ(this->Readable(), std::set<std::uint64_t>{low.bits()});
  second.Send();
  EXPECT_EQ(this->Readable(), std::set<std::uint64_t>{high.bits()});
}

REGISTER_TYPED_TEST_SUITE_P(Edges, AnEdgeIsReportedOnce, EachEdgeIsReported,
                            KeysComeBackWhole);

}  // namespace netpoll::conformance

#endif  // NETPOLL_TESTS_CONFORMANCE_EDGES_H_
