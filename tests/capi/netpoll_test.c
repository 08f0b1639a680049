/* SPDX-License-Identifier: Apache-2.0
 *
 * The C interface, function by function, from C17. Tasks are threads, but where
 * a test of the hooks says otherwise; one thread polls for them.
 * usage: netpoll_test [TEST]   One test a process: the poller is the process's.
 */
#include "netpoll/capi/netpoll.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(what)                                                     \
  do {                                                                  \
    if (!(what)) {                                                      \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
      exit(1);                                                          \
    }                                                                   \
  } while (0)

static void Pair(int ends[2]) {
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
}
static pollDesc *Open(int fd) {
  pollDesc *pd = NULL;
  CHECK(netpollopen((uintptr_t)fd, &pd) == 0 && pd != NULL);
  return pd;
}

/* The thread that polls: netpoll, the list, then the count. */
static atomic_int stop;
static void *Poll(void *ready) {
  void (*const make_ready)(void *) = *(void (**)(void *))ready;
  while (!stop) {
    gList list = {0};
    const int32_t delta = netpoll(-1, &list);
    CHECK(delta <= 0);
    int32_t count = 0;
    void *g;
    while ((g = gListPop(&list)) != NULL) {
      make_ready(g);
      ++count;
    }
    CHECK(delta == -count);
    netpollAdjustWaiters(delta);
  }
  return NULL;
}

/* A scheduler of hooks: tasks are threads, each with a pipe on which it
 * sleeps. */
struct task {
  int pipe[2];
};
static _Thread_local struct task mine;
static atomic_int parks, readies;
static void *Self(void *context) {
  CHECK(context == &parks);
  if (mine.pipe[1] == 0) CHECK(pipe(mine.pipe) == 0);
  return &mine;
}
static void Park(void *context, void *g, int (*commit)(void *), void *argument) {
  CHECK(context == &parks && g == &mine);
  if (!commit(argument)) return;
  ++parks;
  char byte;
  CHECK(read(mine.pipe[0], &byte, 1) == 1);
}
static void Ready(void *context, void *g) {
  CHECK(context == &parks);
  ++readies;
  CHECK(write(((struct task *)g)->pipe[1], "*", 1) == 1);
}
static void MakeReady(void *g) { Ready(&parks, g); }
static void (*make_ready)(void *) = MakeReady;

static void Begin(void) {
  const netpollhooks hooks = {
      .context = &parks, .self = Self, .park = Park, .ready = Ready};
  CHECK(netpollsethooks(&hooks) == 0);
  CHECK(netpollinit() == 0);
}
static pthread_t StartPolling(void) {
  pthread_t poller;
  CHECK(pthread_create(&poller, NULL, Poll, &make_ready) == 0);
  return poller;
}
static void EndPolling(pthread_t poller) {
  stop = 1;
  netpollBreak();
  pthread_join(poller, NULL);
}
static void Close(pollDesc *pd, int fd) {
  pollUnblock(pd);
  CHECK(netpollclose((uintptr_t)fd) == 0);
  close(fd);
}

/* What a reader does; its error, or 0 and a byte. */
static int ReadByte(pollDesc *pd, int fd, char *byte) {
  int error = pollReset(pd, 'r');
  while (error == pollNoError) {
    if (read(fd, byte, 1) == 1) return 0;
    CHECK(errno == EAGAIN);
    error = pollWait(pd, 'r');
  }
  return error;
}
struct reading {
  pollDesc *pd;
  int fd;
  int error;
  char byte;
};
static void *Reader(void *argument) {
  struct reading *const reading = argument;
  reading->error = ReadByte(reading->pd, reading->fd, &reading->byte);
  return NULL;
}
static void UntilParked(int32_t count) {
  while (netpollWaiters() != count || parks < count) sched_yield();
}

/* --- netpollinit ---------------------------------------------------------- */
static void TestInit(void) {
  CHECK(netpollinit() == 0);
  CHECK(netpollinit() == EALREADY);
  const netpollhooks none = {0};
  CHECK(netpollsethooks(&none) == EBUSY);
}
static void TestHooks(void) {
  const netpollhooks half = {.self = Self};
  CHECK(netpollsethooks(&half) == EINVAL);
  const netpollhooks none = {0};
  CHECK(netpollsethooks(&none) == 0);
}

/* --- netpollopen, netpollclose -------------------------------------------- */
static void TestOpen(void) {
  CHECK(netpollinit() == 0);
  int ends[2];
  Pair(ends);
  pollDesc *pd = Open(ends[0]);
  pollDesc *other = pd;
  CHECK(netpollopen((uintptr_t)ends[0], &other) == EEXIST && other == NULL);
  CHECK(netpollopen(12345, &other) == EBADF);
  CHECK(netpollopen(UINTPTR_MAX, &other) == EBADF);
  int blocking[2];
  CHECK(pipe(blocking) == 0);
  CHECK(netpollopen((uintptr_t)blocking[0], &other) == EINVAL);
  const int file = open("/proc/self/exe", O_RDONLY | O_NONBLOCK);
  CHECK(netpollopen((uintptr_t)file, &other) == EPERM);
  CHECK(netpollclose((uintptr_t)ends[1]) == EBADF);
  CHECK(netpollclose(UINTPTR_MAX) == EBADF);
  pollUnblock(pd);
  CHECK(netpollclose((uintptr_t)ends[0]) == 0);
  CHECK(netpollclose((uintptr_t)ends[0]) == EBADF);
  pd = Open(ends[0]);
  Close(pd, ends[0]);
}

/* --- netpoll, and the sign of its delta ----------------------------------- */
static void TestPoll(void) {
  Begin();
  int ends[2];
  Pair(ends);
  struct reading reading = {.pd = Open(ends[0]), .fd = ends[0]};
  gList list = {0};
  CHECK(netpoll(0, &list) == 0 && gListPop(&list) == NULL);
  CHECK(netpoll(1, &list) == 0 && gListPop(&list) == NULL);
  pthread_t reader;
  CHECK(pthread_create(&reader, NULL, Reader, &reading) == 0);
  UntilParked(1);
  CHECK(write(ends[1], "x", 1) == 1);
  int32_t delta = 0;
  while (delta == 0) delta = netpoll(-1, &list);
  CHECK(delta == -1);
  CHECK(netpollWaiters() == 1); /* Not before the count is adjusted. */
  void *const g = gListPop(&list);
  CHECK(g != NULL && gListPop(&list) == NULL);
  Ready(&parks, g);
  netpollAdjustWaiters(delta);
  pthread_join(reader, NULL);
  CHECK(reading.error == pollNoError && reading.byte == 'x');
  CHECK(netpollWaiters() == 0);
  Close(reading.pd, ends[0]);
}

/* --- netpollBreak --------------------------------------------------------- */
static void TestBreak(void) {
  CHECK(netpollinit() == 0);
  gList list = {0};
  for (int i = 0; i < 100; ++i) {
    netpollBreak();
    netpollBreak();
    /* A poll that does not block leaves it. */
    CHECK(netpoll(0, &list) == 0);
    CHECK(netpoll(-1, &list) == 0);
  }
}

/* --- netpollIsPollDescriptor ---------------------------------------------- */
static void TestIsPollDescriptor(void) {
  int before[2];
  Pair(before);
  CHECK(netpollinit() == 0);
  int own = 0;
  for (uintptr_t fd = 0; fd < 64; ++fd) own += netpollIsPollDescriptor(fd);
  /* poll(2) has a pipe, others their queue. */
  CHECK(own >= 1 && own <= 4);
  CHECK(!netpollIsPollDescriptor((uintptr_t)before[0]));
  CHECK(!netpollIsPollDescriptor(UINTPTR_MAX));
}

/* --- netpollready --------------------------------------------------------- */
static void TestReady(void) {
  Begin();
  int ends[2];
  Pair(ends);
  struct reading reading = {.pd = Open(ends[0]), .fd = ends[0]};
  gList list = {0};
  CHECK(netpollready(&list, reading.pd, 'r' + 'w') == 0);
  CHECK(gListPop(&list) == NULL);
  /* It was recorded. */
  CHECK(pollWait(reading.pd, 'r') == pollNoError);
  pthread_t reader;
  CHECK(pthread_create(&reader, NULL, Reader, &reading) == 0);
  UntilParked(1);
  CHECK(netpollready(&list, reading.pd, 'w') == 0);
  const int32_t delta = netpollready(&list, reading.pd, 'r');
  CHECK(delta == -1);
  Ready(&parks, gListPop(&list));
  netpollAdjustWaiters(delta);
  while (parks < 2) sched_yield(); /* It found nothing, and waits again. */
  pollUnblock(reading.pd);
  pthread_join(reader, NULL);
  CHECK(reading.error == pollErrClosing);
  CHECK(netpollclose((uintptr_t)ends[0]) == 0);
}

/* --- pollReset, pollWait -------------------------------------------------- */
static void TestWait(void) {
  Begin();
  const pthread_t poller = StartPolling();
  int ends[2];
  Pair(ends);
  pollDesc *const pd = Open(ends[0]);
  /* A socket is writable from the beginning, which a reset forgets. */
  CHECK(pollWait(pd, 'w') == pollNoError);
  for (int i = 0; i < 1000; ++i) {
    struct reading reading = {.pd = pd, .fd = ends[0]};
    pthread_t reader;
    CHECK(pthread_create(&reader, NULL, Reader, &reading) == 0);
    if (i % 2 == 0) {
      while (netpollWaiters() != 1) sched_yield();
    }
    const char byte = (char)i;
    CHECK(write(ends[1], &byte, 1) == 1);
    pthread_join(reader, NULL);
    CHECK(reading.error == pollNoError && reading.byte == byte);
  }
  pollUnblock(pd);
  CHECK(pollReset(pd, 'r') == pollErrClosing);
  CHECK(pollWait(pd, 'r') == pollErrClosing);
  EndPolling(poller);
  CHECK(parks > 0 && parks == readies);
}

/* --- pollSetDeadline ------------------------------------------------------ */
static void TestDeadline(void) {
  Begin();
  const pthread_t poller = StartPolling();
  int ends[2];
  Pair(ends);
  pollDesc *const pd = Open(ends[0]);
  char byte;
  pollSetDeadline(pd, 1000000, 'r');
  CHECK(ReadByte(pd, ends[0], &byte) == pollErrTimeout);
  CHECK(pollReset(pd, 'r') == pollErrTimeout); /* It stays, */
  CHECK(pollReset(pd, 'w') == pollNoError);    /* for this direction, */
  pollSetDeadline(pd, INT64_MAX, 'r' + 'w');   /* until another is set. */
  CHECK(pollReset(pd, 'r') == pollNoError);
  pollSetDeadline(pd, -1, 'r' + 'w');
  CHECK(pollReset(pd, 'r') == pollErrTimeout);
  CHECK(pollReset(pd, 'w') == pollErrTimeout);
  pollSetDeadline(pd, 0, 'r' + 'w');
  CHECK(pollReset(pd, 'r') == pollNoError);
  /* One that is set while the task is parked. */
  struct reading reading = {.pd = pd, .fd = ends[0]};
  pthread_t reader;
  CHECK(pthread_create(&reader, NULL, Reader, &reading) == 0);
  while (netpollWaiters() != 1) sched_yield();
  pollSetDeadline(pd, 1, 'r');
  pthread_join(reader, NULL);
  CHECK(reading.error == pollErrTimeout);
  Close(pd, ends[0]);
  EndPolling(poller);
}

/* --- pollUnblock ---------------------------------------------------------- */
static void TestUnblock(void) {
  Begin();
  int ends[2];
  Pair(ends);
  struct reading reading = {.pd = Open(ends[0]), .fd = ends[0]};
  pthread_t reader;
  CHECK(pthread_create(&reader, NULL, Reader, &reading) == 0);
  UntilParked(1);
  pollUnblock(reading.pd); /* Nobody polls: it wakes by itself. */
  pthread_join(reader, NULL);
  CHECK(reading.error == pollErrClosing);
  CHECK(netpollclose((uintptr_t)ends[0]) == 0);
}

/* --- Without hooks: tasks are threads ------------------------------------- */
static void *PollOnce(void *argument) {
  (void)argument;
  while (!stop) {
    gList list = {0};
    netpollAdjustWaiters(netpoll(-1, &list));
    CHECK(gListPop(&list) == NULL); /* A deadline's task is not in a list. */
  }
  return NULL;
}
static void TestThreads(void) {
  CHECK(netpollinit() == 0);
  int ends[2];
  Pair(ends);
  for (int i = 0; i < 200; ++i) {
    struct reading reading = {.pd = Open(ends[0]), .fd = ends[0]};
    pthread_t reader;
    CHECK(pthread_create(&reader, NULL, Reader, &reading) == 0);
    if (i % 2 == 0) {
      while (netpollWaiters() != 1) sched_yield();
    }
    pollUnblock(reading.pd);
    pthread_join(reader, NULL);
    CHECK(reading.error == pollErrClosing);
    CHECK(netpollclose((uintptr_t)ends[0]) == 0);
  }
  pthread_t poller;
  CHECK(pthread_create(&poller, NULL, PollOnce, NULL) == 0);
  stop = 1;
  netpollBreak();
  pthread_join(poller, NULL);
}

/* --- Broken rules --------------------------------------------------------- */
static jmp_buf rescue;
static const char *said;
static void Broken(void *context, const char *sentence) {
  (void)context;
  said = sentence;
  longjmp(rescue, 1);
}
static int Says(const char *what) {
  const int same = said != NULL && strcmp(said, what) == 0;
  if (!same) fprintf(stderr, "said: %s\n", said != NULL ? said : "nothing");
  said = NULL;
  return same;
}
static void TestBroken(void) {
  const netpollhooks hooks = {.broken = Broken};
  CHECK(netpollsethooks(&hooks) == 0);
  if (setjmp(rescue) == 0) netpollBreak();
  CHECK(Says("netpollinit was not called, or failed"));
  CHECK(netpollinit() == 0);
  int ends[2];
  Pair(ends);
  pollDesc *const pd = Open(ends[0]);
  if (setjmp(rescue) == 0) pollReset(pd, 'x');
  CHECK(Says("a mode is not 'r', 'w' or their sum"));
  if (setjmp(rescue) == 0) pollWait(pd, 'r' + 'w');
  CHECK(Says("a task waits in one direction, 'r' or 'w'"));
  if (setjmp(rescue) == 0) pollReset(NULL, 'r');
  CHECK(Says("a pollDesc is NULL"));
  const pid_t child = fork();
  if (child == 0) {
    if (setjmp(rescue) == 0) netpollBreak();
    _exit(said != NULL && strstr(said, "a child of fork") == said ? 7 : 1);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
  if (setjmp(rescue) == 0) netpollclose((uintptr_t)ends[0]);
  CHECK(Says("Close was called on a descriptor without Unblock before"));
}
static void TestBrokenAborts(void) {
  const pid_t child = fork();
  if (child == 0) {
    close(2);
    netpollBreak();
    _exit(1);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGABRT);
}

static const struct {
  const char *name;
  void (*run)(void);
} kTests[] = {
    {"netpollinit", TestInit},
    {"netpollsethooks", TestHooks},
    {"netpollopen", TestOpen},
    {"netpoll", TestPoll},
    {"netpollBreak", TestBreak},
    {"netpollIsPollDescriptor", TestIsPollDescriptor},
    {"netpollready", TestReady},
    {"pollWait", TestWait},
    {"pollSetDeadline", TestDeadline},
    {"pollUnblock", TestUnblock},
    {"threads", TestThreads},
    {"broken", TestBroken},
    {"broken, without a hook", TestBrokenAborts},
};

int main(void) {
  int failed = 0;
  for (size_t i = 0; i < sizeof(kTests) / sizeof(kTests[0]); ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(60); /* Its end, if it waits for ever. */
      kTests[i].run();
      _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    const int passed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    printf("%s %s\n", passed ? "passed" : "FAILED", kTests[i].name);
    failed += !passed;
  }
  return failed != 0;
}
