// SPDX-License-Identifier: Apache-2.0
#include "netpoll/model/fuzz/session.h"

namespace netpoll::model {
namespace {

constexpr std::size_t kMostKept = 4096;
constexpr std::size_t kLongest = 400;

}  // namespace

Target::Outcome Session::Step() { return Step(Next()); }

Target::Outcome Session::Step(const Bytes& bytes) {
  ++runs_;
  Target::Outcome outcome = target_.Run(bytes);
  if (outcome.broken()) {
    return target_.Run(target_.Shrink(outcome.plain, outcome.run.violation));
  }
  if (outcome.run.new_states > 0) {
    if (corpus_.size() < kMostKept) {
      corpus_.push_back(outcome.plain);
    } else {
      corpus_[Below(kMostKept)] = outcome.plain;
    }
  }
  return outcome;
}

Bytes Session::Next() {
  switch (corpus_.empty() ? Below(2) : Below(4)) {
    case 0: {  // Priorities.
      Bytes bytes(10);
      for (std::uint8_t& byte : bytes) {
        byte = static_cast<std::uint8_t>(Below(256));
      }
      bytes[1] |= 1;
      return bytes;
    }
    case 1:
      return Random();
    default:
      return Changed(corpus_[Below(corpus_.size())]);
  }
}

// A switch every few steps: how few differs from run to run.
Bytes Session::Random() {
  Bytes bytes(2 + Below(kLongest));
  const std::uint64_t every = 1 + Below(12);
  for (std::uint8_t& byte : bytes) {
    byte = Below(every) == 0 ? static_cast<std::uint8_t>(Below(256)) : 0;
  }
  bytes[0] = static_cast<std::uint8_t>(Below(256));
  bytes[1] = 0;
  return bytes;
}

Bytes Session::Changed(Bytes bytes) {
  for (std::uint64_t changes = 1 + Below(4); changes > 0; --changes) {
    if (bytes.size() <= 2) return bytes;
    const auto at = static_cast<std::ptrdiff_t>(2 + Below(bytes.size() - 2));
    switch (Below(4)) {
      case 0:
        bytes[static_cast<std::size_t>(at)] =
            static_cast<std::uint8_t>(Below(256));
        break;
      case 1:
        bytes[static_cast<std::size_t>(at)] = 0;
        break;
      case 2:
        bytes.insert(bytes.begin() + at, static_cast<std::uint8_t>(Below(256)));
        break;
      default:  // Another end.
        bytes.resize(static_cast<std::size_t>(at));
        for (std::uint64_t more = Below(40); more > 0; --more) {
          bytes.push_back(Below(3) == 0 ? static_cast<std::uint8_t>(Below(256))
                                        : std::uint8_t{0});
        }
    }
  }
  return bytes;
}

Target::Outcome RunUntilBroken(Session& session, std::uint64_t most,
                               const std::function<bool()>& go_on) {
  Target::Outcome outcome;
  for (std::uint64_t run = 0; run < most; ++run) {
    if (go_on != nullptr && !go_on()) break;
    outcome = session.Step();
    if (outcome.broken()) break;
  }
  return outcome;
}

}  // namespace netpoll::model
