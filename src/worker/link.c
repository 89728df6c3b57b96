#include "worker/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

enum { RECONNECT_US = 50000, RECEIVE_STEP = 65536 };

struct link {
  struct worker *worker;
  int fd;            /* -1: down */
  bool ready;        /* REPLY_READY was received */
  bool wants_out;    /* EPOLLOUT is asked for */
  uint64_t retry_at; /* down: when to connect again */
  struct buf out, in;
};

static int connect_to_committer(const struct config *config, int flags, int *fd, struct err *err) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char path[FILEIO_PATH_MAX];
  if (fileio_join(path, config->run_dir, "committer.sock", err))
    return err->code;
  if (strlen(path) >= sizeof(address.sun_path))
    return err_set(err, ERR_INVALID, "the path of the socket %s is too long", path);
  memcpy(address.sun_path, path, strlen(path));
  int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (s < 0)
    return err_sys(err, errno, "socket");
  if (connect(s, (struct sockaddr *)&address, sizeof(address)) != 0) {
    err_sys(err, errno, "connecting to %s", path);
    close(s);
    return err->code;
  }
  *fd = s;
  return 0;
}

static void link_down(struct link *link) {
  if (link->fd >= 0)
    close(link->fd);
  link->fd = -1;
  link->ready = link->wants_out = false;
  link->retry_at = clock_monotonic() + RECONNECT_US;
  buf_reset(&link->out);
  buf_reset(&link->in);
  connection_fail_parked(link->worker);
}

int link_tick(struct link *link) {
  if (link->fd >= 0)
    return -1;
  uint64_t now = clock_monotonic();
  if (now < link->retry_at)
    return (int)((link->retry_at - now) / 1000 + 1);
  struct err err;
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.u64 = EVENT_LINK};
  if (connect_to_committer(link->worker->config, SOCK_NONBLOCK, &link->fd, &err) ||
      epoll_ctl(link->worker->epoll_fd, EPOLL_CTL_ADD, link->fd, &event) != 0) {
    link_down(link);
    return RECONNECT_US / 1000;
  }
  return -1;
}

int link_create(struct worker *worker, struct link **out, struct err *err) {
  struct link *link = calloc(1, sizeof(*link));
  if (!link)
    return err_set(err, ERR_NOMEM, "no memory for the committer's connection");
  link->worker = worker;
  link->fd = -1;
  buf_init(&link->out, (size_t)2 * COMMAND_MAX_SIZE);
  buf_init(&link->in, COMMAND_MAX_SIZE + RECEIVE_STEP);
  *out = link;
  return 0;
}

void link_free(struct link *link) {
  if (!link)
    return;
  if (link->fd >= 0)
    close(link->fd);
  buf_free(&link->out);
  buf_free(&link->in);
  free(link);
}

bool link_is_ready(const struct link *link) {
  return link->ready;
}

bool link_send(struct link *link, struct span frame) {
  if (link->out.len + frame.len > link->out.max)
    return false;
  buf_add_span(&link->out, frame);
  if (!link->out.failed)
    return true;
  link->out.failed = false; /* the frame was not added; those before it stand */
  return false;
}

void link_flush(struct link *link) {
  if (link->fd < 0 || link->out.len == 0)
    return;
  ssize_t sent = send(link->fd, link->out.data, link->out.len, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    link_down(link);
    return;
  }
  if (sent > 0)
    buf_drop_front(&link->out, (size_t)sent);
  bool wants_out = link->out.len > 0;
  if (wants_out != link->wants_out) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | (wants_out ? EPOLLOUT : 0u), .data.u64 = EVENT_LINK};
    epoll_ctl(link->worker->epoll_fd, EPOLL_CTL_MOD, link->fd, &event);
    link->wants_out = wants_out;
  }
}

/* The node is ready: opens the environments, then runs what waited. */
static bool node_ready(struct worker *w) {
  struct api *api = w->api;
  struct err err;
  if (!api->reader.store && store_join(w->config, w->log, api->metrics, &api->reader.store, &err)) {
    log_error(w->log, "%s", err.text);
    return false;
  }
  if (!api->reader.projection && projection_join(w->config, w->log, api->metrics, &api->reader.projection, &err)) {
    log_error(w->log, "%s", err.text);
    return false;
  }
  api->ready = true;
  if (w->ready_fd >= 0) {
    (void)!write(w->ready_fd, "ready\n", 6);
    close(w->ready_fd);
    w->ready_fd = -1;
  }
  return true;
}

/* Takes one whole frame off the front of `received`; false if there is none (yet). */
static bool next_frame(struct span *received, struct span *frame, struct err *err) {
  size_t size;
  if (command_frame_size(*received, &size, err) || size == 0 || size > received->len)
    return false;
  *frame = span_of(received->data, size);
  *received = span_of(received->data + size, received->len - size);
  return true;
}

static bool receive(struct link *link) {
  unsigned char *room = buf_extend(&link->in, RECEIVE_STEP);
  if (!room)
    return false;
  ssize_t got = recv(link->fd, room, RECEIVE_STEP, 0);
  link->in.len -= RECEIVE_STEP - (got > 0 ? (size_t)got : 0);
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool handle_replies(struct link *link) {
  struct err err = {0};
  struct span received = buf_span(&link->in), frame;
  struct reply reply;
  bool ok = true;
  while (ok && next_frame(&received, &frame, &err)) {
    ok = reply_parse(frame, &reply, &err) == 0;
    if (ok && reply.type == REPLY_READY) {
      ok = node_ready(link->worker);
      link->ready = ok;
      if (ok)
        connection_run_waiting(link->worker);
    } else if (ok) {
      connection_reply(link->worker, &reply);
    }
  }
  buf_drop_front(&link->in, link->in.len - received.len);
  return ok && err.code == ERR_OK;
}

void link_event(struct link *link, uint32_t events) {
  if (link->fd < 0)
    return;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) && (!receive(link) || !handle_replies(link))) {
    link_down(link);
    return;
  }
  if (events & EPOLLOUT)
    link_flush(link);
}

int link_connect_blocking(const struct config *config, int *fd, struct err *err) {
  static const struct timeval timeout = {.tv_sec = WORKER_IO_TIMEOUT_S};
  unsigned char ready[COMMAND_FRAME_HEADER];
  int s = -1;
  if (connect_to_committer(config, 0, &s, err))
    return err->code;
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
  struct reply reply;
  if (recv(s, ready, sizeof(ready), MSG_WAITALL) != (ssize_t)sizeof(ready) ||
      reply_parse(span_of(ready, sizeof(ready)), &reply, err) || reply.type != REPLY_READY) {
    close(s);
    return err_set(err, ERR_BUSY, "the committer is not ready");
  }
  *fd = s;
  return 0;
}
