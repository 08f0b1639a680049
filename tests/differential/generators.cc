// SPDX-License-Identifier: Apache-2.0
#include "netpoll/tests/differential/generators.h"

#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/differential/script.h"
#include "rapidcheck.h"

namespace netpoll::differential {

const std::vector<Op>& BytesAlphabet() {
  static const std::vector<Op> ops = {
      {What::kReader, 0, Mode::kRead, 5},
      {What::kWriter, 0, Mode::kWrite, 5},
      {What::kHugeWriter},
      {What::kRead, 0, Mode::kRead, 2},
      {What::kWrite, 0, Mode::kWrite, 2},
      {What::kPeerRead, 0, Mode::kRead, 1},
      {What::kPeerWrite, 0, Mode::kRead, 3},
      {What::kFill},
      {What::kDrain},
      {What::kPeerDrain},
      {What::kPeerShutdown},
      {What::kPeerClose},
      {What::kReopen},
  };
  return ops;
}

const std::vector<Op>& WaitsAlphabet() {
  static const std::vector<Op> ops = {
      {What::kReader, 0, Mode::kRead, 5},
      {What::kHugeWriter},
      {What::kWaitRead},
      {What::kWaitWrite},
      {What::kReset, 0, Mode::kRead},
      {What::kPeerWrite, 0, Mode::kRead, 3},
      {What::kPeerDrain},
      {What::kPeerClose},
      {What::kDeadlineNone, 0, Mode::kReadWrite},
      {What::kDeadlinePast, 0, Mode::kRead},
      {What::kDeadlinePast, 0, Mode::kReadWrite},
      {What::kDeadlineFar, 0, Mode::kRead},
      {What::kUnblock},
  };
  return ops;
}

rc::Gen<Op> Ops(unsigned descriptors) {
  const auto what = rc::gen::weightedElement<What>({
      {10, What::kReader},      {8, What::kWriter},
      {3, What::kHugeWriter},   {6, What::kWaitRead},
      {5, What::kWaitWrite},    {2, What::kReset},
      {6, What::kRead},         {4, What::kWrite},
      {6, What::kPeerRead},     {10, What::kPeerWrite},
      {6, What::kFill},         {3, What::kDrain},
      {6, What::kPeerDrain},    {2, What::kPeerShutdown},
      {2, What::kPeerClose},    {6, What::kDeadlineNone},
      {6, What::kDeadlinePast}, {4, What::kDeadlineFar},
      {1, What::kDeadlineSoon}, {2, What::kUnblock},
      {3, What::kReopen},
  });
  return rc::gen::construct<Op>(
      what, rc::gen::inRange(0u, descriptors),
      rc::gen::element(Mode::kRead, Mode::kWrite, Mode::kReadWrite),
      rc::gen::inRange(1, kMostBytes + 1));
}

rc::Gen<std::string> Statements() {
  const auto line = rc::gen::weightedElement<std::string>({
      {10, "reader D T N"},
      {10, "writer D T N"},
      {3, "wait D r T"},
      {3, "wait D w T"},
      {2, "reset D r"},
      {2, "reset D w"},
      {4, "read D N"},
      {4, "write D N"},
      {6, "peer-read D N"},
      {10, "peer-write D N"},
      {6, "fill D"},
      {3, "drain D"},
      {6, "peer-drain D"},
      {1, "peer-shutdown D"},
      {1, "peer-close D"},
      {2, "deadline D rw past"},
      {2, "deadline D r past"},
      {3, "deadline D rw none"},
      {2, "deadline D w 3600000"},
      {1, "deadline D r 1"},
      {1, "sleep 1"},
      {1, "unblock D"},
      {2, "close D"},
      {4, "open D"},
  });
  return rc::gen::map(
      rc::gen::tuple(line, rc::gen::element("a", "b"),
                     rc::gen::element("t1", "t2", "t3", "t4"),
                     rc::gen::element("1", "7", "5000", "65536")),
      [](const auto& drawn) {
        const auto& [text, descriptor, task, bytes] = drawn;
        return absl::StrReplaceAll(text, {{" D", std::string(" ") + descriptor},
                                          {" T", std::string(" ") + task},
                                          {" N", std::string(" ") + bytes}});
      });
}

}  // namespace netpoll::differential
