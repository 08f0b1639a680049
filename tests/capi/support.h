/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the C interface share: a scheduler whose tasks are threads,
 * a thread that polls, a task that reads, and a process for each test, because
 * the poller is the process's.
 */
#ifndef NETPOLL_TESTS_CAPI_SUPPORT_H_
#define NETPOLL_TESTS_CAPI_SUPPORT_H_

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netpoll/capi/netpoll.h"

#define CHECK(what)                                                      \
  do {                                                                   \
    if (!(what)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
      exit(1);                                                           \
    }                                                                    \
  } while (0)

static inline void Pair(int ends[2]) {
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
}
static inline pollDesc* Open(int fd) {
  pollDesc* pd = NULL;
  CHECK(netpollopen((uintptr_t)fd, &pd) == 0 && pd != NULL);
  return pd;
}

/* The thread that polls: netpoll, the list, then the count. */
static atomic_int stop;
static inline void* Poll(void* ready) {
  void (*const make_ready)(void*) = *(void (**)(void*))ready;
  while (!stop) {
    gList list = {0};
    const int32_t delta = netpoll(-1, &list);
    CHECK(delta <= 0);
    int32_t count = 0;
    void* g;
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
static inline void* Self(void* context) {
  CHECK(context == &parks);
  if (mine.pipe[1] == 0) CHECK(pipe(mine.pipe) == 0);
  return &mine;
}
static inline void Park(void* context, void* g, int (*commit)(void*),
                        void* argument) {
  CHECK(context == &parks && g == &mine);
  if (!commit(argument)) return;
  ++parks;
  char byte;
  CHECK(read(mine.pipe[0], &byte, 1) == 1);
}
static inline void Ready(void* context, void* g) {
  CHECK(context == &parks);
  ++readies;
  CHECK(write(((struct task*)g)->pipe[1], "*", 1) == 1);
}
static inline void MakeReady(void* g) { Ready(&parks, g); }
static void (*make_ready)(void*) = MakeReady;

static inline void Begin(void) {
  const netpollhooks hooks = {
      .context = &parks, .self = Self, .park = Park, .ready = Ready};
  CHECK(netpollsethooks(&hooks) == 0);
  CHECK(netpollinit() == 0);
}
static inline pthread_t StartPolling(void) {
  pthread_t poller;
  CHECK(pthread_create(&poller, NULL, Poll, &make_ready) == 0);
  return poller;
}
static inline void EndPolling(pthread_t poller) {
  stop = 1;
  netpollBreak();
  pthread_join(poller, NULL);
}
static inline void Close(pollDesc* pd, int fd) {
  pollUnblock(pd);
  CHECK(netpollclose((uintptr_t)fd) == 0);
  close(fd);
}

/* What a reader does; its error, or 0 and a byte. */
static inline int ReadByte(pollDesc* pd, int fd, char* byte) {
  int error = pollReset(pd, 'r');
  while (error == pollNoError) {
    if (read(fd, byte, 1) == 1) return 0;
    CHECK(errno == EAGAIN);
    error = pollWait(pd, 'r');
  }
  return error;
}
struct reading {
  pollDesc* pd;
  int fd;
  int error;
  char byte;
};
static inline void* Reader(void* argument) {
  struct reading* const reading = argument;
  reading->error = ReadByte(reading->pd, reading->fd, &reading->byte);
  return NULL;
}
static inline void UntilParked(int32_t count) {
  while (netpollWaiters() != count || parks < count) sched_yield();
}

struct test {
  const char* name;
  void (*run)(void);
};

/* Each in a child, by its name; the number that failed. */
static inline int RunEach(const struct test* tests, size_t count) {
  int failed = 0;
  for (size_t i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(60); /* Its end, if it waits for ever. */
      tests[i].run();
      _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    const int passed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    printf("%s %s\n", passed ? "passed" : "FAILED", tests[i].name);
    failed += !passed;
  }
  return failed;
}

#endif /* NETPOLL_TESTS_CAPI_SUPPORT_H_ */
