#include "committer/connection.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/command.h"
#include "tests/harness/harness.h"

static const unsigned char key_hash[DIGEST_SIZE];

struct pair {
  struct connection *connection;
  int peer;
  struct log log;
};

static struct pair pair_make(void) {
  int ends[2];
  struct pair p;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || !(p.connection = connection_create(ends[0])))
    abort();
  p.peer = ends[1];
  log_open(&p.log, -1, "test");
  return p;
}

static void pair_free(struct pair *p) {
  connection_free(p->connection);
  if (p->peer >= 0)
    close(p->peer);
}

/* An assert of one entry with a body of `size` bytes. */
static void put_assert(struct buf *out, uint64_t tag, size_t size) {
  size_t start = out->len;
  unsigned char *body = calloc(1, size + 1);
  struct command_entry entry = {.kind = 1, .body = span_of(body, size)};
  command_begin(out, COMMAND_ASSERT, tag, span_str("t"), key_hash, 1);
  command_put_entry(out, &entry);
  command_end(out, start);
  free(body);
}

static void send_all(struct pair *p, struct span bytes) {
  while (bytes.len > 0) {
    ssize_t n = send(p->peer, bytes.data, bytes.len, MSG_DONTWAIT);
    if (n > 0)
      bytes = span_of(bytes.data + n, bytes.len - (size_t)n);
    else
      connection_receive(p->connection, &p->log);
  }
  connection_receive(p->connection, &p->log);
}

static uint64_t next_tag(struct pair *p) {
  struct span frame;
  struct command command;
  struct err err;
  if (!connection_take(p->connection, &frame) || command_parse(frame, &command, &err))
    return 0;
  return command.tag;
}

static void test_ready(void) {
  struct pair p = pair_make();
  unsigned char bytes[64];
  struct reply reply;
  struct err err;
  CU_ASSERT_FALSE(connection_send(p.connection));
  ssize_t got = recv(p.peer, bytes, sizeof(bytes), MSG_DONTWAIT);
  CU_ASSERT_EQUAL_FATAL(got, COMMAND_FRAME_HEADER);
  CU_ASSERT_EQUAL(reply_parse(span_of(bytes, (size_t)got), &reply, &err), 0);
  CU_ASSERT_EQUAL(reply.type, REPLY_READY);
  pair_free(&p);
}

static void test_split(void) {
  struct pair p = pair_make();
  struct buf out;
  buf_init(&out, 1 << 20);
  for (uint64_t tag = 1; tag <= 3; tag++)
    put_assert(&out, tag, 100);
  for (size_t i = 0; i < out.len; i++) {
    send_all(&p, span_of(out.data + i, 1));
    CU_ASSERT_EQUAL(connection_waits(p.connection), i + 1 >= out.len / 3);
  }
  for (uint64_t tag = 1; tag <= 3; tag++)
    CU_ASSERT_EQUAL(next_tag(&p), tag);
  CU_ASSERT_EQUAL(next_tag(&p), 0);
  connection_compact(p.connection);
  CU_ASSERT_EQUAL(p.connection->in.len, 0);
  CU_ASSERT_FALSE(p.connection->gone);
  buf_free(&out);
  pair_free(&p);
}

static void test_compact_keeps(void) {
  struct pair p = pair_make();
  struct buf out;
  buf_init(&out, 1 << 20);
  for (uint64_t tag = 1; tag <= 9; tag++)
    put_assert(&out, tag, 50);
  send_all(&p, span_of(out.data, out.len - 10));
  for (uint64_t tag = 1; tag <= 7; tag++) {
    CU_ASSERT_EQUAL(next_tag(&p), tag);
    connection_compact(p.connection);
  }
  send_all(&p, span_of(out.data + out.len - 10, 10));
  CU_ASSERT_EQUAL(next_tag(&p), 8);
  CU_ASSERT_EQUAL(next_tag(&p), 9);
  CU_ASSERT_EQUAL(next_tag(&p), 0);
  buf_free(&out);
  pair_free(&p);
}

static void test_cancel(void) {
  struct pair p = pair_make();
  struct buf out;
  buf_init(&out, 1 << 20);
  for (uint64_t tag = 1; tag <= 4; tag++)
    put_assert(&out, tag, 10);
  send_all(&p, buf_span(&out));
  CU_ASSERT_EQUAL(next_tag(&p), 1);
  buf_reset(&out);
  command_put_cancel(&out, 1); /* too late */
  command_put_cancel(&out, 2);
  command_put_cancel(&out, 4);
  put_assert(&out, 5, 10);
  send_all(&p, buf_span(&out));
  CU_ASSERT_EQUAL(next_tag(&p), 3);
  CU_ASSERT_EQUAL(next_tag(&p), 5);
  CU_ASSERT_EQUAL(next_tag(&p), 0);
  connection_compact(p.connection);
  CU_ASSERT_EQUAL(p.connection->in.len, 0);
  buf_free(&out);
  pair_free(&p);
}

static void test_gone(void) {
  struct pair p = pair_make();
  struct buf out;
  buf_init(&out, 1 << 20);
  put_assert(&out, 1, 10);
  send_all(&p, buf_span(&out));
  CU_ASSERT_TRUE(connection_waits(p.connection));
  close(p.peer);
  p.peer = -1;
  connection_receive(p.connection, &p.log);
  CU_ASSERT_TRUE(p.connection->gone);
  CU_ASSERT_EQUAL(next_tag(&p), 0);
  buf_free(&out);
  pair_free(&p);
}

static void test_too_long(void) {
  static const unsigned char header[COMMAND_FRAME_HEADER] = {0x7f, 0xff, 0xff, 0xff, COMMAND_ASSERT};
  struct pair p = pair_make();
  send_all(&p, span_of(header, sizeof(header)));
  CU_ASSERT_TRUE(p.connection->gone);
  pair_free(&p);
}

static void test_large(void) {
  struct pair p = pair_make();
  struct buf out;
  buf_init(&out, (size_t)COMMAND_MAX_SIZE * 2);
  for (uint64_t tag = 1; tag <= 4; tag++)
    put_assert(&out, tag, 10);
  put_assert(&out, 5, (size_t)COMMAND_MAX_SIZE - 256);
  put_assert(&out, 6, 10);
  /* Frames before it are taken meanwhile, or nothing more would be read. */
  struct span rest = buf_span(&out);
  uint64_t seen = 0;
  while (rest.len > 0) {
    ssize_t n = send(p.peer, rest.data, rest.len, MSG_DONTWAIT);
    if (n > 0)
      rest = span_of(rest.data + n, rest.len - (size_t)n);
    connection_receive(p.connection, &p.log);
    for (uint64_t tag; (tag = next_tag(&p)) != 0;)
      CU_ASSERT_EQUAL(tag, ++seen);
    connection_compact(p.connection);
  }
  connection_receive(p.connection, &p.log);
  for (uint64_t tag; (tag = next_tag(&p)) != 0;)
    CU_ASSERT_EQUAL(tag, ++seen);
  connection_compact(p.connection);
  CU_ASSERT_EQUAL(seen, 6);
  CU_ASSERT(p.connection->in.cap <= (size_t)1 << 20);
  buf_free(&out);
  pair_free(&p);
}

static void test_bound(void) {
  struct pair p = pair_make();
  struct buf out;
  buf_init(&out, 1 << 20);
  put_assert(&out, 1, 100000);
  for (int i = 0; i < 200; i++) {
    struct span rest = buf_span(&out);
    for (int tries = 0; rest.len > 0 && tries < 3; tries++) {
      ssize_t n = send(p.peer, rest.data, rest.len, MSG_DONTWAIT);
      if (n > 0)
        rest = span_of(rest.data + n, rest.len - (size_t)n);
      connection_receive(p.connection, &p.log);
    }
    if (rest.len > 0)
      break;
  }
  CU_ASSERT_FALSE(p.connection->gone);
  CU_ASSERT(p.connection->in.len < (size_t)2 << 20);
  buf_free(&out);
  pair_free(&p);
}

static void test_deaf(void) {
  struct pair p = pair_make();
  struct buf out;
  buf_init(&out, 1 << 20);
  put_assert(&out, 1, 10);
  send_all(&p, buf_span(&out));
  CU_ASSERT_TRUE(connection_waits(p.connection));
  CU_ASSERT_PTR_NOT_NULL(buf_extend(&p.connection->out, 9 << 20));
  CU_ASSERT_FALSE(connection_waits(p.connection));
  CU_ASSERT_TRUE(connection_send(p.connection));
  buf_free(&out);
  pair_free(&p);
}

int main(void) {
  static const struct test_case cases[] = {
      {"the first that is sent is that the node is ready", test_ready},
      {"frames that arrive byte by byte are taken whole and in order", test_split},
      {"compacting keeps what waits and what is not there yet", test_compact_keeps},
      {"a cancelled command is skipped if its turn has not come", test_cancel},
      {"nothing of a peer that is gone is taken", test_gone},
      {"a peer that announces too long a frame is dropped", test_too_long},
      {"the longest frame passes, and its memory is given back", test_large},
      {"what waits is bounded: no more is read", test_bound},
      {"no more is taken from a peer that does not take its replies", test_deaf},
  };
  return harness_run("connection", cases, HARNESS_COUNT(cases));
}
