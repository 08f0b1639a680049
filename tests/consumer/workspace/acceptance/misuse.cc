// SPDX-License-Identifier: Apache-2.0
//
// What nobody may do stops the process with one sentence.

#include <sys/wait.h>

#include <cstring>
#include <string>

#include "netpoll/core/sleep_protocol.h"
#include "talk.h"

template <class Wrong>
void Refuses(const char* sentence, Wrong wrong) {
  int said[2];
  Check(::pipe(said) == 0, "pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(said[1], STDERR_FILENO);
    Poller poller;
    Check(poller.Init() == 0, "Init");
    wrong(poller);
    ::_exit(0);
  }
  ::close(said[1]);
  std::string text;
  char part[512];
  for (ssize_t got; (got = ::read(said[0], part, sizeof(part))) > 0;) {
    text.append(part, static_cast<std::size_t>(got));
  }
  ::close(said[0]);
  int how = 0;
  ::waitpid(child, &how, 0);
  std::fprintf(stderr, "%s", text.c_str());
  Check(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT, "it stops");
  Check(text.find(sentence) != text.npos, sentence);
  Check(text.find('\n') == text.size() - 1, "one sentence");
}

int Open(Poller& poller, Poller::Desc** desc) {
  int ends[2];
  Check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0, "");
  *desc = poller.Open(ends[0]).desc;
  return ends[0];
}

int main() {
  Refuses("netpoll: Close", [](Poller& poller) {
    Poller::Desc* desc = nullptr;
    Open(poller, &desc);
    static_cast<void>(poller.Unblock(desc));
    static_cast<void>(poller.Close(desc));
    static_cast<void>(poller.Close(desc));
  });
  Refuses("netpoll: ", [](Poller& poller) {
    Poller::Desc* desc = nullptr;
    Open(poller, &desc);
    static_cast<void>(poller.Close(desc));  // Without Unblock.
  });
  Refuses("netpoll: ", [](Poller& poller) {
    Poller::Desc* desc = nullptr;
    Open(poller, &desc);
    Waiter one, two;
    static_cast<void>(poller.Park(desc, Mode::kRead, &one));
    static_cast<void>(poller.Park(desc, Mode::kRead, &two));
  });
  Refuses("open in it", [](Poller& poller) {
    Poller::Desc* desc = nullptr;
    Open(poller, &desc);
    poller.~Poller();
  });
  Refuses("netpoll: ", [](Poller&) {
    netpoll::SleepProtocol<netpoll::StdEnv> protocol;
    static_cast<void>(protocol.Announce(64, netpoll::kNever));
  });
}
