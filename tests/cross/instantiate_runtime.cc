// SPDX-License-Identifier: Apache-2.0
//
// A program's use of the runtime's templates, whole, for the warnings that its
// compiler is asked for. Compiled only.
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/runtime/blocking_pool.h"
#include "netpoll/runtime/buffered_reader.h"
#include "netpoll/runtime/cancel.h"
#include "netpoll/runtime/channel.h"
#include "netpoll/runtime/event.h"
#include "netpoll/runtime/queue_wait.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/select.h"
#include "netpoll/runtime/socket.h"
#include "netpoll/runtime/task_group.h"
#include "netpoll/runtime/task_local.h"
#include "netpoll/runtime/watch.h"
#include "netpoll/runtime/when_all.h"

namespace netpoll {

template class Broadcast<std::string>;
template class BufferedReader<Socket>;
template class Channel<std::string>;
template class TaskLocal<std::string>;
template class TaskResults<std::string>;
template class Watch<std::vector<int>>;

namespace {

Task<int> Number(Socket& socket) {
  char buffer[16];
  const IoResult got = co_await socket.Read(buffer);
  co_return static_cast<int>(got.bytes);
}

Task<> Together(Runtime& runtime, Socket& socket) {
  const auto [one, other] = co_await WhenAll(Number(socket), Number(socket));
  auto any = co_await WhenAny(Number(socket), Number(socket));
  std::vector<Task<int>> many;
  for (int i = 0; i < one + other; ++i) many.push_back(Number(socket));
  const std::vector<int> all = co_await WhenAll(std::move(many));
  auto first = co_await WhenAny(std::vector<Task<int>>());
  co_await WithTaskGroup(runtime, [&](TaskGroup& group) -> Task<> {
    group.Spawn([](Runtime& in) -> Task<> { co_await in.Yield(); }(runtime));
    co_await runtime.Yield();
  });
  JoinHandle<int> handle = runtime.Spawn(Number(socket), {.name = "number"});
  const IoStatus ended = co_await handle.Ended();
  const int joined = co_await std::move(handle);
  static_cast<void>(any.first + first.first + all.size());
  static_cast<void>(ended.ok() && joined > 0);
}

Task<> Between(Channel<std::string>& words, CancelSource& source) {
  auto got = co_await Select(words.Receive(), words.Send("word"));
  const bool done = std::get<1>(got.results).ok();
  const auto received = co_await WithTimeout(
      std::chrono::seconds(1), WithCancel(source, words.Receive()));
  const IoStatus sent = co_await Shielded(words.Send(std::string("word")));
  static_cast<void>(done && received.ok() && sent.ok());
}

TaskLocal<std::string> local;

Task<> Aside(BlockingPool& pool, Socket& socket) {
  const absl::StatusOr<int> answer = co_await pool.Run([] { return 42; });
  const int number = co_await WithLocal(local, "value", Number(socket));
  static_cast<void>(answer.ok() && number > 0);
}

}  // namespace

void Instantiate(Runtime& runtime, Socket& socket, CancelSource& source) {
  Channel<std::string> words(4);
  BlockingPool pool;
  runtime.Spawn(Together(runtime, socket));
  runtime.Spawn(Between(words, source));
  runtime.SpawnBackground(Aside(pool, socket));
  const Received<std::string> word = Blocking(words.Receive());
  static_cast<void>(word.ok());
}

}  // namespace netpoll
