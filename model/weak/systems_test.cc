// SPDX-License-Identifier: Apache-2.0
//
// The backends as they ship, and the timer heap, under RC11: their words in the
// orders that are written, around a system whose steps are one at a time.

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/model/source/read_file.h"
#include "netpoll/model/weak/certificate.h"

namespace netpoll::model {
namespace {

TEST(OverSystems, TheCountsAreThoseOnFile) {
  const std::vector<std::string> names = ConfigurationsOf(Size::kOverSystems);
  EXPECT_GT(names.size(), 30u);
  const std::string file = ReadFile("model/weak/systems.golden");
  EXPECT_EQ(file, WeakCertificate(names, Size::kOverSystems, 2, file))
      << "If the change is meant:\n"
         "  bazel run //model/weak:write_golden -- systems > "
         "model/weak/systems.golden";
}

}  // namespace
}  // namespace netpoll::model
