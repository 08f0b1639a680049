/* SPDX-License-Identifier: Apache-2.0
 *
 * The C interface, function by function, from C17. Tasks are threads, but where
 * a test of the hooks says otherwise; one thread polls for them.
 */
#include "support.h"

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
  Close(pd, ends[0]);
  CHECK(netpollopen((uintptr_t)ends[0], &other) == EBADF);
}
static void TestClose(void) {
  CHECK(netpollinit() == 0);
  int ends[2];
  Pair(ends);
  pollDesc *pd = Open(ends[0]);
  CHECK(netpollclose((uintptr_t)ends[1]) == EBADF);
  CHECK(netpollclose(UINTPTR_MAX) == EBADF);
  CHECK(netpollclose((uintptr_t)-5) == EBADF);
  pollUnblock(pd);
  CHECK(netpollclose((uintptr_t)ends[0]) == 0);
  CHECK(netpollclose((uintptr_t)ends[0]) == EBADF);
  /* The descriptor itself is open yet. */
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

/* --- gListPop ------------------------------------------------------------- */
static void TestPop(void) {
  Begin();
  enum { kReaders = 3 };
  int ends[kReaders][2];
  pthread_t readers[kReaders];
  struct reading readings[kReaders];
  gList list = {0};
  CHECK(gListPop(&list) == NULL);
  for (int i = 0; i < kReaders; ++i) {
    Pair(ends[i]);
    readings[i] = (struct reading){.pd = Open(ends[i][0]), .fd = ends[i][0]};
    CHECK(pthread_create(&readers[i], NULL, Reader, &readings[i]) == 0);
  }
  UntilParked(kReaders);
  /* What several answers add to one list, in their order. */
  int32_t delta = 0;
  for (int i = 0; i < kReaders; ++i) {
    CHECK(write(ends[i][1], "x", 1) == 1);
    delta += netpollready(&list, readings[i].pd, 'r');
  }
  CHECK(delta == -kReaders);
  void *before = NULL;
  for (int i = 0; i < kReaders; ++i) {
    void *const g = gListPop(&list);
    CHECK(g != NULL && g != before);
    before = g;
    Ready(&parks, g);
    pthread_join(readers[i], NULL);
    CHECK(readings[i].byte == 'x');
  }
  CHECK(gListPop(&list) == NULL && gListPop(&list) == NULL);
  netpollAdjustWaiters(delta);
}

/* --- netpollWaiters, netpollAdjustWaiters ---------------------------------- */
static void TestWaiters(void) {
  Begin();
  int ends[2];
  Pair(ends);
  struct reading reading = {.pd = Open(ends[0]), .fd = ends[0]};
  CHECK(netpollWaiters() == 0);
  netpollAdjustWaiters(0); /* As netpoll answers when nobody was added. */
  pthread_t reader;
  CHECK(pthread_create(&reader, NULL, Reader, &reading) == 0);
  UntilParked(1);
  gList list = {0};
  CHECK(write(ends[1], "x", 1) == 1);
  int32_t delta = 0;
  while (delta == 0) delta = netpoll(-1, &list);
  /* It counts until it is said to be runnable. */
  CHECK(netpollWaiters() == 1);
  Ready(&parks, gListPop(&list));
  CHECK(netpollWaiters() == 1);
  netpollAdjustWaiters(delta);
  CHECK(netpollWaiters() == 0);
  pthread_join(reader, NULL);
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

/* --- pollReset ------------------------------------------------------------ */
static void TestReset(void) {
  Begin();
  int ends[2];
  Pair(ends);
  pollDesc *const pd = Open(ends[0]);
  gList list = {0};
  netpollready(&list, pd, 'r' + 'w');
  CHECK(pollReset(pd, 'r') == pollNoError);
  /* That direction's was forgotten, the other's not: only it does not wait. */
  CHECK(pollWait(pd, 'w') == pollNoError);
  struct reading reading = {.pd = pd, .fd = ends[0]};
  pthread_t reader;
  CHECK(pthread_create(&reader, NULL, Reader, &reading) == 0);
  UntilParked(1);
  pollUnblock(pd);
  pthread_join(reader, NULL);
  CHECK(reading.error == pollErrClosing);
  CHECK(pollReset(pd, 'r') == pollErrClosing);
  CHECK(pollReset(pd, 'w') == pollErrClosing);
  CHECK(netpollclose((uintptr_t)ends[0]) == 0);
}

/* --- pollWait -------------------------------------------------- */
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

/* --- netpollgoready ------------------------------------------------------- */
static void Resume(void *g) {
  const int before = readies;
  netpollgoready(g);
  CHECK(readies == before + 1); /* By the hook. */
}
static void TestGoReady(void) {
  Begin();
  int ends[2];
  Pair(ends);
  struct reading reading = {.pd = Open(ends[0]), .fd = ends[0]};
  make_ready = Resume;
  const pthread_t poller = StartPolling();
  pthread_t reader;
  CHECK(pthread_create(&reader, NULL, Reader, &reading) == 0);
  UntilParked(1);
  CHECK(write(ends[1], "x", 1) == 1);
  pthread_join(reader, NULL);
  CHECK(reading.error == 0 && reading.byte == 'x');
  EndPolling(poller);
  Close(reading.pd, ends[0]);
}

/* --- Without hooks: tasks are threads ------------------------------------- */
/* The poller resumes them. */
static void TestThreadsRead(void) {
  CHECK(netpollinit() == 0);
  int ends[2];
  Pair(ends);
  struct reading reading = {.pd = Open(ends[0]), .fd = ends[0]};
  make_ready = netpollgoready;
  const pthread_t poller = StartPolling();
  for (int i = 0; i < 200; ++i) {
    pthread_t reader;
    CHECK(pthread_create(&reader, NULL, Reader, &reading) == 0);
    while (i % 2 == 0 && netpollWaiters() != 1) sched_yield();
    CHECK(write(ends[1], "y", 1) == 1);
    pthread_join(reader, NULL);
    CHECK(reading.error == 0 && reading.byte == 'y');
  }
  EndPolling(poller);
  Close(reading.pd, ends[0]);
}
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

static const struct test kTests[] = {
    {"netpollinit", TestInit},
    {"netpollsethooks", TestHooks},
    {"netpollopen", TestOpen},
    {"netpollclose", TestClose},
    {"netpoll", TestPoll},
    {"gListPop", TestPop},
    {"netpollWaiters", TestWaiters},
    {"netpollAdjustWaiters", TestWaiters},
    {"netpollBreak", TestBreak},
    {"netpollIsPollDescriptor", TestIsPollDescriptor},
    {"netpollready", TestReady},
    {"pollReset", TestReset},
    {"pollWait", TestWait},
    {"pollSetDeadline", TestDeadline},
    {"pollUnblock", TestUnblock},
    {"netpollgoready", TestGoReady},
    {"without hooks", TestThreads},
    {"threads that read", TestThreadsRead},
};

int main(void) {
  return RunEach(kTests, sizeof(kTests) / sizeof(kTests[0])) != 0;
}
