#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "committer/committer.h"

enum { EVENTS_A_TURN = 64, CONNECTIONS_MAX = 4096, SECOND_MS = 1000, STALLED_MS = 200 };

/* What an epoll event belongs to: one of these, or a connection's address. */
static const char listen_event, signal_event, retract_ended;

static int watch(struct committer *c, int op, int fd, uint32_t events, const void *what) {
  struct epoll_event event = {.events = events, .data.ptr = (void *)what};
  return epoll_ctl(c->epoll_fd, op, fd, &event);
}

static void accept_all(struct committer *c) {
  int fd;
  while ((fd = accept4(c->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    if (c->connection_count >= CONNECTIONS_MAX) {
      close(fd);
      continue;
    }
    struct connection *k = connection_create(fd);
    if (!k)
      continue;
    if (watch(c, EPOLL_CTL_ADD, fd, EPOLLIN, k) != 0) {
      connection_free(k);
      continue;
    }
    k->next = c->connections;
    if (k->next)
      k->next->prev = k;
    c->connections = k;
    c->connection_count++;
  }
}

static void unlink_connection(struct committer *c, struct connection *k) {
  if (k->prev)
    k->prev->next = k->next;
  else
    c->connections = k->next;
  if (k->next)
    k->next->prev = k->prev;
  c->connection_count--;
}

/* Sends replies, compacts, frees who is gone; true if frames are left for another batch. */
static bool end_turn(struct committer *c) {
  bool waiting = false;
  for (struct connection *k = c->connections, *next; k; k = next) {
    next = k->next;
    bool wants_out = connection_send(k);
    if (k->gone) {
      unlink_connection(c, k);
      retract_forget(c, k);
      connection_free(k);
      continue;
    }
    connection_compact(k);
    if (wants_out != k->wants_out && watch(c, EPOLL_CTL_MOD, k->fd, EPOLLIN | (wants_out ? EPOLLOUT : 0U), k) == 0)
      k->wants_out = wants_out;
    waiting = waiting || connection_waits(k);
  }
  return waiting;
}

static void handle(struct committer *c, const struct epoll_event *event) {
  if (event->data.ptr == &listen_event) {
    accept_all(c);
  } else if (event->data.ptr == &signal_event) {
    struct signalfd_siginfo info;
    while (read(c->signal_fd, &info, sizeof(info)) > 0)
      c->stopping = c->stopping || info.ssi_signo == SIGTERM; /* SIGUSR1 only wakes */
  } else if (event->data.ptr == &retract_ended) {
    retract_event(c);
  } else if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    connection_receive(event->data.ptr, c->log);
  }
}

/* Milliseconds to wait: none if work is left, else until the next second's housekeeping. */
static int patience(const struct committer *c, bool waiting) {
  uint64_t now = clock_monotonic();
  if (c->stalled && !c->stopping)
    return STALLED_MS;
  if (waiting || retract_can_go_on(c) || (c->stopping && !retract_any(c)) || now >= c->tick_us)
    return 0;
  return (int)((c->tick_us - now) / 1000) + 1;
}

int committer_run(struct committer *c, struct err *err) {
  struct epoll_event events[EVENTS_A_TURN];
  bool waiting = false, any = false;
  c->retract.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (c->retract.event_fd < 0 || watch(c, EPOLL_CTL_ADD, c->listen_fd, EPOLLIN, &listen_event) != 0 ||
      watch(c, EPOLL_CTL_ADD, c->signal_fd, EPOLLIN, &signal_event) != 0 ||
      watch(c, EPOLL_CTL_ADD, c->retract.event_fd, EPOLLIN, &retract_ended) != 0)
    return err_sys(err, errno, "cannot watch the sockets");
  do {
    housekeeping_alive(c);
    int count = epoll_wait(c->epoll_fd, events, EVENTS_A_TURN, patience(c, waiting));
    if (count < 0 && errno != EINTR)
      return err_sys(err, errno, "cannot wait for commands");
    bool was_stopping = c->stopping;
    for (int i = 0; i < count; i++)
      if (!was_stopping || events[i].data.ptr == &retract_ended)
        handle(c, &events[i]);
    if (housekeeping_hold_log(c, err) || commit_waiting(c, &any, err))
      return err->code;
    waiting = end_turn(c);
    if (housekeeping_tick(c, err))
      return err->code;
    if (c->stalled && c->stopping)
      break; /* nothing more can be acknowledged */
  } while (!c->stopping || waiting || any || retract_any(c));
  while (c->connections) {
    struct connection *k = c->connections;
    unlink_connection(c, k);
    connection_free(k);
  }
  close(c->retract.event_fd);
  return 0;
}
