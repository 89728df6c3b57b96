#include "committer/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "model/command.h"

enum {
  RECEIVE_STEP = 64 << 10,
  READ_AHEAD = 1 << 20,   /* bytes of whole frames that may wait; a single longer frame is read to its end */
  OUT_HIGH = 8 << 20,     /* no more commands from a peer that does not take its replies */
  KEEP_CAPACITY = 1 << 20 /* larger buffers are given back when they are empty */
};

struct connection *connection_create(int fd) {
  struct connection *c = calloc(1, sizeof(*c));
  if (!c) {
    close(fd);
    return NULL;
  }
  c->fd = fd;
  buf_init(&c->in, (size_t)COMMAND_MAX_SIZE + 3 * READ_AHEAD);
  buf_init(&c->out, COMMAND_MAX_SIZE);
  reply_put_ready(&c->out);
  return c;
}

void connection_free(struct connection *c) {
  if (!c)
    return;
  close(c->fd);
  buf_free(&c->in);
  buf_free(&c->out);
  free(c->frames);
  free(c);
}

void connection_drop(struct connection *c) {
  c->gone = true;
  c->frame_first = c->frame_count = 0;
}

/* The frame is there: note it, or carry it out if it is a CANCEL. */
static bool note_frame(struct connection *c, size_t size) {
  const unsigned char *header = c->in.data + c->split;
  struct waiting_frame frame = {.offset = c->split, .size = size, .tag = get_u64(header + 5)};
  if (header[4] == COMMAND_CANCEL) {
    for (size_t i = c->frame_first; i < c->frame_count; i++)
      if (c->frames[i].tag == frame.tag)
        c->frames[i].cancelled = true;
    frame.cancelled = true; /* takes its place in the bytes, and is skipped */
  }
  if (c->frame_count == c->frame_capacity) {
    size_t capacity = c->frame_capacity ? c->frame_capacity * 2 : 64;
    struct waiting_frame *frames = reallocarray(c->frames, capacity, sizeof(*frames));
    if (!frames)
      return false;
    c->frames = frames;
    c->frame_capacity = capacity;
  }
  c->frames[c->frame_count++] = frame;
  c->split += size;
  return true;
}

static int split_frames(struct connection *c, struct err *err) {
  for (;;) {
    size_t size;
    struct span rest = {c->in.data + c->split, c->in.len - c->split};
    if (command_frame_size(rest, &size, err))
      return err->code;
    if (size == 0 || size > rest.len)
      return 0;
    if (!note_frame(c, size))
      return err_set(err, ERR_NOMEM, "no memory for the frames of a connection");
  }
}

void connection_receive(struct connection *c, const struct log *log) {
  struct err err;
  while (!c->gone && c->split - c->taken < READ_AHEAD) {
    unsigned char *room = buf_extend(&c->in, RECEIVE_STEP);
    if (!room) {
      log_error(log, "a worker's connection is closed: no memory for its command");
      connection_drop(c);
      return;
    }
    ssize_t got = recv(c->fd, room, RECEIVE_STEP, MSG_DONTWAIT);
    c->in.len -= RECEIVE_STEP - (got > 0 ? (size_t)got : 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
      connection_drop(c);
    } else if (got > 0 && split_frames(c, &err)) {
      log_error(log, "a worker's connection is closed: %s", err.text);
      connection_drop(c);
    }
    if (got < RECEIVE_STEP)
      return; /* that was all there is */
  }
}

bool connection_waits(const struct connection *c) {
  return c->frame_first < c->frame_count && c->out.len < OUT_HIGH;
}

bool connection_take(struct connection *c, struct span *frame) {
  while (connection_waits(c)) {
    const struct waiting_frame *next = &c->frames[c->frame_first++];
    c->taken = next->offset + next->size;
    if (next->cancelled)
      continue;
    *frame = span_of(c->in.data + next->offset, next->size);
    return true;
  }
  return false;
}

void connection_compact(struct connection *c) {
  if (c->frame_first == c->frame_count)
    c->frame_first = c->frame_count = 0;
  if (c->taken == c->in.len && c->in.cap > KEEP_CAPACITY) {
    buf_free(&c->in);
  } else if (c->taken == c->in.len) {
    buf_reset(&c->in);
  } else if (c->taken > c->in.len / 2 || c->taken >= READ_AHEAD) { /* else little would be won by moving much */
    buf_drop_front(&c->in, c->taken);
    for (size_t i = c->frame_first; i < c->frame_count; i++)
      c->frames[i].offset -= c->taken;
  } else {
    return;
  }
  c->split -= c->taken;
  c->taken = 0;
}

bool connection_send(struct connection *c) {
  size_t sent = 0;
  while (!c->gone && sent < c->out.len) {
    ssize_t n = send(c->fd, c->out.data + sent, c->out.len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
      sent += (size_t)n;
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      connection_drop(c);
    }
  }
  buf_drop_front(&c->out, sent);
  if (c->out.len == 0 && c->out.cap > KEEP_CAPACITY)
    buf_free(&c->out);
  return !c->gone && c->out.len > 0;
}
