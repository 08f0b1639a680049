/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program must not do with the C interface: each function with NULL,
 * with numbers that are none, twice, and in the wrong order. One sentence, or
 * one value, and nothing else happens.
 */
#include <setjmp.h>

#include "support.h"

static jmp_buf rescue;
static char said[256];
static void Broken(void* context, const char* sentence) {
  (void)context;
  snprintf(said, sizeof(said), "%s", sentence);
  longjmp(rescue, 1);
}
static const netpollhooks kHeard = {.broken = Broken};
static const netpollhooks kHooks = {.context = &parks,
                                    .self = Self,
                                    .park = Park,
                                    .ready = Ready,
                                    .broken = Broken};

/* `call` breaks a rule, and this is what is said. In a child: the poller is not
 * used again. */
#define BREAKS(call, sentence)                                           \
  do {                                                                   \
    const pid_t breaker = fork();                                        \
    if (breaker == 0) {                                                  \
      alarm(20);                                                         \
      if (setjmp(rescue) == 0) {                                         \
        call;                                                            \
        strcpy(said, "nothing");                                         \
      }                                                                  \
      if (strcmp(said, sentence) == 0) _exit(0);                         \
      fprintf(stderr, "%s:%d: %s says: %s\n", __FILE__, __LINE__, #call, \
              said);                                                     \
      _exit(1);                                                          \
    }                                                                    \
    int how;                                                             \
    CHECK(waitpid(breaker, &how, 0) == breaker && how == 0);             \
  } while (0)

/* The same, where a child of this process may not use its poller: each in a
 * process of its own. */
static void Start(const netpollhooks* hooks) {
  CHECK(netpollsethooks(hooks) == 0);
  CHECK(netpollinit() == 0);
}
static void Prepared(const netpollhooks* hooks, int ends[2], pollDesc** pd) {
  Start(hooks);
  Pair(ends);
  *pd = Open(ends[0]);
}
#define BREAKS_PREPARED(hooks, call, sentence) \
  BREAKS(                                      \
      {                                        \
        int ends[2];                           \
        pollDesc* pd;                          \
        Prepared(hooks, ends, &pd);            \
        call;                                  \
      },                                       \
      sentence)

static void TestSetHooks(void) {
  CHECK(netpollsethooks(NULL) == EINVAL);
  CHECK(netpollinit() == 0);
  CHECK(netpollsethooks(NULL) == EINVAL);
  CHECK(netpollsethooks(&kHeard) == EBUSY);
}

static void TestNoSuchBackend(void) {
  setenv("NETPOLL_BACKEND", "no such", 1);
  CHECK(netpollinit() == EINVAL);
  CHECK(netpollinit() == EINVAL);
  unsetenv("NETPOLL_BACKEND");
  CHECK(netpollinit() == 0);
}

/* Every call that needs a poller; `fresh` would be opened, `fd` is. */
static void EveryCallBreaks(int fresh, int fd, pollDesc* pd, const char* why) {
  gList list = {0};
  BREAKS(netpollopen((uintptr_t)fresh, &pd), why);
  BREAKS(netpollclose((uintptr_t)fd), why);
  BREAKS(netpoll(0, &list), why);
  BREAKS(netpollgoready(&list), why);
  BREAKS(netpollAdjustWaiters(0), why);
  BREAKS(netpollWaiters(), why);
  BREAKS(netpollBreak(), why);
  BREAKS(netpollIsPollDescriptor(0), why);
  BREAKS(netpollready(&list, pd, 'r'), why);
  BREAKS(pollReset(pd, 'r'), why);
  BREAKS(pollWait(pd, 'r'), why);
  BREAKS(pollSetDeadline(pd, 0, 'r'), why);
  BREAKS(pollUnblock(pd), why);
}

static void TestBeforeInit(void) {
  CHECK(netpollsethooks(&kHeard) == 0);
  EveryCallBreaks(0, 0, NULL, "netpollinit was not called, or failed");
  gList list = {0};
  CHECK(gListPop(&list) == NULL); /* Is the caller's own. */
}

static void TestChildOfFork(void) {
  int ends[2];
  pollDesc* pd;
  Prepared(&kHeard, ends, &pd);
  EveryCallBreaks(
      ends[1], ends[0], pd,
      "a child of fork used the poller of its parent; there is none for it");
  /* And the parent's is as it was. */
  Close(pd, ends[0]);
}

static void TestNull(void) {
  static const char kPd[] = "a pollDesc is NULL";
  static const char kList[] = "a gList is NULL";
  gList list = {0};
  BREAKS_PREPARED(
      &kHeard, netpollopen((uintptr_t)ends[1], NULL),
      "netpollopen was given no place for the pollDesc: pd is NULL");
  BREAKS_PREPARED(&kHeard, netpoll(0, NULL), kList);
  BREAKS_PREPARED(&kHeard, netpoll(-1, NULL), kList);
  BREAKS_PREPARED(&kHeard, gListPop(NULL), kList);
  BREAKS_PREPARED(&kHeard, netpollgoready(NULL), "a task is NULL");
  BREAKS_PREPARED(&kHeard, netpollready(NULL, pd, 'r'), kList);
  BREAKS_PREPARED(&kHeard, netpollready(&list, NULL, 'r'), kPd);
  BREAKS_PREPARED(&kHeard, pollReset(NULL, 'r'), kPd);
  BREAKS_PREPARED(&kHeard, pollWait(NULL, 'r'), kPd);
  BREAKS_PREPARED(&kHeard, pollSetDeadline(NULL, 1, 'r'), kPd);
  BREAKS_PREPARED(&kHeard, pollUnblock(NULL), kPd);
}

static void TestModes(void) {
  static const char kMode[] = "a mode is not 'r', 'w' or their sum";
  static const char kOne[] = "a task waits in one direction, 'r' or 'w'";
  gList list = {0};
  BREAKS_PREPARED(&kHeard, netpollready(&list, pd, 0), kMode);
  BREAKS_PREPARED(&kHeard, pollReset(pd, 'x'), kMode);
  BREAKS_PREPARED(&kHeard, pollReset(pd, 'r' + 'w'), kOne);
  BREAKS_PREPARED(&kHeard, pollWait(pd, -1), kMode);
  BREAKS_PREPARED(&kHeard, pollWait(pd, 'r' + 'w'), kOne);
  BREAKS_PREPARED(&kHeard, pollSetDeadline(pd, 1, 'r' + 'r'), kMode);
}

static void TestOrder(void) {
  static const char kTwice[] = "Unblock was called twice on a descriptor";
  BREAKS_PREPARED(&kHeard, netpollclose((uintptr_t)ends[0]),
                  "Close was called on a descriptor without Unblock before");
  BREAKS_PREPARED(&kHeard, (pollUnblock(pd), pollUnblock(pd)), kTwice);
  BREAKS_PREPARED(
      &kHeard,
      (pollUnblock(pd), netpollclose((uintptr_t)ends[0]), pollUnblock(pd)),
      kTwice);
  static const char kCount[] =
      "netpollAdjustWaiters was given something else than the sum of what "
      "netpoll and netpollready answered, each once";
  BREAKS_PREPARED(&kHeard, netpollAdjustWaiters(-1), kCount);
  BREAKS_PREPARED(&kHeard, netpollAdjustWaiters(1), kCount);
}

/* What is closed answers so, until its place is another's. */
static void TestAfterClose(void) {
  int ends[2];
  pollDesc* pd;
  Prepared(&kHeard, ends, &pd);
  pollUnblock(pd);
  CHECK(netpollclose((uintptr_t)ends[0]) == 0);
  gList list = {0};
  CHECK(pollReset(pd, 'r') == pollErrClosing);
  CHECK(pollWait(pd, 'w') == pollErrClosing);
  pollSetDeadline(pd, -1, 'r');
  CHECK(netpollready(&list, pd, 'r') == 0 && gListPop(&list) == NULL);
  pollDesc* const next = Open(ends[0]);
  CHECK(pollReset(next, 'r') == pollNoError);
  Close(next, ends[0]);
}

/* close(2), and the number is given out anew, before netpollclose. */
static void TestClosedBehindItsBack(void) {
  int ends[2];
  pollDesc* pd;
  Prepared(&kHeard, ends, &pd);
  CHECK(dup2(ends[1], ends[0]) == ends[0]);
  pollDesc* other = pd;
  CHECK(netpollopen((uintptr_t)ends[0], &other) == EEXIST && other == NULL);
  pollUnblock(pd);
  netpollclose((uintptr_t)ends[0]); /* Or what the system says of it. */
  pd = Open(ends[0]);
  Close(pd, ends[0]);
}

/* Hooks that break theirs. */
static void* SelfIsNull(void* context) {
  (void)context;
  return NULL;
}
static void ParkForgets(void* context, void* g, int (*commit)(void*),
                        void* argument) {
  (void)context, (void)g, (void)commit, (void)argument;
}
static void ParkReturns(void* context, void* g, int (*commit)(void*),
                        void* argument) {
  (void)context, (void)g;
  CHECK(commit(argument));
}
static void BrokenReturns(void* context, const char* sentence) {
  (void)context, (void)sentence;
}
static void TestHooks(void) {
  netpollhooks hooks = kHooks;
  hooks.self = SelfIsNull;
  BREAKS_PREPARED(&hooks, (pollReset(pd, 'r'), pollWait(pd, 'r')),
                  "the hook `self` answered NULL");
  hooks = kHooks;
  hooks.park = ParkForgets;
  BREAKS_PREPARED(&hooks, (pollReset(pd, 'r'), pollWait(pd, 'r')),
                  "the hook `park` returned without a call of commit");
  hooks.park = ParkReturns;
  BREAKS_PREPARED(&hooks, (pollReset(pd, 'r'), pollWait(pd, 'r')),
                  "a parked task ran although nobody took its waiter");
}

/* Two at once. */
static void* PollForEver(void* argument) {
  (void)argument;
  gList list = {0};
  while (netpoll(-1, &list) <= 0) {
  }
  return NULL;
}
static void TwoTasks(pollDesc* pd, int fd) {
  struct reading reading = {.pd = pd, .fd = fd};
  pthread_t reader;
  CHECK(pthread_create(&reader, NULL, Reader, &reading) == 0);
  UntilParked(1);
  pollWait(pd, 'r');
}
static void TwoPollers(void) {
  pthread_t poller;
  CHECK(pthread_create(&poller, NULL, PollForEver, NULL) == 0);
  /* Whichever of the two comes second. */
  PollForEver(NULL);
}
static void ExitAsSaid(void* context, const char* sentence) {
  (void)context;
  _exit(strcmp(sentence, "two threads were in a blocking Poll at once") ? 1
                                                                        : 0);
}
static void TestTwoAtOnce(void) {
  BREAKS_PREPARED(&kHooks, TwoTasks(pd, ends[0]),
                  "two tasks wait in one direction of a descriptor");
  const netpollhooks hooks = {.broken = ExitAsSaid};
  /* It exits. */
  BREAKS_PREPARED(&hooks, TwoPollers(), "");
}

/* Without a hook, and after one that returns. */
static void Aborts(const netpollhooks* hooks) {
  const pid_t child = fork();
  if (child == 0) {
    close(2);
    CHECK(netpollsethooks(hooks) == 0);
    netpollBreak();
    _exit(1);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGABRT);
}
static void TestAborts(void) {
  const netpollhooks none = {0};
  Aborts(&none);
  const netpollhooks returns = {.broken = BrokenReturns};
  Aborts(&returns);
}

static const struct test kTests[] = {
    {"netpollsethooks, NULL and late", TestSetHooks},
    {"a backend that there is not", TestNoSuchBackend},
    {"before netpollinit", TestBeforeInit},
    {"in a child of fork", TestChildOfFork},
    {"NULL", TestNull},
    {"modes", TestModes},
    {"the wrong order, and twice", TestOrder},
    {"after netpollclose", TestAfterClose},
    {"closed without netpollclose", TestClosedBehindItsBack},
    {"hooks", TestHooks},
    {"two at once", TestTwoAtOnce},
    {"no handler, or one that returns", TestAborts},
};

int main(void) {
  return RunEach(kTests, sizeof(kTests) / sizeof(kTests[0])) != 0;
}
