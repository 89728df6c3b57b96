#include "tests/knowledge/engine.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "committer/committer.h"
#include "store/internal.h"
#include "tests/api/fake_stream.h"

/* In place of base/clock.c. */
static _Atomic uint64_t now = (uint64_t)1700000000 * 1000000;

uint64_t clock_now(void) {
  return atomic_load(&now);
}

uint64_t clock_monotonic(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void engine_set_time(uint64_t now_us) {
  atomic_store(&now, now_us);
}

uint64_t engine_time(void) {
  return atomic_load(&now);
}

/* In place of libc's: nothing in here loses power, and histories are many. */
int fdatasync(int fd) {
  (void)fd;
  return 0;
}

int fsync(int fd) {
  (void)fd;
  return 0;
}

struct engine {
  struct call call;
  struct committer committer;
  struct settings_cache *settings;
  char folder[64];
  pthread_t thread;
  int fd;                   /* of a worker's connection to the committer */
  int signals;              /* the other end of its signalfd */
  struct fake_stream *last; /* of a call that streamed: holds the answer */
};

static void need(int code, const struct err *err) {
  if (!code)
    return;
  fprintf(stderr, "engine: %s\n", err->text);
  abort();
}

static void *run(void *arg) {
  struct err err;
  need(committer_run(arg, &err), &err);
  return NULL;
}

static void receive(const struct engine *engine, struct buf *frame) {
  size_t size = 0;
  struct err err;
  buf_reset(frame);
  do {
    size_t wanted = size ? size : (size_t)COMMAND_FRAME_HEADER;
    while (frame->len < wanted) {
      const size_t more = wanted - frame->len;
      unsigned char *room = buf_extend(frame, more);
      ssize_t got = recv(engine->fd, room, more, 0);
      if (got <= 0)
        abort();
      frame->len -= more - (size_t)got;
    }
    need(command_frame_size(buf_span(frame), &size, &err), &err);
  } while (frame->len < size);
}

/* Has the committer execute a frame, and waits for the reply. */
static void execute(void *context, struct span frame, struct buf *reply) {
  const struct engine *engine = context;
  for (size_t sent = 0; sent < frame.len;) {
    ssize_t n = send(engine->fd, frame.data + sent, frame.len - sent, MSG_NOSIGNAL);
    if (n <= 0)
      abort();
    sent += (size_t)n;
  }
  receive(engine, reply);
}

static void listen_here(struct engine *engine) {
  struct committer *c = &engine->committer;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", engine->folder);
  c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int signals[2];
  if (pipe2(signals, O_NONBLOCK | O_CLOEXEC) != 0)
    abort();
  c->signal_fd = signals[0];
  engine->signals = signals[1];
  c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  engine->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (c->listen_fd < 0 || c->epoll_fd < 0 || engine->fd < 0 ||
      bind(c->listen_fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(c->listen_fd, 4) != 0 ||
      connect(engine->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
    abort();
}

/* As src/committer/main.c does it, but for the checks of a start-up. */
static void start(struct engine *engine, bool rebuild) {
  struct call *call = &engine->call;
  struct committer *c = &engine->committer;
  struct history_meta meta;
  struct watermark mark = {0};
  struct err err;
  *c = (struct committer){.config = &call->config, .log = &call->log, .segment = call->segment};
  need(batch_init(&c->batch, &err), &err);
  need(env_open_writer(&call->config, &call->log, NULL, RECOVER_NORMAL, &c->store, &err), &err);
  need(history_last(c->store, &c->mark.seq, &err), &err);
  need(projection_open(&call->config, &call->log, NULL, c->store, c->mark.seq, rebuild, &c->projection, &err), &err);
  c->reader = (struct reader){.store = c->store, .projection = c->projection};
  need(history_meta_read(c->store, &meta, &err), &err);
  memcpy(c->mark.history_id, meta.id, HISTORY_ID_SIZE);
  c->mark.timeline = history_meta_current(&meta)->number;
  c->mark.branch = history_meta_current(&meta)->branch;
  history_meta_free(&meta);
  projection_watermark(c->projection, &mark);
  c->last_time_us = mark.time_us;
  need(mark_open(call->config.data_dir, false, &c->mark_fd, &err), &err);
  c->tick_us = UINT64_MAX; /* housekeeping has nothing to do here */
  housekeeping_publish(c);
  segment_set_state(call->segment, NODE_READY);
  listen_here(engine);
  need(settings_cache_create(&engine->settings, &err), &err);
  call->api.settings = engine->settings;
  call->api.reader = c->reader;
  call->api.ready = true;
  if (pthread_create(&engine->thread, NULL, run, c) != 0)
    abort();
  struct buf ready;
  buf_init(&ready, 4096);
  receive(engine, &ready);
  buf_free(&ready);
}

static void stop(struct engine *engine) {
  struct committer *c = &engine->committer;
  struct err err;
  const struct signalfd_siginfo stop_it = {.ssi_signo = SIGTERM};
  char socket_path[80];
  if (write(engine->signals, &stop_it, sizeof(stop_it)) != sizeof(stop_it) || pthread_join(engine->thread, NULL) != 0)
    abort();
  close(engine->fd);
  close(c->listen_fd);
  close(c->signal_fd);
  close(engine->signals);
  close(c->epoll_fd);
  close(c->mark_fd);
  batch_free(&c->batch);
  settings_cache_free(engine->settings);
  need(projection_close(c->projection, &err), &err);
  need(store_close(c->store, &err), &err);
  snprintf(socket_path, sizeof(socket_path), "%s/s", engine->folder);
  unlink(socket_path);
}

struct engine *engine_open(void) {
  struct engine *engine = calloc(1, sizeof(*engine));
  const char *tmp = getenv("TMPDIR");
  struct err err;
  if (!engine || sodium_init() < 0)
    abort();
  call_open(&engine->call);
  struct config *config = &engine->call.config;
  const int len = snprintf(engine->folder, sizeof(engine->folder), "%s/stemedb-test-XXXXXX", tmp ? tmp : "/tmp");
  if (len >= (int)sizeof(engine->folder) || !mkdtemp(engine->folder))
    abort();
  need(config_defaults(config, engine->folder, &err), &err);
  config->history_cache_bytes = 1 << 20;
  config->projection_cache_bytes = 4 << 20;
  config->wal_file_bytes = 4 << 20;
  need(store_init(config, &engine->call.log, &err), &err);
  start(engine, false);
  return engine;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st, (void)type, (void)ftw;
  return remove(path);
}

static void forget_last(struct engine *engine) {
  if (engine->last)
    fake_close(engine->last);
  free(engine->last);
  engine->last = NULL;
}

void engine_close(struct engine *engine) {
  if (!engine)
    return;
  forget_last(engine);
  stop(engine);
  call_close(&engine->call);
  nftw(engine->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  free(engine);
}

void engine_rebuild(struct engine *engine) {
  stop(engine);
  start(engine, true);
}

/* A call that streams: an import, an export, whatever takes its time. Returns the status. */
static int stream(struct engine *engine, struct span body) {
  engine->last = calloc(1, sizeof(*engine->last));
  if (!engine->last)
    abort();
  fake_open(engine->last, body, 0);
  engine->last->execute = execute;
  engine->last->context = engine;
  return fake_run(engine->last, &engine->call);
}

int engine_request(struct engine *engine, enum http_method method, const char *target, const char *body,
                   struct json_object **answer) {
  struct call *call = &engine->call;
  forget_last(engine);
  struct http_request *request = call_begin(call, method, target);
  const bool lines = strncmp(target, "/v1/import", 10) == 0;
  if (body)
    request->content_type = span_str(lines ? "application/x-ndjson" : "application/json");
  if (!api_route(&call->api, &call->exchange)) {
    call_parse(call, buf_span(&call->exchange.response.body));
  } else if (call->exchange.route->flags & ROUTE_STREAM) {
    stream(engine, span_str(body ? body : ""));
  } else {
    request->body = span_str(body ? body : "");
    enum http_outcome outcome = api_dispatch(&call->api, &call->exchange);
    if (outcome == HTTP_COMMAND) {
      struct buf reply;
      buf_init(&reply, COMMAND_MAX_SIZE);
      execute(engine, buf_span(&call->exchange.command), &reply);
      call_reply(call, buf_span(&reply));
      buf_free(&reply);
    } else if (outcome == HTTP_SLOW) {
      buf_reset(&call->exchange.response.body);
      stream(engine, span_str(""));
    } else {
      call_parse(call, buf_span(&call->exchange.response.body));
    }
  }
  if (answer)
    *answer = call->answer;
  return engine->last ? engine->last->begun.status : call->exchange.response.status;
}

struct span engine_answer_text(const struct engine *engine) {
  return engine->last ? buf_span(&engine->last->out) : buf_span(&engine->call.exchange.response.body);
}
