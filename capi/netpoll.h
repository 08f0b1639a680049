/* SPDX-License-Identifier: Apache-2.0
 *
 * The poller for C, and for whatever calls C: one for the process. The names
 * are those of the Go runtime's poller.
 *
 *   A task that wants to read:
 *     error = pollReset(pd, 'r');          forget old readiness
 *     loop: read(2); anything but EAGAIN ends it
 *       error = pollWait(pd, 'r');         parks the task
 *       an error ends it; else read again
 *
 *   Whoever polls, a thread of its own or an idle one:
 *     for (;;) {
 *       gList list = {0};
 *       int32_t delta = netpoll(-1, &list);
 *       while ((g = gListPop(&list)) != NULL) netpollgoready(g);
 *       netpollAdjustWaiters(delta);       after all of them are
 *     }
 *
 *   The end of a descriptor: pollUnblock(pd), wait until no task uses it any
 *   more, netpollclose(fd), close(fd).
 *
 * A task is whatever runs: an operating system's thread (the default), a fiber,
 * a coroutine; its scheduler says how one is parked and resumed, by hooks.
 *
 * Threads: every function may be called from any thread, but netpollsethooks
 * and netpollinit before any other, and netpoll with a delta other than 0 by
 * one thread at a time. Each direction of a descriptor has at most one task
 * from pollReset to the end of its pollWait.
 *
 * Errors of the system are values of errno. A broken rule (two tasks in one
 * direction, a close without pollUnblock, a call before netpollinit, a NULL,
 * use in a child of fork) goes to the hook `broken`, and stops the process if
 * there is none or it returns.
 */
#ifndef NETPOLL_CAPI_NETPOLL_H_
#define NETPOLL_CAPI_NETPOLL_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* What a wait, or what begins one, may end with. */
enum {
  pollNoError = 0,       /* try the call */
  pollErrClosing = 1,    /* pollUnblock was called */
  pollErrTimeout = 2,    /* the direction's deadline has passed */
  pollErrNotPollable = 3 /* nothing but errors is reported */
};

/* A direction is 'r' or 'w'; a mode is that, or 'r' + 'w'. */

/* A descriptor that is open here. */
typedef struct pollDesc pollDesc;

/* Tasks that are to be made runnable. Begins as {0}; lives on one thread. */
typedef struct gList {
  void* head;
  void* tail;
} gList;

typedef struct netpollhooks {
  /* Handed to each of them. */
  void* context;
  /* The task that runs now. Any value but NULL; it is what gListPop and `ready`
   * give back. */
  void* (*self)(void* context);
  /* Parks the task `g`, which is the caller: leaves it such that `ready` may
   * resume it from any thread, then calls commit(argument). 0: it is not to be
   * parked after all, so go on at once. Else touch nothing of it: it may be
   * running elsewhere already. Returns when it goes on. */
  void (*park)(void* context, void* g, int (*commit)(void* argument),
               void* argument);
  /* Makes `g`, which is parked, or about to be, runnable. From any thread; it
   * calls nothing of this header. */
  void (*ready)(void* context, void* g);
  /* A rule was broken: `sentence` says which. Ends the thread or the process,
   * or leaves by longjmp; the poller is not used again. NULL, or if it returns:
   * the sentence is printed and the process aborted. */
  void (*broken)(void* context, const char* sentence);
} netpollhooks;

/* Before netpollinit: EBUSY afterwards. EINVAL: `hooks` is NULL, or one of its
 * first three functions is, though not all are. Without a call, and where all
 * three are NULL, tasks are threads. */
int netpollsethooks(const netpollhooks* hooks);

/* Makes the poller. Once, before everything else; EALREADY the second time. 0,
 * or why the system has none; EINVAL: NETPOLL_BACKEND in the environment names
 * no backend. After an error it may be tried again. */
int netpollinit(void);

/* Registers `fd`, which is non-blocking, for both directions, by edges. 0 and
 * *pd, or: EBADF not open, EINVAL blocking or the poller's own, EPERM a file
 * that has no events, EEXIST open here already (or its number was closed and
 * given out anew without a netpollclose), ENOMEM, or what the system says. */
int netpollopen(uintptr_t fd, pollDesc** pd);

/* Ends that, after pollUnblock and when no task uses it. Does not close the
 * descriptor. 0; EBADF: it is not open here; or what the system says, and it is
 * ended all the same. */
int netpollclose(uintptr_t fd);

/* Waits for events and deadlines: delta < 0 as long as it takes, 0 not at all,
 * > 0 at most so many milliseconds. May come back early with nothing. Adds to
 * *list who is ready; the answer is for netpollAdjustWaiters, and 0 if nobody
 * was added. */
#ifdef __cplusplus
/* In C++ `netpoll` is a namespace: the same function by another name. */
int32_t netpollpoll(int64_t delta, gList* list) __asm__("netpoll");
#else
int32_t netpoll(int64_t delta, gList* list);
#endif

/* The next of the list, or NULL. */
void* gListPop(gList* list);

/* Makes a task of a list runnable: by the hook `ready`; a thread goes on. A
 * scheduler may have a way of its own, where its tasks are not threads. */
void netpollgoready(void* g);

/* With the sum of what netpoll and netpollready answered, when all of the list
 * are runnable; each answer once. */
void netpollAdjustWaiters(int32_t delta);

/* Tasks that are parked, or about to be. */
int32_t netpollWaiters(void);

/* Ends the netpoll that waits, or the next one that would. */
void netpollBreak(void);

/* Whether `fd` is one of the poller's own. */
int netpollIsPollDescriptor(uintptr_t fd);

/* For a source of events of one's own: the directions of `mode` are ready. Adds
 * to *list who waits for them; the answer is as netpoll's. */
int32_t netpollready(gList* list, pollDesc* pd, int mode);

/* Forgets recorded readiness of a direction, before the call is tried.
 * pollErrClosing or pollErrTimeout: nothing was forgotten. */
int pollReset(pollDesc* pd, int mode);

/* Waits until the direction is ready. pollNoError, or why it ended. */
int pollWait(pollDesc* pd, int mode);

/* Ends waits in the directions of `mode` in `d` nanoseconds from now, and all
 * later ones until it is set again. 0: no deadline. < 0: at once. */
void pollSetDeadline(pollDesc* pd, int64_t d, int mode);

/* Ends the waits of both directions, and all later ones. Once. */
void pollUnblock(pollDesc* pd);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* NETPOLL_CAPI_NETPOLL_H_ */
