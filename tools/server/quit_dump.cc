// SPDX-License-Identifier: Apache-2.0

#include "netpoll/tools/server/quit_dump.h"

#include <pthread.h>
#include <signal.h>

#include <cstdio>
#include <string>
#include <system_error>
#include <thread>

#include "absl/debugging/symbolize.h"
#include "absl/strings/str_cat.h"
#include "netpoll/runtime/runtime.h"
#include "netpoll/runtime/wait_info.h"

namespace netpoll::server {

std::string FunctionAt(const void* place) {
  char name[512];
  if (place == nullptr || !absl::Symbolize(static_cast<const char*>(place) - 1,
                                           name, sizeof(name))) {
    return PlaceInFile(place);
  }
  return name;
}

std::string SymbolAt(const void* place) {
  const std::string function = FunctionAt(place);
  const std::string in_file = PlaceInFile(place);
  return function == in_file ? in_file : absl::StrCat(function, " ", in_file);
}

QuitDump::QuitDump(Runtime& runtime) : runtime_(runtime) {
  try {
    thread_ = std::thread([this] { Wait(); });
  } catch (const std::system_error&) {
  }
}

QuitDump::~QuitDump() {
  if (!thread_.joinable()) return;
  ends_ = true;
  ::pthread_kill(thread_.native_handle(), SIGQUIT);
  thread_.join();
}

void QuitDump::Wait() {
  sigset_t quit;
  ::sigemptyset(&quit);
  ::sigaddset(&quit, SIGQUIT);
  for (int number = 0; ::sigwait(&quit, &number) == 0;) {
    if (ends_) return;
    // An empty line at its end.
    const std::string text = runtime_.DumpState(kMostWaits, &SymbolAt) + "\n";
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  }
}

}  // namespace netpoll::server
