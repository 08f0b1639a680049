// SPDX-License-Identifier: Apache-2.0
//
// Adversaries for the fake, drawn at random.

#ifndef NETPOLL_TESTS_PROPERTY_ADVERSARIES_H_
#define NETPOLL_TESTS_PROPERTY_ADVERSARIES_H_

#include <cstddef>
#include <iterator>
#include <ostream>
#include <vector>

#include "netpoll/backends/fake/fake_adversary.h"
#include "rapidcheck.h"

namespace netpoll {

// A swarm: each disturbance at a rate of its own, many of them off. Shrinks
// towards a calm system, one disturbance at a time.
inline rc::Gen<FakeAdversary> Adversaries() {
  constexpr unsigned kRates[] = {0, 0, 0, 0, 0, 1, 5, 20, 50, 90};
  const auto indexes = rc::gen::container<std::vector<std::size_t>>(
      kFakeDisturbances, rc::gen::inRange<std::size_t>(0, std::size(kRates)));
  return rc::gen::map(indexes, [=](const std::vector<std::size_t>& drawn) {
    FakeAdversary adversary;
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      const auto what = static_cast<FakeDisturbance>(i);
      adversary = adversary.With(what, kRates[drawn[i]]);
    }
    return adversary;
  });
}

// "late 20%, stale 5%", or "calm".
inline std::ostream& operator<<(std::ostream& out,
                                const FakeAdversary& adversary) {
  bool calm = true;
  for (std::size_t i = 0; i < kFakeDisturbances; ++i) {
    const auto what = static_cast<FakeDisturbance>(i);
    const unsigned percent = adversary.percent(what);
    if (percent == 0) continue;
    out << (calm ? "" : ", ") << Name(what) << " " << percent << "%";
    calm = false;
  }
  return calm ? out << "calm" : out;
}

}  // namespace netpoll

#endif  // NETPOLL_TESTS_PROPERTY_ADVERSARIES_H_
