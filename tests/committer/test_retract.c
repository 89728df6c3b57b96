/* Retractions and reinstatements through the committer's own turns, over a real store. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "committer/committer.h"
#include "tests/harness/harness.h"
#include "tests/projection/fixture.h"

static struct err err;
static struct fixture fixture;
static struct committer committer;
static int peer = -1, segment_fd;
static uint64_t tags;

static struct connection *connect_peer(int *fd) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    abort();
  struct connection *k = connection_create(pair[0]);
  *fd = pair[1];
  k->next = committer.connections;
  committer.connections = k;
  buf_reset(&k->out); /* REPLY_READY */
  return k;
}

static void set_up(void) {
  fixture_create(&fixture);
  fixture_open(&fixture);
  committer = (struct committer){.config = &fixture.config, .log = &fixture.log, .store = fixture.store};
  committer.projection = fixture.projection;
  committer.reader = fixture.reader;
  committer.retract.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (segment_create(&committer.segment, &segment_fd, &err) || batch_init(&committer.batch, &err) ||
      mark_open(fixture.config.data_dir, false, &committer.mark_fd, &err))
    abort();
  connect_peer(&peer);
}

static void tear_down(void) {
  connection_free(committer.connections);
  close(peer);
  close(committer.retract.event_fd);
  close(committer.mark_fd);
  batch_free(&committer.batch);
  segment_close(committer.segment);
  close(segment_fd);
  fixture.last = 0; /* it made none of the entries */
  fixture_free(&fixture);
}

/* --- commands --- */

/* Sends a command with one entry; returns its tag. */
static uint64_t put(int fd, uint8_t type, const char *key, const char *body) {
  static const uint8_t kinds[] = {[COMMAND_ASSERT] = ENTRY_ASSERTION,
                                  [COMMAND_RETRACT] = ENTRY_RETRACTION,
                                  [COMMAND_REINSTATE] = ENTRY_REINSTATEMENT};
  unsigned char hash[DIGEST_SIZE] = {0};
  struct command_entry entry = {.kind = kinds[type], .body = span_str(body)};
  struct buf frame, server;
  struct server_section section = {0};
  struct span scope = key ? span_of("\0retract", 8) : (struct span){NULL, 0};
  buf_init(&frame, 1 << 20);
  buf_init(&server, 1 << 10);
  if (key) {
    memcpy(hash, key, strlen(key));
    section.key_scope = scope;
    section.key_hash = span_of(hash, sizeof(hash));
  }
  entry_put_server(&server, &section);
  entry.server = buf_span(&server);
  digest_sha256(entry.content, entry.body);
  unsigned char ids[2 * ID_SIZE];
  const char *derived = strstr(body, "\"derived_from\":[\"");
  for (; derived && type == COMMAND_ASSERT && entry.derived_count < 2; entry.derived_count++) {
    if (digest_from_hex(ids + entry.derived_count * ID_SIZE, span_of(strchr(derived, '[') + 2, ID_HEX_SIZE)) != 0)
      abort();
    entry.derived = ids;
    derived = NULL;
  }
  command_begin(&frame, type, ++tags, scope, hash, 1);
  command_put_entry(&frame, &entry);
  command_end(&frame, 0);
  if (send(fd, frame.data, frame.len, 0) != (ssize_t)frame.len)
    abort();
  buf_free(&frame);
  buf_free(&server);
  return tags;
}

/* Sends an assert of `count` equal entries. */
static void put_array(const char *body, uint32_t count) {
  struct command_entry entry = {.kind = ENTRY_ASSERTION, .body = span_str(body)};
  struct buf frame;
  buf_init(&frame, 1 << 20);
  digest_sha256(entry.content, entry.body);
  command_begin(&frame, COMMAND_ASSERT, ++tags, (struct span){NULL, 0}, NULL, count);
  for (uint32_t i = 0; i < count; i++)
    command_put_entry(&frame, &entry);
  command_end(&frame, 0);
  if (send(peer, frame.data, frame.len, 0) != (ssize_t)frame.len)
    abort();
  buf_free(&frame);
}

static void turn(void) {
  bool any;
  for (struct connection *k = committer.connections; k; k = k->next)
    connection_receive(k, &fixture.log);
  CU_ASSERT_EQUAL_FATAL(commit_waiting(&committer, &any, &err), 0);
  for (struct connection *k = committer.connections; k; k = k->next)
    connection_compact(k);
}

static void wait_for_thread(void) {
  struct pollfd poll_fd = {.fd = committer.retract.event_fd, .events = POLLIN};
  CU_ASSERT_EQUAL_FATAL(poll(&poll_fd, 1, 60000), 1);
}

/* Turns until nothing is left. */
static void settle(void) {
  turn();
  while (retract_any(&committer)) {
    if (!retract_can_go_on(&committer)) {
      wait_for_thread();
      retract_event(&committer);
    }
    turn();
  }
}

/* The reply to a tag. */
static bool find_reply(uint64_t tag, struct reply *reply) {
  struct span rest = buf_span(&committer.connections->out);
  while (rest.len) {
    size_t size;
    CU_ASSERT_EQUAL_FATAL(command_frame_size(rest, &size, &err), 0);
    CU_ASSERT_EQUAL_FATAL(reply_parse(span_of(rest.data, size), reply, &err), 0);
    if (reply->tag == tag)
      return true;
    rest = span_of(rest.data + size, rest.len - size);
  }
  return false;
}

static struct reply answer(uint64_t tag) {
  struct reply reply = {0};
  CU_ASSERT_TRUE_FATAL(find_reply(tag, &reply));
  return reply;
}

static struct reply call(uint8_t type, const char *key, const char *body) {
  uint64_t tag = put(peer, type, key, body);
  settle();
  return answer(tag);
}

static void assert_one(const char *path, const char *source, const unsigned char *parent, unsigned char id[ID_SIZE]) {
  char body[512], hex[2 * ID_SIZE + 1] = "", derived[128] = "";
  for (size_t i = 0; parent && i < ID_SIZE; i++)
    snprintf(hex + 2 * i, 3, "%02x", parent[i]);
  if (parent)
    snprintf(derived, sizeof(derived), ",\"derived_from\":[\"%s\"]", hex);
  snprintf(body, sizeof(body), "{\"concept_path\":\"%s\"%s,\"predicate\":\"p\",\"source\":\"%s\",\"value\":1}", path,
           derived, source);
  struct commit_receipt receipt;
  struct reply reply = call(COMMAND_ASSERT, NULL, body);
  CU_ASSERT_EQUAL_FATAL(reply.type, REPLY_COMMITTED);
  reply_receipt(&reply, 0, &receipt);
  memcpy(id, receipt.id, ID_SIZE);
}

static void check_counts(const struct reply *reply, uint64_t direct, uint64_t cascaded) {
  CU_ASSERT_EQUAL(reply->type, REPLY_RETRACTED);
  CU_ASSERT_EQUAL(reply->direct, direct);
  CU_ASSERT_EQUAL(reply->cascaded, cascaded);
}

static void check_refusal(const struct reply *reply, uint8_t refusal) {
  CU_ASSERT_EQUAL(reply->type, REPLY_REFUSED);
  CU_ASSERT_EQUAL(reply->refusal, refusal);
}

static uint64_t covering(uint64_t seq) {
  uint64_t by = 0;
  CU_ASSERT_EQUAL(retracted_by(&committer.reader, seq, committer.mark.seq, &by, &err), 0);
  return by;
}

static struct reply reinstate(const unsigned char id[ID_SIZE], const char *key) {
  char body[256];
  int at = snprintf(body, sizeof(body), "{\"reason\":\"u\",\"retraction_id\":\"");
  for (size_t i = 0; i < ID_SIZE; i++)
    at += snprintf(body + at, 3, "%02x", id[i]);
  snprintf(body + at, sizeof(body) - (size_t)at, "\"}");
  return call(COMMAND_REINSTATE, key, body);
}

static const char by_source[] = "{\"reason\":\"r\",\"source\":\"s/a\"}";
static const char by_cascade[] = "{\"cascade\":true,\"concept_path\":\"s/a\",\"reason\":\"r\"}";

/* --- tests --- */

static void counts_are_of_what_becomes_inactive(void) {
  unsigned char a[ID_SIZE], b[ID_SIZE], other[ID_SIZE];
  set_up();
  assert_one("c", "s/a", NULL, a);
  assert_one("d", "s/b", a, b);
  assert_one("e", "s/b", b, other);
  assert_one("s/a", "s/c", NULL, other);
  struct reply reply = call(COMMAND_RETRACT, NULL, by_source);
  check_counts(&reply, 1, 0);
  CU_ASSERT_EQUAL(reply.receipt.seq, 5);
  reply = call(COMMAND_RETRACT, NULL, by_cascade);
  check_counts(&reply, 1, 2);
  CU_ASSERT_EQUAL(covering(1), 5);
  CU_ASSERT_EQUAL(covering(2), 6);
  CU_ASSERT_EQUAL(covering(3), 6);
  CU_ASSERT_EQUAL(covering(4), 6);
  reply = call(COMMAND_RETRACT, NULL, by_cascade);
  check_counts(&reply, 0, 0);
  tear_down();
}

static void nothing_is_stored_where_nothing_matches(void) {
  unsigned char a[ID_SIZE];
  set_up();
  struct reply reply = call(COMMAND_RETRACT, NULL, by_source);
  check_refusal(&reply, REFUSAL_NO_MATCH);
  assert_one("c", "s/b", NULL, a);
  reply = call(COMMAND_RETRACT, NULL, by_source);
  check_refusal(&reply, REFUSAL_NO_MATCH);
  segment_set_disk_full(committer.segment, true);
  reply = call(COMMAND_RETRACT, NULL, "{\"reason\":\"r\",\"source\":\"s/b\"}");
  check_refusal(&reply, REFUSAL_DISK_FULL);
  CU_ASSERT_EQUAL(committer.mark.seq, 1);
  tear_down();
}

static void a_retraction_is_undone_once(void) {
  unsigned char a[ID_SIZE], first[ID_SIZE], none[ID_SIZE] = {9};
  set_up();
  assert_one("c", "s/a", NULL, a);
  assert_one("c", "s/a", NULL, a);
  struct reply reply = call(COMMAND_RETRACT, NULL, by_source);
  memcpy(first, reply.receipt.id, ID_SIZE);
  reply = call(COMMAND_RETRACT, NULL, "{\"reason\":\"r\",\"to_seq\":1}");
  check_counts(&reply, 0, 0);
  reply = reinstate(first, NULL);
  check_counts(&reply, 1, 0); /* the other one still covers seq 1 */
  CU_ASSERT_EQUAL(covering(1), 4);
  CU_ASSERT_EQUAL(covering(2), 0);
  reply = reinstate(first, NULL);
  check_refusal(&reply, REFUSAL_REINSTATED);
  reply = reinstate(a, NULL);
  check_refusal(&reply, REFUSAL_NOT_FOUND);
  reply = reinstate(none, NULL);
  check_refusal(&reply, REFUSAL_NOT_FOUND);
  CU_ASSERT_EQUAL(committer.mark.seq, 5);
  tear_down();
}

static void a_key_gets_the_first_answer(void) {
  unsigned char a[ID_SIZE], id[ID_SIZE];
  set_up();
  assert_one("c", "s/a", NULL, a);
  struct reply first = call(COMMAND_RETRACT, "k", by_source);
  check_counts(&first, 1, 0);
  CU_ASSERT_FALSE(first.replayed);
  assert_one("c", "s/a", NULL, a);
  struct reply again = call(COMMAND_RETRACT, "k", by_source);
  check_counts(&again, 1, 0);
  CU_ASSERT_TRUE(again.replayed);
  CU_ASSERT_EQUAL(memcmp(&again.receipt, &first.receipt, sizeof(first.receipt)), 0);
  CU_ASSERT_EQUAL(covering(3), 0);
  again = call(COMMAND_RETRACT, "k", by_cascade);
  check_refusal(&again, REFUSAL_KEY_REUSED);
  memcpy(id, first.receipt.id, ID_SIZE);
  first = reinstate(id, "l");
  check_counts(&first, 1, 0);
  again = reinstate(id, "l");
  check_counts(&again, 1, 0);
  CU_ASSERT_TRUE(again.replayed);
  CU_ASSERT_EQUAL(memcmp(&again.receipt, &first.receipt, sizeof(first.receipt)), 0);
  uint64_t one = put(peer, COMMAND_RETRACT, "m", by_source), two = put(peer, COMMAND_RETRACT, "m", by_source);
  settle();
  first = answer(one);
  again = answer(two);
  CU_ASSERT_TRUE(again.replayed && !first.replayed && first.receipt.seq == again.receipt.seq);
  tear_down();
}

/* All at once, on one connection: each retraction covers what was committed before it, and undoing waits for its turn.
 */
static void commands_that_come_together_have_an_order(void) {
  static const char one[] = "{\"concept_path\":\"c\",\"predicate\":\"p\",\"source\":\"s/a\",\"value\":1}";
  set_up();
  uint64_t asserted[3], retracted[3];
  for (int i = 0; i < 3; i++) {
    asserted[i] = put(peer, COMMAND_ASSERT, NULL, one);
    retracted[i] = put(peer, COMMAND_RETRACT, NULL, by_source);
  }
  settle();
  struct reply reply = answer(asserted[2]);
  CU_ASSERT_EQUAL(reply.first_seq, 3);
  reply = answer(retracted[0]);
  CU_ASSERT_EQUAL(reply.receipt.seq, 4);
  check_counts(&reply, 3, 0);
  for (int i = 1; i < 3; i++) {
    reply = answer(retracted[i]);
    CU_ASSERT_EQUAL(reply.receipt.seq, 4 + (uint64_t)i);
    check_counts(&reply, 0, 0);
  }
  CU_ASSERT_EQUAL(covering(3), 4);
  tear_down();
}

/* Entries that are committed while it is computed are covered, few or many of them. */
static void what_comes_meanwhile_is_covered(void) {
  static const char one[] = "{\"concept_path\":\"c\",\"predicate\":\"p\",\"source\":\"s/a\",\"value\":1}";
  unsigned char a[ID_SIZE];
  static const uint64_t counts[] = {3, RETRACT_TAIL_MAX + 2000};
  for (size_t k = 0; k < HARNESS_COUNT(counts); k++) {
    set_up();
    assert_one("c", "s/a", NULL, a);
    uint64_t tag = put(peer, COMMAND_RETRACT, NULL, by_source);
    turn(); /* taken */
    turn(); /* begun */
    wait_for_thread();
    for (uint64_t left = counts[k], n; left > 0; left -= n) {
      n = left < 500 ? left : 500;
      put_array(one, (uint32_t)n);
      turn();
    }
    while (committer.mark.seq < 1 + counts[k])
      turn();
    retract_event(&committer);
    turn();
    CU_ASSERT_EQUAL(retract_any(&committer), k == 1); /* many of them take another round in the thread */
    settle();
    struct reply reply = answer(tag);
    check_counts(&reply, 1 + counts[k], 0);
    CU_ASSERT_EQUAL(reply.receipt.seq, 2 + counts[k]);
    tear_down();
  }
}

static void a_client_that_left_stores_nothing(void) {
  unsigned char a[ID_SIZE];
  int fd;
  set_up();
  assert_one("c", "s/a", NULL, a);
  struct connection *gone = connect_peer(&fd);
  put(fd, COMMAND_RETRACT, NULL, by_source);
  put(fd, COMMAND_RETRACT, NULL, by_source);
  turn();
  turn();
  CU_ASSERT_TRUE(retract_any(&committer));
  retract_forget(&committer, gone);
  committer.connections = gone->next;
  connection_free(gone);
  close(fd);
  settle();
  CU_ASSERT_EQUAL(committer.mark.seq, 1);
  tear_down();
}

static void too_many_are_refused(void) {
  unsigned char a[ID_SIZE];
  uint64_t tag = 0;
  set_up();
  assert_one("c", "s/a", NULL, a);
  for (int i = 0; i <= RETRACT_WAITING_MAX; i++)
    tag = put(peer, COMMAND_RETRACT, NULL, by_source);
  settle();
  struct reply reply = answer(tag);
  check_refusal(&reply, REFUSAL_BUSY);
  reply = answer(tag - 1);
  check_counts(&reply, 0, 0);
  tear_down();
}

static void a_malformed_one_ends_the_connection(void) {
  set_up();
  put(peer, COMMAND_RETRACT, NULL, "{\"reason\":\"r\"}");
  turn();
  CU_ASSERT_TRUE(committer.connections->gone);
  CU_ASSERT_FALSE(retract_any(&committer));
  tear_down();
}

int main(void) {
  static const struct test_case cases[] = {
      {"counts are of what becomes inactive", counts_are_of_what_becomes_inactive},
      {"nothing is stored where nothing matches, or the disk is full", nothing_is_stored_where_nothing_matches},
      {"a retraction is undone once", a_retraction_is_undone_once},
      {"a key gets the first answer", a_key_gets_the_first_answer},
      {"commands that come together have an order", commands_that_come_together_have_an_order},
      {"what is committed while a retraction is computed is covered", what_comes_meanwhile_is_covered},
      {"a client that left stores nothing", a_client_that_left_stores_nothing},
      {"too many that wait are refused", too_many_are_refused},
      {"a malformed one ends the connection", a_malformed_one_ends_the_connection},
  };
  return harness_run("retract", cases, HARNESS_COUNT(cases));
}
