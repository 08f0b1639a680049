// SPDX-License-Identifier: Apache-2.0
//
// The portable scenarios print the same on backends that run here only over a
// test's own system calls, and so are not in the netpoll command.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpoll/backends/kqueue/kqueue_backend.h"
#include "netpoll/backends/kqueue/kqueue_sys.h"
#include "netpoll/backends/kqueue/kqueue_waker.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/model/source/read_file.h"
#include "netpoll/tests/scenario/in_process.h"
#include "netpoll/tests/shims/every_backend.h"
#include "netpoll/tests/shims/shimmed_backends.h"

namespace netpoll {
namespace {

std::vector<std::filesystem::path> Scenarios() {
  std::vector<std::filesystem::path> all;
  for (const auto& entry :
       std::filesystem::directory_iterator("tests/scenario/portable")) {
    if (entry.path().extension() == ".scenario") all.push_back(entry.path());
  }
  std::sort(all.begin(), all.end());
  return all;
}

template <class Backend>
class InProcessGolden : public ::testing::Test {};

struct Names {
  template <class Backend>
  static std::string GetName(int) {
    return Backend::kName;
  }
};
struct KqueueByPipe : KqueueBackend<StdEnv, KqueueSys, PipeWaker> {
  static constexpr const char* kName = "kqueue_by_pipe";
};
using Backends = TypesOf<ShimmedBackends, JustTheBackend, KqueueByPipe>;
TYPED_TEST_SUITE(InProcessGolden, Backends, Names);

TYPED_TEST(InProcessGolden, PortableScenariosPrintWhatIsExpected) {
  const auto scenarios = Scenarios();
  EXPECT_GE(scenarios.size(), 40u);
  for (std::filesystem::path path : scenarios) {
    const ScenarioResult result =
        RunText<TypeParam>(model::ReadFile(path), path.string());
    EXPECT_EQ(result.err, "");
    EXPECT_TRUE(result.kept_the_rules) << path;
    EXPECT_EQ(result.out, model::ReadFile(path.replace_extension(".expected")))
        << path;
  }
}

}  // namespace
}  // namespace netpoll
