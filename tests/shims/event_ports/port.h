// SPDX-License-Identifier: Apache-2.0
//
// The event ports of illumos and Solaris on Linux, for tests only: what the
// manual pages port_create(3C), port_associate(3C), port_get(3C) and
// port_alert(3C) say, for descriptors and alerts, built on epoll.
//
// Like the system:
//   - An association reports once. Associating again replaces the events and
//     the user value, and takes back what was not yet retrieved.
//   - Hang-ups and errors are reported whatever was asked for, so also of an
//     association with no events.
//   - port_getn waits for *nget events and fetches up to `max`. When the time
//     is up it fetches what there is and fails with ETIME; *nget says how many
//     those are. With a zero timeout it succeeds. Interrupted by a signal it
//     fetches nothing and leaves *nget as it was.
//   - Alert mode gives the alert, alone, to all that wait when it is set and
//     to all that call until it ends. Events are queued meanwhile.
//   - port_dissociate fails with ENOENT if there is no association, or if its
//     event was retrieved; it removes it in either case.
//   - The port is not closed on exec.
// Unlike the system:
//   - A descriptor that is closed while a duplicate of it lives keeps an
//     association, which reports nothing.
//   - A call that waits while another thread closes its port goes on waiting.
//   - No sources but descriptors: no port_send, no timers, no files.

#ifndef NETPOLL_TESTS_SHIMS_EVENT_PORTS_PORT_H_
#define NETPOLL_TESTS_SHIMS_EVENT_PORTS_PORT_H_

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

// The values are this header's own; programs use the names.
#define PORT_SOURCE_FD 4
#define PORT_SOURCE_ALERT 5

#define PORT_ALERT_SET 1
#define PORT_ALERT_UPDATE 2

typedef struct port_event {
  int portev_events;
  unsigned short portev_source;
  unsigned short portev_pad;
  uintptr_t portev_object;
  void* portev_user;
} port_event_t;

#if defined(__cplusplus)
extern "C" {
#endif

int port_create(void);
int port_associate(int port, int source, uintptr_t object, int events,
                   void* user);
int port_dissociate(int port, int source, uintptr_t object);
int port_get(int port, port_event_t* event, struct timespec* timeout);
int port_getn(int port, port_event_t list[], unsigned max, unsigned* nget,
              struct timespec* timeout);
int port_alert(int port, int flags, int events, void* user);

#if defined(__cplusplus)
}
#endif

#endif  // NETPOLL_TESTS_SHIMS_EVENT_PORTS_PORT_H_
