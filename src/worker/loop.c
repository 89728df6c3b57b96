#include "worker/worker.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"

enum { EVENTS_A_TURN = 128 };

static int add(struct worker *w, int fd, uint32_t events, uint64_t source, struct err *err) {
  struct epoll_event event = {.events = events, .data.u64 = source};
  return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : err_sys(err, errno, "epoll_ctl");
}

/* Takes no new connections; serves the kept ones until nginx, which never sends on one that it closed, has closed them.
 * In a rolling restart there is all the time that streams need; when the whole node stops, there is not. */
static void begin_stop(struct worker *w) {
  struct signalfd_siginfo info;
  (void)!read(w->signal_fd, &info, sizeof(info));
  if (!w->stopping)
    epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, w->listen_fd, NULL);
  w->stopping = true;
  if (segment_state(w->api->segment) != NODE_STOPPING || w->stop_deadline)
    return;
  w->stop_deadline = clock_monotonic() + WORKER_DRAIN_US;
  streams_stop(w->streams);
}

static bool drained(const struct worker *w) {
  bool late = w->stop_deadline && clock_monotonic() >= w->stop_deadline;
  return w->stopping && (w->open_count == 0 || late);
}

static void handle(struct worker *w, const struct epoll_event *event) {
  switch (event->data.u64) {
  case EVENT_LISTEN: connection_accept(w); break;
  case EVENT_SIGNAL: begin_stop(w); break;
  case EVENT_LINK: link_event(w->link, event->events); break;
  case EVENT_STREAMS: streams_event(w->streams); break;
  default: connection_event(w, event->data.u64, event->events); break;
  }
}

static int least(int a, int b) {
  return a < 0 ? b : b < 0 || a < b ? a : b;
}

int worker_run(struct worker *w, struct err *err) {
  struct epoll_event events[EVENTS_A_TURN];
  /* EXCLUSIVE: a new connection wakes one worker, not all. */
  if (add(w, w->listen_fd, EPOLLIN | EPOLLEXCLUSIVE, EVENT_LISTEN, err) ||
      add(w, w->signal_fd, EPOLLIN, EVENT_SIGNAL, err))
    return err->code;
  while (!drained(w)) {
    int timeout = least(least(connection_expire_waiting(w), link_tick(w->link)), connection_accept_again(w));
    if (w->stopping)
      timeout = least(timeout, 100);
    link_flush(w->link);
    int count = epoll_wait(w->epoll_fd, events, EVENTS_A_TURN, timeout);
    if (count < 0 && errno != EINTR)
      return err_sys(err, errno, "epoll_wait");
    w->backlog = count;
    for (int i = 0; i < count; i++)
      handle(w, &events[i]);
  }
  return 0;
}
