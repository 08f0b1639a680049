// SPDX-License-Identifier: Apache-2.0
//
// io_uring: any completions in a small ring, before a poll or while it waits,
// beside those of the backend's own requests.
#include <linux/io_uring.h>
#include <poll.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "netpoll/backends/io_uring/io_uring_backend.h"
#include "netpoll/core/concurrency.h"
#include "netpoll/core/event_key.h"
#include "netpoll/core/types.h"
#include "netpoll/tests/fuzz/bytes.h"
#include "netpoll/tests/fuzz/decode.h"
#include "netpoll/tests/fuzz/fuzzed_ring.h"

namespace netpoll::fuzz {
namespace {

struct RingTarget {
  using Backend = IoUringBackend<StdEnv, FuzzedRing>;
  static constexpr EventKey kWakeKey = EventKey::Internal(0);
  static constexpr EventKey kKeptKey = EventKey::Internal(1);
  static constexpr bool kTellsDrains = true;

  template <class Poller>
  static Reported Load(Bytes& bytes, const Keys& keys, Poller& poller) {
    RingScript& next = script();
    next = RingScript{};
    if (bytes.Below(4) == 0) poller.Break();
    next.interrupts = bytes.Below(4) == 0 ? 1 + bytes.Below(3) : 0;
    next.interrupt = bytes.Below(2) == 0 ? -EINTR : -ETIME;
    next.refusals = bytes.Below(4) == 0 ? 1 + bytes.Below(3) : 0;
    constexpr int kRefusals[] = {-EAGAIN, -EBUSY, -EINTR};
    next.refusal = kRefusals[bytes.Below(3)];
    next.truth = static_cast<short>(bytes.Word());
    next.no_truth = bytes.Below(8) == 0;
    Reported reported;
    // Stale completions end no poll.
    reported.most_waits = 2 + next.interrupts;
    if (ring().Holds(kWakeKey)) reported.events.push_back({kWakeKey, 0});
    const std::uint32_t count = bytes.Below(8);
    for (std::uint32_t i = 0; i < count; ++i) {
      // Nobody posts the sign of a break but whoever breaks.
      EventKey key = DrawKey(bytes, keys, kKeptKey);
      if (key == kWakeKey) key = kKeptKey;
      const std::int32_t res = DrawResult(bytes);
      std::uint32_t flags = bytes.Below(4) == 0 ? bytes.Word() : 0;
      if (bytes.Below(4) != 0) flags |= IORING_CQE_F_MORE;
      next.late.push_back({key, res, flags});
      reported.events.push_back({key, Wakes(res, flags)});
    }
    // A poll that doesn't wait sees what is in the ring.
    if (bytes.Below(2) == 0) ring().Tell();
    next.woke = ring().Holds(kWakeKey);
    return reported;
  }

  static bool told() { return script().late.empty(); }
  static int waits() { return script().waits; }
  static int drains() {
    return script().woke && !ring().Holds(kWakeKey) ? 1 : 0;
  }
  static bool Armed(Fd, EventKey key, Mode) { return ring().Watches(key); }

 private:
  static std::int32_t DrawResult(Bytes& bytes) {
    constexpr std::int32_t kErrors[] = {-ECANCELED, -EBADF, -EINVAL, -ENOMEM};
    switch (bytes.Below(4)) {
      case 0:
        return static_cast<std::int32_t>(bytes.Word());
      case 1:
        return kErrors[bytes.Below(4)];
      default:
        return bytes.Byte() & 0x3f;
    }
  }

  // What a poll's completion tells, its last one of everything; and where it
  // isn't sure, what poll(2) tells.
  static unsigned Wakes(std::int32_t res, std::uint32_t flags) {
    if ((flags & IORING_CQE_F_MORE) == 0) return 3;
    const auto mask = static_cast<std::uint32_t>(res);
    unsigned wakes = OfMask(mask);
    if ((mask & POLLPRI) == 0 && mask != POLLERR) return wakes;
    const auto truth = static_cast<std::uint16_t>(script().truth);
    return wakes | (script().no_truth ? 3 : OfMask(truth));
  }

  static unsigned OfMask(std::uint32_t mask) {
    unsigned wakes = 0;
    if ((mask & POLLIN) != 0 || (mask & POLLRDHUP) != 0) wakes |= 1;
    if ((mask & POLLOUT) != 0) wakes |= 2;
    if ((mask & POLLHUP) != 0 || (mask & POLLERR) != 0) wakes |= 3;
    return wakes;
  }
};

}  // namespace

// The first byte says which kernel.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  script() = RingScript{};
  ring().Restart(data[0] % 2 == 0);
  DecodeRun<RingTarget>(data + 1, size - 1).Run();
  return 0;
}

}  // namespace netpoll::fuzz
