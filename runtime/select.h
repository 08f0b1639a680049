// SPDX-License-Identifier: Apache-2.0
//
// Select: the first of several operations on channels that can be done, and no
// other.
//
//   auto got = co_await Select(numbers.Receive(), words.Receive(),
//                              answers.Send(42));
//   switch (got.index) {
//     case 0: Use(*std::get<0>(got.results).item); ...
//
// What was not chosen has not happened: no item was taken, none was sent. If
// several can be done, which one comes first goes round. A channel that is
// closed counts as done: its status says closing(). WithTimeout and the like go
// around it. It allocates nothing.

#ifndef NETPOLL_RUNTIME_SELECT_H_
#define NETPOLL_RUNTIME_SELECT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include "netpoll/core/concurrency.h"
#include "netpoll/runtime/channel.h"
#include "netpoll/runtime/io_status.h"
#include "netpoll/runtime/protocols/select_core.h"
#include "netpoll/runtime/queue_wait.h"

namespace netpoll {

// `index` is -1, and `status` says why, if it was ended before any could be
// done. Of those that were not chosen the result's status is cancelled().
template <class... Results>
struct [[nodiscard]] Selected {
  int index = -1;
  IoStatus status;
  std::tuple<Results...> results;
};

namespace internal {

// Without the types of the operations.
class SelectBase : public QueueWait {
 protected:
  explicit SelectBase(int count) : count_(count) {}
  ~SelectBase() override = default;

  // Before anything else.
  void Over(ChannelOp** ops) { ops_ = ops; }
  // What was chosen, or -1; then `status`.
  int Chosen(IoStatus* status);

 private:
  bool TryNow() final;
  bool Join() final;
  bool Leave() final;
  const char* What() const final { return "a select"; }

  ChannelOp** ops_ = nullptr;
  const int count_;
  int done_ = -1;  // Without joining.
  SelectCore<StdEnv> core_;
};

template <class... Ops>
class SelectWait : public SelectBase {
 public:
  explicit SelectWait(Ops&... ops)
      : SelectBase(sizeof...(Ops)), bases_{&ops...}, ops_(ops...) {
    Over(bases_.data());
  }

  Selected<typename Ops::Result...> await_resume() {
    Selected<typename Ops::Result...> selected;
    selected.index = Chosen(&selected.status);
    selected.results = std::apply(
        [](Ops&... ops) {
          return std::tuple<typename Ops::Result...>(ops.await_resume()...);
        },
        ops_);
    return selected;
  }

 private:
  std::array<ChannelOp*, sizeof...(Ops)> bases_;
  std::tuple<Ops&...> ops_;
};

}  // namespace internal

template <class... Ops>
auto Select(Ops&&... ops) {
  return internal::SelectWait<std::remove_reference_t<Ops>...>(ops...);
}

}  // namespace netpoll

#endif  // NETPOLL_RUNTIME_SELECT_H_
