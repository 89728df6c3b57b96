#include <stdlib.h>
#include <unistd.h>

#include "committer/aliases.h"
#include "committer/committer.h"
#include "tests/harness/harness.h"

/* --- indexes of this test's own --- */

static struct {
  unsigned char id[ID_SIZE]; /* the one id that exists */
  bool has_key;
  struct key_record key;
  bool has_line;
  unsigned char line[DIGEST_SIZE];
} index_of;

int lookup_assertion(const struct reader *reader, const unsigned char id[ID_SIZE], uint64_t snapshot, uint64_t *seq,
                     bool *found, struct err *err) {
  (void)reader, (void)snapshot, (void)err;
  *found = memcmp(id, index_of.id, ID_SIZE) == 0;
  *seq = 1;
  return 0;
}

int lookup_key(const struct reader *reader, struct span scope, const unsigned char hash[DIGEST_SIZE],
               struct key_record *out, bool *found, struct err *err) {
  (void)reader, (void)scope, (void)hash, (void)err;
  *found = index_of.has_key;
  *out = index_of.key;
  return 0;
}

int lookup_import_line(const struct reader *reader, struct span scope, const unsigned char hash[DIGEST_SIZE],
                       const unsigned char body[DIGEST_SIZE], uint64_t *seq, bool *found, struct err *err) {
  (void)reader, (void)scope, (void)hash, (void)err;
  *found = index_of.has_line && memcmp(body, index_of.line, DIGEST_SIZE) == 0;
  *seq = 1;
  return 0;
}

/* No class of aliases is too large. */
int aliases_check(struct committer *c, const struct command_entry *entry, bool *fits, struct err *error) {
  (void)c, (void)entry, (void)error;
  *fits = true;
  return 0;
}

/* --- a committer with a batch that begins after entry 10 at time 5000 --- */

static struct err err;
static struct committer committer;
static struct connection connection;
static int segment_fd;

static void set_up(void) {
  memset(&index_of, 0, sizeof(index_of));
  memset(index_of.id, 7, ID_SIZE);
  committer = (struct committer){.mark.seq = 10};
  if (segment_create(&committer.segment, &segment_fd, &err) || batch_init(&committer.batch, &err))
    abort();
  batch_begin(&committer.batch, 10, 5000, 4000);
}

static void tear_down(void) {
  batch_free(&committer.batch);
  segment_close(committer.segment);
  close(segment_fd);
}

static struct command_entry entry_of(const char *body) {
  return (struct command_entry){.kind = ENTRY_ASSERTION, .body = span_str(body)};
}

/* Has a command decided; returns its decision. */
static const struct decision *decide_entries(uint8_t type, const char *key, const struct command_entry *entries,
                                             uint32_t count) {
  static struct buf frame; /* borrowed by the batch until the test ends */
  static struct buf frames[16];
  static size_t used;
  unsigned char hash[DIGEST_SIZE] = {0};
  struct command command;
  buf_init(&frame, 64 << 20);
  if (key)
    memcpy(hash, key, strlen(key));
  command_begin(&frame, type, 1, span_str(key ? "scope" : ""), hash, count);
  for (uint32_t i = 0; i < count; i++)
    command_put_entry(&frame, &entries[i]);
  command_end(&frame, 0);
  buf_free(&frames[used % 16]);
  frames[used++ % 16] = frame;
  CU_ASSERT_EQUAL_FATAL(command_parse(buf_span(&frame), &command, &err), 0);
  CU_ASSERT_EQUAL_FATAL(decide(&committer, &command, &connection, &err), 0);
  return &committer.batch.decisions[committer.batch.decision_count - 1];
}

static const struct decision *decide_one(uint8_t type, const char *key, const char *body) {
  struct command_entry entry = entry_of(body);
  return decide_entries(type, key, &entry, 1);
}

static void test_order(void) {
  set_up();
  const struct batch *b = &committer.batch;
  struct command_entry entries[2] = {entry_of("{\"a\":1}"), entry_of("{\"a\":2}")};
  const struct decision *d = decide_entries(COMMAND_ASSERT, NULL, entries, 2);
  CU_ASSERT_EQUAL(d->reply, REPLY_COMMITTED);
  CU_ASSERT_EQUAL(d->count, 2);
  decide_one(COMMAND_ASSERT, NULL, "{\"a\":3}");
  CU_ASSERT_EQUAL_FATAL(b->entry_count, 3);
  CU_ASSERT_EQUAL(batch_finish(&committer.batch, &err), 0);
  for (size_t i = 0; i < 3; i++) {
    unsigned char id[ID_SIZE];
    struct entry decoded;
    CU_ASSERT_EQUAL_FATAL(entry_decode(b->spans[i], &decoded, &err), 0);
    CU_ASSERT_EQUAL(decoded.seq, 11 + i);
    CU_ASSERT_EQUAL(decoded.time_us, 5001 + i); /* the clock, at 4000, has jumped back */
    digest_id(id, ENTRY_ASSERTION, entries[0].content, decoded.seq, decoded.time_us);
    CU_ASSERT_EQUAL(memcmp(decoded.id, id, ID_SIZE), 0);
    CU_ASSERT_EQUAL(memcmp(b->receipts[i].id, id, ID_SIZE), 0);
    CU_ASSERT_EQUAL(b->receipts[i].seq, decoded.seq);
    CU_ASSERT_EQUAL(b->entries[i].seq, decoded.seq);
  }
  tear_down();
}

static void test_clock(void) {
  set_up();
  batch_begin(&committer.batch, 10, 5000, 70000);
  decide_one(COMMAND_ASSERT, NULL, "{}");
  CU_ASSERT_EQUAL(committer.batch.receipts[0].time_us, 70000);
  tear_down();
}

static void test_key_in_batch(void) {
  set_up();
  decide_one(COMMAND_ASSERT, "k", "{\"a\":1}");
  const struct decision *d = decide_one(COMMAND_ASSERT, "k", "{\"a\":1}");
  CU_ASSERT_EQUAL(d->reply, REPLY_COMMITTED);
  CU_ASSERT_TRUE(d->replayed);
  CU_ASSERT_EQUAL(d->first_seq, 11);
  CU_ASSERT_EQUAL(d->count, 1);
  d = decide_one(COMMAND_ASSERT, "k", "{\"a\":2}");
  CU_ASSERT_EQUAL(d->reply, REPLY_REFUSED);
  CU_ASSERT_EQUAL(d->refusal, REFUSAL_KEY_REUSED);
  d = decide_one(COMMAND_ASSERT, "l", "{\"a\":1}");
  CU_ASSERT_FALSE(d->replayed);
  CU_ASSERT_EQUAL(committer.batch.entry_count, 2);
  tear_down();
}

static void test_key_stored(void) {
  static const char *const bodies[2] = {"{\"a\":1}", "{\"a\":2}"};
  unsigned char pair[2 * DIGEST_SIZE];
  struct command_entry entries[3] = {entry_of(bodies[0]), entry_of(bodies[1]), entry_of(bodies[1])};
  set_up();
  index_of.has_key = true;
  index_of.key = (struct key_record){.first_seq = 4, .last_seq = 5};
  digest_sha256(pair, span_str(bodies[0]));
  digest_sha256(pair + DIGEST_SIZE, span_str(bodies[1]));
  digest_sha256(index_of.key.content, span_of(pair, sizeof(pair)));
  const struct decision *d = decide_entries(COMMAND_ASSERT, "k", entries, 2);
  CU_ASSERT_TRUE(d->replayed);
  CU_ASSERT_EQUAL(d->first_seq, 4);
  CU_ASSERT_EQUAL(d->count, 2);
  CU_ASSERT_EQUAL(decide_entries(COMMAND_ASSERT, "k", entries, 3)->refusal, REFUSAL_KEY_REUSED);
  CU_ASSERT_EQUAL(decide_entries(COMMAND_ASSERT, "k", entries + 1, 1)->refusal, REFUSAL_KEY_REUSED);
  segment_set_disk_full(committer.segment, true); /* the first answer costs no space */
  CU_ASSERT_TRUE(decide_entries(COMMAND_ASSERT, "k", entries, 2)->replayed);
  CU_ASSERT_EQUAL(committer.batch.entry_count, 0);
  tear_down();
}

static void test_parents(void) {
  unsigned char ids[3 * ID_SIZE];
  memset(ids, 7, ID_SIZE);
  memset(ids + ID_SIZE, 8, ID_SIZE);
  memset(ids + 2 * (size_t)ID_SIZE, 9, ID_SIZE);
  set_up();
  struct command_entry entries[2] = {entry_of("{}"), entry_of("{}")};
  entries[0].derived = ids;
  entries[0].derived_count = 1;
  CU_ASSERT_EQUAL(decide_entries(COMMAND_ASSERT, NULL, entries, 2)->reply, REPLY_COMMITTED);
  entries[1].position = 1;
  entries[1].derived = ids;
  entries[1].derived_count = 3;
  const struct decision *d = decide_entries(COMMAND_ASSERT, NULL, entries, 2);
  CU_ASSERT_EQUAL(d->reply, REPLY_REFUSED);
  CU_ASSERT_EQUAL(d->refusal, REFUSAL_FIELDS);
  CU_ASSERT_EQUAL_FATAL(d->item_count, 2);
  const struct refused_item *items = committer.batch.items + d->first_item;
  CU_ASSERT_EQUAL(items[0].position, 1);
  CU_ASSERT(span_equal(items[0].pointer, span_str("/derived_from/1")));
  CU_ASSERT(span_equal(items[1].pointer, span_str("/derived_from/2")));
  CU_ASSERT_EQUAL(committer.batch.entry_count, 2);
  tear_down();
}

static void test_import(void) {
  static const unsigned char nobody[ID_SIZE];
  set_up();
  index_of.has_line = true;
  digest_sha256(index_of.line, span_str("{\"a\":0}"));
  struct command_entry entries[5] = {entry_of("{\"a\":0}"), entry_of("{\"a\":1}"), entry_of("{\"a\":1}"),
                                     entry_of("{\"a\":2}"), entry_of("{\"a\":3}")};
  for (uint32_t i = 0; i < 5; i++)
    entries[i].position = 100 + i;
  entries[3].derived = nobody;
  entries[3].derived_count = 1;
  const struct decision *d = decide_entries(COMMAND_IMPORT, "k", entries, 5);
  CU_ASSERT_EQUAL(d->reply, REPLY_IMPORTED);
  CU_ASSERT_EQUAL(d->count, 2);
  CU_ASSERT_EQUAL(d->duplicates, 2);
  CU_ASSERT_EQUAL_FATAL(d->item_count, 1);
  CU_ASSERT_EQUAL(committer.batch.items[d->first_item].position, 103);
  CU_ASSERT_EQUAL(committer.batch.entry_count, 2);
  /* Without a key everything good is stored. */
  d = decide_entries(COMMAND_IMPORT, NULL, entries, 3);
  CU_ASSERT_EQUAL(d->count, 3);
  CU_ASSERT_EQUAL(d->duplicates, 0);
  tear_down();
}

static void test_disk_full(void) {
  set_up();
  segment_set_disk_full(committer.segment, true);
  CU_ASSERT_EQUAL(decide_one(COMMAND_ASSERT, NULL, "{}")->refusal, REFUSAL_DISK_FULL);
  CU_ASSERT_EQUAL(decide_one(COMMAND_IMPORT, NULL, "{}")->refusal, REFUSAL_DISK_FULL);
  CU_ASSERT_EQUAL(committer.batch.entry_count, 0);
  tear_down();
}

static void test_append_fails(void) {
  set_up();
  decide_one(COMMAND_ASSERT, "k", "{}");
  decide_one(COMMAND_ASSERT, "k", "{}");
  decide_one(COMMAND_IMPORT, NULL, "{}");
  index_of.has_key = true;
  index_of.key = (struct key_record){.first_seq = 4, .last_seq = 4};
  digest_sha256(index_of.key.content, span_str("{}"));
  decide_one(COMMAND_ASSERT, "old", "{}");
  batch_refuse_entries(&committer.batch);
  for (size_t i = 0; i < 3; i++) {
    CU_ASSERT_EQUAL(committer.batch.decisions[i].reply, REPLY_REFUSED);
    CU_ASSERT_EQUAL(committer.batch.decisions[i].refusal, REFUSAL_DISK_FULL);
  }
  CU_ASSERT_TRUE(committer.batch.decisions[3].replayed);
  CU_ASSERT_EQUAL(committer.batch.decisions[3].reply, REPLY_COMMITTED);
  CU_ASSERT_EQUAL(committer.batch.last_seq, 10);
  CU_ASSERT_EQUAL(committer.batch.entry_count, 0);
  tear_down();
}

static void test_too_large(void) {
  set_up();
  char *text = calloc(1, ENTRY_MAX_SIZE);
  memset(text, 'x', ENTRY_MAX_SIZE - 1);
  struct command_entry entries[2] = {entry_of("{}"), entry_of(text)};
  CU_ASSERT_EQUAL(decide_entries(COMMAND_ASSERT, NULL, entries, 2)->refusal, REFUSAL_TOO_LARGE);
  CU_ASSERT_EQUAL(committer.batch.entry_count, 0);
  const struct decision *d = decide_entries(COMMAND_IMPORT, NULL, entries, 2);
  CU_ASSERT_EQUAL(d->count, 1);
  CU_ASSERT_EQUAL(d->item_count, 1);
  text[ENTRY_MAX_SIZE - ENTRY_OVERHEAD] = '\0';
  entries[1] = entry_of(text);
  CU_ASSERT_EQUAL(decide_entries(COMMAND_ASSERT, NULL, entries, 2)->reply, REPLY_COMMITTED);
  free(text);
  tear_down();
}

static void test_malformed(void) {
  struct buf frame;
  struct command command;
  struct command_entry entry = entry_of("{}");
  static const unsigned char hash[DIGEST_SIZE];
  set_up();
  for (uint32_t count = 0; count < 3; count++) { /* 1 is what it holds */
    buf_init(&frame, 4096);
    command_begin(&frame, COMMAND_IMPORT, 1, span_str(""), hash, count);
    command_put_entry(&frame, &entry);
    command_end(&frame, 0);
    CU_ASSERT_EQUAL_FATAL(command_parse(buf_span(&frame), &command, &err), 0);
    CU_ASSERT_EQUAL(decide(&committer, &command, &connection, &err), count == 1 ? 0 : ERR_INVALID);
    buf_free(&frame);
  }
  CU_ASSERT_EQUAL(committer.batch.decision_count, 1);
  CU_ASSERT_EQUAL(committer.batch.entry_count, 1);
  tear_down();
}

int main(void) {
  static const struct test_case cases[] = {
      {"entries get consecutive seqs, times that rise though the clock falls, and their ids", test_order},
      {"the time of a batch is the clock's", test_clock},
      {"a key that was used earlier in the batch is known", test_key_in_batch},
      {"a stored key gets its first answer for the same content, 409 for other", test_key_stored},
      {"an assert with a parent that does not exist stores nothing, and names each", test_parents},
      {"lines of an import are stored, known or refused one by one", test_import},
      {"a full disk refuses writes", test_disk_full},
      {"when nothing could be appended all is refused but what was stored before", test_append_fails},
      {"an entry larger than a record is refused", test_too_large},
      {"a command that holds not what it says is malformed, and nothing of it is stored", test_malformed},
  };
  return harness_run("decide", cases, HARNESS_COUNT(cases));
}
