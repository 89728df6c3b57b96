#include "tests/harness/harness.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "model/entry.h"

static const char body_text[] = "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":[\"}\",{\"value\":1}]}";
static const char value_text[] = "[\"}\",{\"value\":1}]";
static const unsigned char salt[SALT_SIZE] = {1, 2, 3};

/* An assertion's record with its right id, encoded into `out`. */
static void make_record(struct buf *out, const char *body) {
  unsigned char content[DIGEST_SIZE], id[ID_SIZE];
  struct span whole = span_str(body);
  struct span value = span_of(whole.data + whole.len - 1 - strlen(value_text), strlen(value_text));
  struct server_section section = {.recorded_by = span_str("bob"), .salt = span_of(salt, SALT_SIZE)};
  struct buf server;
  buf_init(&server, 1024);
  entry_put_server(&server, &section);
  digest_content(content, whole, value, salt);
  digest_id(id, ENTRY_ASSERTION, content, 42, 1700000000000000);
  buf_init(out, ENTRY_MAX_SIZE);
  entry_encode(out, ENTRY_ASSERTION, 0, 42, 1700000000000000, id, buf_span(&server), whole);
  buf_free(&server);
}

static void fix_checksum(struct buf *record) {
  put_u32(record->data + record->len - 4, crc32c(0, record->data, record->len - 4));
}

static void test_round_trip(void) {
  struct buf record;
  struct entry entry;
  struct err err;
  make_record(&record, body_text);
  CU_ASSERT_EQUAL(entry_decode(buf_span(&record), &entry, &err), 0);
  CU_ASSERT_EQUAL(entry.seq, 42);
  CU_ASSERT_EQUAL(entry.time_us, 1700000000000000);
  CU_ASSERT(span_equal(entry.body, span_str(body_text)));
  CU_ASSERT_EQUAL(entry_verify(&entry, NULL, &err), 0);
  buf_free(&record);
}

static void test_flipped_bits(void) {
  struct buf record;
  struct entry entry;
  struct err err;
  make_record(&record, body_text);
  for (size_t bit = 0; bit < record.len * 8; bit++) {
    record.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
    CU_ASSERT_EQUAL(entry_decode(buf_span(&record), &entry, &err), ERR_CORRUPT);
    record.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
  }
  buf_free(&record);
}

static void test_cut_records(void) {
  struct buf record;
  struct entry entry;
  struct err err;
  make_record(&record, body_text);
  for (size_t len = 0; len < record.len; len++)
    CU_ASSERT_EQUAL(entry_decode(span_of(record.data, len), &entry, &err), ERR_CORRUPT);
  buf_add_byte(&record, 0);
  CU_ASSERT_EQUAL(entry_peek(buf_span(&record), &entry, &err), ERR_CORRUPT);
  CU_ASSERT_EQUAL(entry_decode(buf_span(&record), &entry, &err), ERR_CORRUPT);
  buf_free(&record);
}

/* Overwrites one byte of a record, makes its checksum right again, and expects to be refused with these words. */
static void expect_refused(size_t at, unsigned char byte, const char *words) {
  struct buf record;
  struct entry entry;
  struct err err;
  make_record(&record, body_text);
  record.data[at] = byte;
  fix_checksum(&record);
  CU_ASSERT_EQUAL(entry_decode(buf_span(&record), &entry, &err), ERR_CORRUPT);
  CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
  buf_free(&record);
}

static void test_unknown(void) {
  expect_refused(0, 'X', "STMe");
  expect_refused(4, 2, "format 2");
  expect_refused(5, 0, "kind 0");
  expect_refused(5, 6, "kind 6");
  expect_refused(6, 0x80, "flags 0x8000");
  expect_refused(7, 0x02, "flags 0x0002");
  expect_refused(61, 1, "server section");
}

static void test_wrong_content(void) {
  struct buf record;
  struct entry entry;
  struct err err;
  make_record(&record, body_text);
  size_t places[] = {12 + 7, 20 + 7, 28, record.len - 4 - 3, record.len - 4 - strlen(body_text) - 1};
  for (size_t i = 0; i < HARNESS_COUNT(places); i++) {
    record.data[places[i]] ^= 1;
    fix_checksum(&record);
    CU_ASSERT_EQUAL_FATAL(entry_decode(buf_span(&record), &entry, &err), 0);
    CU_ASSERT_EQUAL(entry_verify(&entry, NULL, &err), ERR_CORRUPT);
    record.data[places[i]] ^= 1;
  }
  buf_free(&record);
}

static void test_peek(void) {
  struct buf record;
  struct entry entry;
  struct err err;
  make_record(&record, body_text);
  record.data[record.len - 1] ^= 1;
  CU_ASSERT_EQUAL(entry_peek(buf_span(&record), &entry, &err), 0);
  CU_ASSERT_EQUAL(entry_decode(buf_span(&record), &entry, &err), ERR_CORRUPT);
  buf_free(&record);
}

static void test_sizes(void) {
  struct buf out, body;
  unsigned char id[ID_SIZE] = {0};
  struct entry entry;
  struct err err;
  buf_init(&body, ENTRY_MAX_SIZE);
  memset(buf_extend(&body, ENTRY_MAX_SIZE), 'x', ENTRY_MAX_SIZE);
  buf_init(&out, 2 * ENTRY_MAX_SIZE);
  entry_encode(&out, ENTRY_NOOP, 0, 1, 1, id, span_of("s", 0), span_of(body.data, ENTRY_MAX_SIZE - ENTRY_OVERHEAD));
  CU_ASSERT_FALSE(out.failed);
  CU_ASSERT_EQUAL(out.len, ENTRY_MAX_SIZE);
  CU_ASSERT_EQUAL(entry_decode(buf_span(&out), &entry, &err), 0);
  entry_encode(&out, ENTRY_NOOP, 0, 1, 1, id, span_of("s", 1), span_of(body.data, ENTRY_MAX_SIZE - ENTRY_OVERHEAD));
  CU_ASSERT(out.failed);
  buf_free(&out);
  buf_free(&body);
}

static void test_section_round_trip(void) {
  unsigned char bytes[32] = {9};
  struct server_section in = {.recorded_by = span_str("bob"),
                              .batch = span_of(bytes, 16),
                              .key_scope = span_of("bob\0assert", 10),
                              .key_hash = span_of(bytes, 32),
                              .salt = span_of(bytes, 16),
                              .signature = span_str("sig"),
                              .section_digest = span_of(bytes, 32),
                              .has_index = true,
                              .index = 0xfffefdfc};
  struct server_section out;
  struct buf buf;
  struct err err;
  buf_init(&buf, 1024);
  entry_put_server(&buf, &in);
  CU_ASSERT_EQUAL(entry_parse_server(buf_span(&buf), &out, &err), 0);
  CU_ASSERT(span_equal(in.recorded_by, out.recorded_by) && span_equal(in.batch, out.batch));
  CU_ASSERT(span_equal(in.key_scope, out.key_scope) && span_equal(in.key_hash, out.key_hash));
  CU_ASSERT(span_equal(in.salt, out.salt) && span_equal(in.signature, out.signature));
  CU_ASSERT(span_equal(in.section_digest, out.section_digest));
  CU_ASSERT(out.has_index && out.index == in.index);
  for (size_t len = 0; len < buf.len; len++) /* a cut on an item's end is well-formed, any other is not */
    if (entry_parse_server(span_of(buf.data, len), &out, &err) == 0)
      CU_ASSERT_FALSE(out.section_digest.data != NULL);
  buf_reset(&buf);
  entry_put_server(&buf, &(struct server_section){0});
  CU_ASSERT_EQUAL(buf.len, 0);
  CU_ASSERT_EQUAL(entry_parse_server(buf_span(&buf), &out, &err), 0);
  CU_ASSERT_PTR_NULL(out.salt.data);
  CU_ASSERT_FALSE(out.has_index);
  buf_free(&buf);
}

static int parse_section(const char *bytes, size_t len, struct server_section *out) {
  struct err err;
  return entry_parse_server(span_of(bytes, len), out, &err);
}

static void test_section_items(void) {
  struct server_section out;
  CU_ASSERT_EQUAL(parse_section("\x64\0\2ab", 5, &out), 0);          /* unknown, optional */
  CU_ASSERT_EQUAL(parse_section("\x01\0\1b\x64\0\2ab", 9, &out), 0); /* after a known one */
  CU_ASSERT(span_equal(out.recorded_by, span_str("b")));
  CU_ASSERT_EQUAL(parse_section("\x80\0\2ab", 5, &out), ERR_CORRUPT); /* unknown, mandatory */
  CU_ASSERT_EQUAL(parse_section("\xff\0\0", 3, &out), ERR_CORRUPT);
  CU_ASSERT_EQUAL(parse_section("\x01\0\1b\x01\0\1b", 8, &out), ERR_CORRUPT); /* twice */
  CU_ASSERT_EQUAL(parse_section("\x64\0\1b\x01\0\1b", 8, &out), ERR_CORRUPT); /* descending */
  CU_ASSERT_EQUAL(parse_section("\x01\0\2b", 4, &out), ERR_CORRUPT);          /* cut off */
  CU_ASSERT_EQUAL(parse_section("\x01\0", 2, &out), ERR_CORRUPT);
  CU_ASSERT_EQUAL(parse_section("\x05\0\3abc", 6, &out), ERR_CORRUPT); /* wrong length */
  CU_ASSERT_EQUAL(parse_section("\x06\0\0", 3, &out), ERR_CORRUPT);
  CU_ASSERT_EQUAL(parse_section("\x01\0\0", 3, &out), 0); /* empty, but present */
  CU_ASSERT_PTR_NOT_NULL(out.recorded_by.data);
}

static void test_incomplete_assertions(void) {
  unsigned char id[ID_SIZE] = {0}, leaf[DIGEST_SIZE];
  struct entry entry;
  struct err err;
  struct buf out;
  buf_init(&out, ENTRY_MAX_SIZE);
  entry_encode(&out, ENTRY_ASSERTION, 0, 1, 1, id, span_of("", 0), span_str(body_text));
  CU_ASSERT_EQUAL_FATAL(entry_decode(buf_span(&out), &entry, &err), 0);
  CU_ASSERT_EQUAL(entry_leaf(&entry, leaf, &err), ERR_CORRUPT);
  CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no salt"));
  buf_reset(&out);
  entry_encode(&out, ENTRY_ASSERTION, ENTRY_FLAG_ERASED, 1, 1, id, span_of("", 0), span_str(body_text));
  CU_ASSERT_EQUAL_FATAL(entry_decode(buf_span(&out), &entry, &err), 0);
  CU_ASSERT_EQUAL(entry_leaf(&entry, leaf, &err), ERR_CORRUPT);
  static const char *const bodies[] = {"",
                                       "{",
                                       "{}",
                                       "[1]",
                                       "{\"value\":",
                                       "{\"value\":1",
                                       "{\"value\"}",
                                       "{\"a\":{\"value\":1}}",
                                       "{\"a\":\"value\\\"}",
                                       "{\"a\":}",
                                       "{\"value\":1]}"};
  for (size_t i = 0; i < HARNESS_COUNT(bodies); i++) {
    buf_reset(&out);
    entry_encode(&out, ENTRY_ASSERTION, 0, 1, 1, id,
                 span_of("\x06\0\x10"
                         "0123456789abcdef",
                         19),
                 span_str(bodies[i]));
    CU_ASSERT_EQUAL_FATAL(entry_decode(buf_span(&out), &entry, &err), 0);
    CU_ASSERT_EQUAL(entry_leaf(&entry, leaf, &err), ERR_CORRUPT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no body"));
  }
  buf_free(&out);
}

int main(void) {
  static const struct test_case cases[] = {
      {"a record comes back as it was encoded", test_round_trip},
      {"every flipped bit of a record is found", test_flipped_bits},
      {"a record cut at any byte or too long is refused", test_cut_records},
      {"unknown magic, format, kind and flags refuse the record", test_unknown},
      {"content, seq, time and salt that do not match the id are found", test_wrong_content},
      {"peek trusts the checksum, decode does not", test_peek},
      {"a record may be as large as the limit and no larger", test_sizes},
      {"a server section comes back as it was written", test_section_round_trip},
      {"unknown items are skipped, mandatory and misplaced ones refused", test_section_items},
      {"an assertion without salt or body has no leaf", test_incomplete_assertions},
  };
  return harness_run("entry", cases, HARNESS_COUNT(cases));
}
