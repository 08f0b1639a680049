// SPDX-License-Identifier: Apache-2.0
//
// Sums of files: `offload 127.0.0.1:7000`. Each line that a client sends names
// a file; the answer is its length and a sum of its bytes. Requests wait in one
// bounded channel, so that a fast client can't fill the memory; four tasks take
// them out, and have threads that may block read the files.

#include <signal.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "netpoll/runtime/blocking_pool.h"
#include "netpoll/runtime/buffered_reader.h"
#include "netpoll/runtime/channel.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/service.h"
#include "netpoll/runtime/signals.h"
#include "netpoll/runtime/socket.h"

using namespace netpoll;

struct Request {
  std::string path;
  // Shared: who asked may be gone when it is answered.
  std::shared_ptr<Channel<std::string>> answer;
};

std::string SumOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return "can't be read\n";
  std::uint64_t length = 0, sum = 0;
  for (char byte; file.get(byte); ++length) {
    sum = sum * 31 + static_cast<unsigned char>(byte);
  }
  return std::to_string(length) + " " + std::to_string(sum) + "\n";
}

Task<> Work(Channel<Request>& requests, BlockingPool& pool) {
  for (;;) {
    const Received<Request> got = co_await requests.Receive();
    if (!got.ok()) co_return;
    auto sum = co_await pool.Run([&] { return SumOf(got.item->path); });
    std::string text = sum.ok() ? *sum : "not now\n";
    (void)got.item->answer->TrySend(std::move(text));
  }
}

Task<> Talk(Client& client, Channel<Request>& requests) {
  BufferedReader lines(client.stream());
  auto answer = std::make_shared<Channel<std::string>>(1);
  for (;;) {
    const ReadResult line = co_await lines.ReadUntil('\n');
    if (!line.ok()) co_return;
    Request request{std::string(line.data.substr(0, line.data.size() - 1)),
                    answer};
    const IoStatus sent = co_await requests.Send(std::move(request));
    if (!sent.ok()) co_return;
    const Received<std::string> sum = co_await answer->Receive();
    if (!sum.ok()) co_return;
    const IoResult put = co_await client.stream().Write(*sum.item);
    if (!put.ok()) co_return;
  }
}

Task<> StopAtSignal(Service& service, Channel<Request>& requests,
                    Signals signals) {
  (void)co_await signals.Next();
  (void)co_await service.Drain({.requests = {}, .cancel = {}});
  requests.Close();
}

int Fail(const absl::Status& why) {
  std::fprintf(stderr, "%s\n", why.ToString().c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (auto blocked = Signals::Block({SIGTERM, SIGINT}); !blocked.ok()) {
    return Fail(blocked);
  }
  BlockingPool pool({.threads = 4});
  Channel<Request> requests(16);
  Runtime runtime({.threads = 2});
  auto address = SocketAddress::Parse(argc > 1 ? argv[1] : "127.0.0.1:7000");
  if (!address.ok()) return Fail(address.status());
  auto listener = Listener::Listen(runtime, *address);
  if (!listener.ok()) return Fail(listener.status());
  auto signals = Signals::Open(runtime, {SIGTERM, SIGINT});
  if (!signals.ok()) return Fail(signals.status());
  std::printf("listening on %s\n", listener->address().ToString().c_str());
  std::fflush(stdout);
  Service service(runtime, *std::move(listener),
                  [&](Client& client) { return Talk(client, requests); });
  for (int i = 0; i < 4; ++i) {
    runtime.Spawn(Work(requests, pool), {.name = "reads files"});
  }
  runtime.Spawn(service.Serve(), {.name = "accepts"});
  runtime.Spawn(StopAtSignal(service, requests, *std::move(signals)));
  const absl::Status status = runtime.Run();
  return status.ok() ? 0 : Fail(status);
}
