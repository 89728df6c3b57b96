#include "worker/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

static uint64_t tag_of(const struct connection *c) {
  return (uint64_t)c->generation << 32 | (c->slot + EVENT_CONNECTION_BASE);
}

static struct connection *find(struct worker *w, uint64_t tag) {
  uint64_t slot = (tag & UINT32_MAX) - EVENT_CONNECTION_BASE;
  struct connection *c = slot < w->slot_count ? w->slots[slot] : NULL;
  return c && c->fd >= 0 && c->generation == (uint32_t)(tag >> 32) ? c : NULL;
}

/* --- jobs --- */

static struct job *job_take(struct worker *w) {
  struct job *job = w->free_jobs;
  if (job) {
    w->free_jobs = job->next_free;
    return job;
  }
  job = calloc(1, sizeof(*job));
  if (job && !(job->arena = arena_create(WORKER_ARENA_MAX))) {
    free(job);
    return NULL;
  }
  return job;
}

static void buf_give_back(struct buf *b) {
  enum { KEEP_MAX = 65536 };
  if (b->cap > KEEP_MAX)
    buf_free(b);
  else
    buf_reset(b);
}

static void job_give_back(struct worker *w, struct job *job) {
  arena_reset(job->arena);
  buf_give_back(&job->body);
  buf_give_back(&job->exchange.response.body);
  buf_give_back(&job->exchange.response.headers);
  buf_give_back(&job->exchange.command);
  job->next_free = w->free_jobs;
  w->free_jobs = job;
}

/* Clears the exchange of the request before, keeping the buffers' memory. */
static void job_begin(struct job *job) {
  struct exchange *e = &job->exchange;
  struct buf headers = e->response.headers, body = e->response.body, command = e->command;
  *e = (struct exchange){.request.arena = job->arena, .started_us = clock_monotonic()};
  e->response.headers = headers;
  e->response.body = body;
  e->command = command;
  e->response.headers.max = HTTP_HEADERS_MAX;
  e->response.body.max = HTTP_ANSWER_MAX;
  e->command.max = COMMAND_MAX_SIZE;
  job->body.max = WORKER_BODY_MAX;
}

/* --- connections --- */

static void unlink_waiting(struct worker *w, struct connection *c) {
  *(c->prev ? &c->prev->next : &w->waiting_first) = c->next;
  *(c->next ? &c->next->prev : &w->waiting_last) = c->prev;
  c->next = c->prev = NULL;
}

/* Frees the slot of a connection whose descriptor is closed. */
static void connection_release(struct worker *w, struct connection *c) {
  if (c->state == CONNECTION_WAITING)
    unlink_waiting(w, c);
  if (c->job)
    job_give_back(w, c->job);
  w->slots[c->slot] = NULL;
  w->free_slots[w->free_count++] = c->slot;
  w->open_count--;
  free(c);
}

static void connection_close(struct worker *w, struct connection *c) {
  FCGX_Detach(&c->fcgi); /* else libfcgi would wait for nginx to close first */
  FCGX_Free(&c->fcgi, 1);
  connection_release(w, c);
}

static bool watch(struct worker *w, struct connection *c, int operation, uint32_t events) {
  struct epoll_event event = {.events = events | EPOLLRDHUP, .data.u64 = tag_of(c)};
  return epoll_ctl(w->epoll_fd, operation, c->fd, &event) == 0;
}

/* The socket would be ready again at once, and the loop would do nothing else. */
static void pause_accepting(struct worker *w) {
  int cause = errno;
  if (cause != EMFILE && cause != ENFILE && cause != ENOBUFS && cause != ENOMEM)
    return;
  if (epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, w->listen_fd, NULL) != 0)
    return;
  log_warn(w->log, "requests wait: no new connection can be taken: %s", strerror(cause));
  w->accept_again = clock_monotonic() + WORKER_ACCEPT_PAUSE_US;
}

static bool accept_one(struct worker *w) {
  static const struct timeval timeout = {.tv_sec = WORKER_IO_TIMEOUT_S};
  int fd = accept4(w->listen_fd, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0) {
    pause_accepting(w);
    return false;
  }
  struct connection *c = calloc(1, sizeof(*c));
  if (!c || (w->free_count == 0 && w->slot_count == WORKER_CONNECTIONS_MAX)) {
    free(c);
    close(fd);
    return true;
  }
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
  FCGX_InitRequest(&c->fcgi, -1, 0); /* no listening socket: libfcgi must never accept by itself */
  c->fcgi.ipcFd = c->fd = fd;
  c->slot = w->free_count > 0 ? w->free_slots[--w->free_count] : w->slot_count++;
  c->generation = ++w->last_generation;
  w->slots[c->slot] = c;
  w->open_count++;
  if (!watch(w, c, EPOLL_CTL_ADD, EPOLLIN))
    connection_close(w, c);
  return true;
}

/* One by one while there is time, so that idle workers get their part. A busy worker takes many: else those who have a
 * connection would be served for ever, and those who wait for one would wait unseen. */
void connection_accept(struct worker *w) {
  enum { BUSY = 4, ACCEPT_AT_ONCE = 64 };
  int most = w->backlog < BUSY ? 1 : ACCEPT_AT_ONCE;
  for (int i = 0; i < most && accept_one(w); i++)
    ;
}

int connection_accept_again(struct worker *w) {
  if (!w->accept_again || w->stopping)
    return -1;
  uint64_t now = clock_monotonic();
  if (now < w->accept_again)
    return (int)((w->accept_again - now) / 1000 + 1);
  struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = EVENT_LISTEN};
  w->accept_again = 0;
  if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->listen_fd, &event) == 0)
    return -1;
  w->accept_again = now + WORKER_ACCEPT_PAUSE_US;
  return WORKER_ACCEPT_PAUSE_US / 1000;
}

/* A connection that is not kept may have part of a body unread, with nginx still sending. To close it now would reset
 * it, and the answer would be lost: nginx closes it when it has the answer. */
static void begin_ending(struct connection *c) {
  c->state = CONNECTION_ENDING;
  shutdown(c->fd, SHUT_WR);
}

/* Reads and forgets what still comes; false at its end. */
static bool discard(const struct connection *c) {
  unsigned char block[16384];
  ssize_t got = recv(c->fd, block, sizeof(block), MSG_DONTWAIT);
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

bool connection_finish(struct connection *c) {
  bool kept = c->fcgi.keepConnection;
  c->fcgi.keepConnection = 1; /* libfcgi shall not close it */
  FCGX_Detach(&c->fcgi);
  FCGX_Finish_r(&c->fcgi);
  return kept;
}

/* Ends the request that was answered; the connection waits for its next one, or for its end. */
static void request_end(struct worker *w, struct connection *c) {
  bool kept = connection_finish(c);
  job_give_back(w, c->job);
  c->job = NULL;
  c->state = CONNECTION_IDLE;
  if (c->fcgi.ipcFd < 0)
    connection_release(w, c);
  else if (!kept)
    begin_ending(c);
}

static void respond(struct worker *w, struct connection *c) {
  struct exchange *e = &c->job->exchange;
  /* On a kept connection, what is left of a body would be taken for the next request. */
  if (e->response.status >= 400 && c->fcgi.keepConnection)
    request_skip_body(&c->fcgi);
  response_write(&c->fcgi, &e->request, &e->response);
  api_account(w->api, e);
  request_end(w, c);
}

static bool client_gone(const struct connection *c) {
  struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};
  return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

static void request_stream(struct worker *w, struct connection *c) {
  epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
  c->state = CONNECTION_STREAMING;
  if (streams_start(w->streams, c))
    return;
  if (!watch(w, c, EPOLL_CTL_ADD, EPOLLIN)) {
    connection_close(w, c);
    return;
  }
  api_unavailable(&c->job->exchange, "all streaming threads are busy; nothing was stored");
  respond(w, c);
}

/* Reads the body and runs the request. */
static void request_execute(struct worker *w, struct connection *c) {
  struct exchange *e = &c->job->exchange;
  if ((e->route->stream && !request_keep(&e->request)) ||
      !request_read_body(&c->fcgi, &c->job->body, e->route->max_body)) {
    connection_close(w, c);
    return;
  }
  e->request.body = buf_span(&c->job->body);
  e->tag = tag_of(c);
  switch (api_dispatch(w->api, e)) {
  case HTTP_DONE: respond(w, c); return;
  case HTTP_SLOW: request_stream(w, c); return;
  case HTTP_COMMAND: break;
  }
  if (client_gone(c)) { /* a request whose client gave up must not be executed */
    connection_close(w, c);
    return;
  }
  if (!link_is_ready(w->link) || e->command.failed || !link_send(w->link, buf_span(&e->command))) {
    api_unavailable(e, "the node is not ready; nothing was stored");
    respond(w, c);
    return;
  }
  buf_give_back(&e->command);
  c->state = CONNECTION_PARKED;
}

static void request_run(struct worker *w, struct connection *c) {
  if (!(c->job->exchange.route->flags & ROUTE_STREAM))
    request_execute(w, c);
  else if (request_keep(&c->job->exchange.request))
    request_stream(w, c);
  else
    connection_close(w, c);
}

/* Whether the request waited too long among many. A few that wait are waited for: the machine is slow, not flooded. */
static bool shed(struct worker *w, const struct exchange *e) {
  enum { MANY = 64 };
  bool refuses = shed_refuses(&w->shed, request_waited(&e->request, clock_now()), clock_monotonic());
  if (!refuses || w->backlog < MANY || (e->route->flags & ROUTE_OPEN))
    return false;
  metric_add(metrics_cell(w->api->metrics, METRIC_REQUESTS_SHED_TOTAL, ""), 1);
  return true;
}

/* A new request begins to arrive. */
static void request_begin(struct worker *w, struct connection *c) {
  FCGX_Detach(&c->fcgi);
  c->fcgi.keepConnection = 1; /* FCGX_Accept_r must take this connection, not close it */
  if (FCGX_Accept_r(&c->fcgi) != 0) {
    connection_release(w, c);
    return;
  }
  c->job = job_take(w);
  if (!c->job) {
    connection_close(w, c);
    return;
  }
  job_begin(c->job);
  struct exchange *e = &c->job->exchange;
  request_from_params(e, c->fcgi.envp);
  if (!api_route(w->api, e)) {
    respond(w, c);
    return;
  }
  if (shed(w, e)) {
    api_unavailable(e, "more requests than can be served in time; nothing was stored");
    respond(w, c);
    return;
  }
  if ((e->route->flags & ROUTE_NEEDS_STORE) && !w->api->ready) {
    c->state = CONNECTION_WAITING;
    c->deadline = clock_monotonic() + WORKER_READY_WAIT_US;
    c->prev = w->waiting_last;
    *(w->waiting_last ? &w->waiting_last->next : &w->waiting_first) = c;
    w->waiting_last = c;
    (void)watch(w, c, EPOLL_CTL_MOD, 0); /* its body may be readable all the while */
    return;
  }
  request_run(w, c);
}

void connection_event(struct worker *w, uint64_t tag, uint32_t events) {
  struct connection *c = find(w, tag);
  /* One that waited may have been handed to a thread by an event before this one of the same turn. */
  if (!c || c->state == CONNECTION_STREAMING)
    return;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
    if (c->state == CONNECTION_PARKED) {
      unsigned char bytes[COMMAND_FRAME_HEADER];
      struct buf cancel = {.data = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
      command_put_cancel(&cancel, tag);
      (void)link_send(w->link, buf_span(&cancel));
    }
    connection_close(w, c);
    return;
  }
  if (c->state == CONNECTION_IDLE)
    request_begin(w, c);
  else if (c->state != CONNECTION_ENDING || !discard(c))
    connection_close(w, c); /* a second request before the first was answered: not FastCGI as nginx speaks it */
}

void connection_reply(struct worker *w, const struct reply *reply) {
  struct connection *c = find(w, reply->tag);
  if (!c || c->state != CONNECTION_PARKED)
    return; /* its client left meanwhile */
  api_finish(w->api, &c->job->exchange, reply);
  respond(w, c);
}

void connection_fail_parked(struct worker *w) {
  for (uint32_t i = 0; i < w->slot_count; i++) {
    struct connection *c = w->slots[i];
    if (!c || c->state != CONNECTION_PARKED)
      continue;
    api_unavailable(&c->job->exchange, "outcome unknown: retry with the same Idempotency-Key");
    respond(w, c);
  }
}

static void stop_waiting(struct worker *w, struct connection *c) {
  unlink_waiting(w, c);
  c->state = CONNECTION_IDLE;
  (void)watch(w, c, EPOLL_CTL_MOD, EPOLLIN);
}

void connection_run_waiting(struct worker *w) {
  struct connection *c;
  while ((c = w->waiting_first)) {
    stop_waiting(w, c);
    request_run(w, c);
  }
}

int connection_expire_waiting(struct worker *w) {
  struct connection *c;
  while ((c = w->waiting_first)) {
    uint64_t now = clock_monotonic();
    if (c->deadline > now)
      return (int)((c->deadline - now) / 1000 + 1);
    stop_waiting(w, c);
    api_unavailable(&c->job->exchange, "recovering");
    respond(w, c);
  }
  return -1;
}

void connection_stream_done(struct worker *w, struct connection *c) {
  api_account(w->api, &c->job->exchange);
  job_give_back(w, c->job);
  c->job = NULL;
  c->state = CONNECTION_IDLE;
  if (c->fcgi.ipcFd < 0)
    connection_release(w, c);
  else if (!watch(w, c, EPOLL_CTL_ADD, EPOLLIN))
    connection_close(w, c);
  else if (!c->kept)
    begin_ending(c);
}

void connection_close_all(struct worker *w) {
  for (uint32_t i = 0; i < w->slot_count; i++)
    if (w->slots[i])
      connection_close(w, w->slots[i]);
  struct job *job;
  while ((job = w->free_jobs)) {
    w->free_jobs = job->next_free;
    arena_free(job->arena);
    buf_free(&job->body);
    buf_free(&job->exchange.response.body);
    buf_free(&job->exchange.response.headers);
    buf_free(&job->exchange.command);
    free(job);
  }
}
