#include "worker/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* One thread and what it works with: a connection lent by the loop, and its own line to the committer. */
struct stream {
  struct http_stream face; /* first: what the resource sees */
  struct streams *streams;
  pthread_t thread;
  struct connection *connection;
  int committer_fd; /* -1: not connected */
  struct buf in;
};

/* The lock guards queue, done and stop; everything else of a connection belongs to the thread that has it. */
struct streams {
  struct worker *worker;
  pthread_mutex_t lock;
  pthread_cond_t work;
  struct connection *queue; /* at most one waits for each idle thread */
  struct connection *done;
  uint32_t idle;
  bool stop, quit;
  int event_fd;
  uint32_t count;
  struct stream items[WORKER_STREAMS];
};

static struct stream *stream_of(struct http_stream *face) {
  return face->io;
}

/* What has arrived, at least a byte: FCGX_GetStr would wait until all of `size` is there, and a slow client's lines
 * with it. */
static int stream_read(struct http_stream *face, void *data, size_t size, size_t *got, struct err *err) {
  FCGX_Stream *in = stream_of(face)->connection->fcgi.in;
  unsigned char *p = data;
  int first = size > 0 ? FCGX_GetChar(in) : EOF;
  *got = 0;
  if (first != EOF) {
    size_t there = (size_t)(in->stop - in->rdNext), more = there < size - 1 ? there : size - 1;
    p[0] = (unsigned char)first;
    int n = FCGX_GetStr((char *)p + 1, (int)(more < INT32_MAX ? more : INT32_MAX), in);
    *got = 1 + (n > 0 ? (size_t)n : 0);
  }
  /* A cut body looks like its end, but for this. */
  if (FCGX_GetError(in) != 0)
    return err_set(err, ERR_IO, "the body was cut off");
  return 0;
}

static int stream_begin(struct http_stream *face, const struct http_response *response, struct err *err) {
  if (!response_write_head(&stream_of(face)->connection->fcgi, response, false))
    return err_set(err, ERR_IO, "the client is gone");
  return 0;
}

static int stream_write(struct http_stream *face, const void *data, size_t size, struct err *err) {
  FCGX_Stream *out = stream_of(face)->connection->fcgi.out;
  const char *p = data;
  while (size > 0) {
    int step = (int)(size < INT32_MAX ? size : INT32_MAX);
    if (FCGX_PutStr(p, step, out) != step)
      return err_set(err, ERR_IO, "the client is gone");
    p += step;
    size -= (size_t)step;
  }
  return 0;
}

static void committer_close(struct stream *s) {
  if (s->committer_fd >= 0)
    close(s->committer_fd);
  s->committer_fd = -1;
  buf_reset(&s->in);
}

static int stream_send_command(struct http_stream *face, struct span frame, struct err *err) {
  struct stream *s = stream_of(face);
  if (s->committer_fd < 0 && link_connect_blocking(s->streams->worker->config, &s->committer_fd, err))
    return err->code;
  while (frame.len > 0) {
    ssize_t n = send(s->committer_fd, frame.data, frame.len, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      committer_close(s);
      return err_set(err, ERR_BUSY, "the committer is gone");
    }
    frame = span_of(frame.data + n, frame.len - (size_t)n);
  }
  return 0;
}

/* Receives exactly `len` bytes more. */
static bool receive_more(struct stream *s, size_t len) {
  unsigned char *room = buf_extend(&s->in, len);
  return room && recv(s->committer_fd, room, len, MSG_WAITALL) == (ssize_t)len;
}

static int stream_receive_reply(struct http_stream *face, struct span *frame, struct err *err) {
  struct stream *s = stream_of(face);
  size_t size = 0;
  buf_reset(&s->in);
  if (s->committer_fd < 0 || !receive_more(s, COMMAND_FRAME_HEADER) ||
      command_frame_size(buf_span(&s->in), &size, err) || (size > s->in.len && !receive_more(s, size - s->in.len))) {
    committer_close(s);
    return err_set(err, ERR_BUSY, "the committer is gone");
  }
  *frame = buf_span(&s->in);
  return 0;
}

static bool stream_stopping(struct http_stream *face) {
  struct streams *streams = stream_of(face)->streams;
  pthread_mutex_lock(&streams->lock);
  bool stop = streams->stop;
  pthread_mutex_unlock(&streams->lock);
  return stop;
}

static void serve(struct stream *s) {
  struct worker *w = s->streams->worker;
  struct connection *c = s->connection;
  struct exchange *e = &c->job->exchange;
  s->face.broken = false;
  e->route->stream(w->api, e, &s->face);
  if (s->face.broken) { /* without an end, so that nginx cuts its client off too */
    FCGX_Detach(&c->fcgi);
    FCGX_Free(&c->fcgi, 1);
    return;
  }
  /* What nginx keeps must not be closed under it: it may be sending the next request already. */
  if (c->fcgi.keepConnection && FCGX_GetError(c->fcgi.in) == 0 && !FCGX_HasSeenEOF(c->fcgi.in))
    request_skip_body(&c->fcgi);
  /* After an error of a stream the connection may hold half a message in either direction. */
  if (FCGX_GetError(c->fcgi.in) != 0 || FCGX_GetError(c->fcgi.out) != 0 || !FCGX_HasSeenEOF(c->fcgi.in))
    c->fcgi.keepConnection = 0;
  c->kept = connection_finish(c);
}

static void *run(void *argument) {
  struct stream *s = argument;
  struct streams *streams = s->streams;
  pthread_mutex_lock(&streams->lock);
  for (;;) {
    streams->idle++;
    while (!streams->queue && !streams->quit)
      pthread_cond_wait(&streams->work, &streams->lock);
    streams->idle--;
    if (streams->quit)
      break;
    s->connection = streams->queue;
    streams->queue = s->connection->next;
    s->connection->next = NULL;
    pthread_mutex_unlock(&streams->lock);
    serve(s);
    pthread_mutex_lock(&streams->lock);
    s->connection->next = streams->done;
    streams->done = s->connection;
    s->connection = NULL;
    (void)!write(streams->event_fd, &(uint64_t){1}, sizeof(uint64_t));
  }
  pthread_mutex_unlock(&streams->lock);
  committer_close(s);
  buf_free(&s->in);
  return NULL;
}

int streams_create(struct worker *worker, struct streams **out, struct err *err) {
  struct streams *streams = calloc(1, sizeof(*streams));
  if (!streams)
    return err_set(err, ERR_NOMEM, "no memory for streaming threads");
  streams->worker = worker;
  pthread_mutex_init(&streams->lock, NULL);
  pthread_cond_init(&streams->work, NULL);
  streams->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = EVENT_STREAMS};
  if (streams->event_fd < 0 || epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, streams->event_fd, &event) != 0) {
    err_sys(err, errno, "eventfd");
    streams_free(streams);
    return err->code;
  }
  for (uint32_t i = 0; i < WORKER_STREAMS; i++) {
    struct stream *s = &streams->items[i];
    s->face = (struct http_stream){.io = s,
                                   .read = stream_read,
                                   .begin = stream_begin,
                                   .write = stream_write,
                                   .send_command = stream_send_command,
                                   .receive_reply = stream_receive_reply,
                                   .stopping = stream_stopping};
    s->streams = streams;
    s->committer_fd = -1;
    buf_init(&s->in, COMMAND_MAX_SIZE + COMMAND_FRAME_HEADER);
    int failed = pthread_create(&s->thread, NULL, run, s);
    if (failed) {
      err_sys(err, failed, "starting a streaming thread");
      streams_free(streams);
      return err->code;
    }
    streams->count++;
  }
  *out = streams;
  return 0;
}

void streams_free(struct streams *streams) {
  if (!streams)
    return;
  pthread_mutex_lock(&streams->lock);
  streams->stop = streams->quit = true;
  pthread_cond_broadcast(&streams->work);
  pthread_mutex_unlock(&streams->lock);
  for (uint32_t i = 0; i < streams->count; i++)
    pthread_join(streams->items[i].thread, NULL);
  if (streams->event_fd >= 0)
    close(streams->event_fd);
  pthread_cond_destroy(&streams->work);
  pthread_mutex_destroy(&streams->lock);
  free(streams);
}

bool streams_start(struct streams *streams, struct connection *connection) {
  pthread_mutex_lock(&streams->lock);
  uint32_t queued = 0;
  for (struct connection *c = streams->queue; c; c = c->next)
    queued++;
  bool taken = queued < streams->idle && !streams->stop;
  if (taken) {
    connection->next = streams->queue;
    streams->queue = connection;
    pthread_cond_signal(&streams->work);
  }
  pthread_mutex_unlock(&streams->lock);
  return taken;
}

void streams_event(struct streams *streams) {
  uint64_t count;
  (void)!read(streams->event_fd, &count, sizeof(count));
  pthread_mutex_lock(&streams->lock);
  struct connection *done = streams->done;
  streams->done = NULL;
  pthread_mutex_unlock(&streams->lock);
  while (done) {
    struct connection *next = done->next;
    done->next = NULL;
    connection_stream_done(streams->worker, done);
    done = next;
  }
}

void streams_stop(struct streams *streams) {
  pthread_mutex_lock(&streams->lock);
  streams->stop = true;
  pthread_mutex_unlock(&streams->lock);
}
