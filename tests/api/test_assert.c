#include <sodium.h>
#include <stdlib.h>

#include "model/entry.h"
#include "tests/api/call.h"

#define GOOD "{\"concept_path\":\"a/b\",\"predicate\":\"p\",\"value\":1}"

/* What a bad body is answered: status, and where it is wrong (a pointer, or the byte offset). */
static const struct {
  const char *body;
  int status;
  const char *where;
} bad_bodies[] = {
    /* not strict JSON */
    {"", 400, "0"},
    {"{", 400, "1"},
    {"{\"concept_path\":\"a\",\"concept_path\":\"b\"}", 400, "20"},
    {"{\"value\":NaN}", 400, "9"},
    {"{\"value\":Infinity}", 400, "9"},
    {"{\"value\":-Infinity}", 400, "10"},
    {"{\"value\":\"\\ud800\"}", 400, "10"},
    {"{\"value\":\"\\udc00\\ud800\"}", 400, "10"},
    {"{\"value\":\"\xc0\x80\"}", 400, "10"},
    {"{\"value\":\"\xed\xa0\x80\"}", 400, "10"},
    {"{\"value\":\"\xff\"}", 400, "10"},
    {"{\"value\":\"a\nb\"}", 400, "11"},
    {"{\"value\":01}", 400, "10"},
    {"{\"value\":1.}", 400, "11"},
    {"{\"value\":.5}", 400, "9"},
    {"{\"value\":+1}", 400, "9"},
    {"{\"value\":1,}", 400, "11"},
    {"{'value':1}", 400, "1"},
    {"{\"value\":1}x", 400, "11"},
    {"{\"value\":1}{\"value\":1}", 400, "11"},
    {"\xef\xbb\xbf{}", 400, "0"},
    /* the wrong type at the top */
    {"7", 400, NULL},
    {"\"a\"", 400, NULL},
    {"null", 400, NULL},
    /* fields */
    {"[]", 422, ""},
    {"{}", 422, "/concept_path"},
    {"{}", 422, "/predicate"},
    {"{}", 422, "/value"},
    {"[7]", 422, "/0"},
    {"[" GOOD ",[]]", 422, "/1"},
    {"[" GOOD "," GOOD ",{\"predicate\":\"p\",\"value\":1}]", 422, "/2/concept_path"},
    {"{\"concept_path\":\"/a\",\"predicate\":\"p\",\"value\":1}", 422, "/concept_path"},
    {"{\"concept_path\":\"a/./b\",\"predicate\":\"p\",\"value\":1}", 422, "/concept_path"},
    {"{\"concept_path\":5,\"predicate\":\"p\",\"value\":1}", 422, "/concept_path"},
    {"{\"concept_path\":\"a\",\"predicate\":\"p/q\",\"value\":1}", 422, "/predicate"},
    {"{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1,\"confidence\":1.5}", 422, "/confidence"},
    {"{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1,\"confidence\":\"high\"}", 422, "/confidence"},
    {"{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1,\"source\":\"\"}", 422, "/source"},
    {"{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1,\"derived_from\":\"x\"}", 422, "/derived_from"},
    {"{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1,\"derived_from\":[\"x\"]}", 422, "/derived_from/0"},
    {"{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1,\"observed_at\":\"now\"}", 422, "/observed_at"},
    {"{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1,\"valid_from\":\"2026-01-01T00:00:00.1234567Z\"}", 422,
     "/valid_from"},
    {"{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1,\"id\":\"x\"}", 422, "/id"},
    {"{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1,\"a/b\":1}", 422, "/a~1b"},
    {"{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":123456789012345678901234567890}", 422, "/value"},
    {"{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":18446744073709551617}", 422, "/value"},
    {"{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":[0.1234567890123456789]}", 422, "/value/0"},
    {"{\"concept_path\":\"a\",\"predicate\":\"stemedb.trust\",\"value\":2}", 422, "/value"},
};

static void open_ready(struct call *call) {
  if (sodium_init() < 0)
    abort();
  call_open(call);
  call_publish(call, 5);
  call->api.ready = true;
}

static void bad_bodies_are_refused(void) {
  struct call call;
  open_ready(&call);
  for (size_t i = 0; i < HARNESS_COUNT(bad_bodies); i++) {
    int status = call_make(&call, HTTP_POST, "/v1/assert", bad_bodies[i].body);
    const char *where = bad_bodies[i].where;
    bool there =
        !where || (status == 400 ? strcmp(call_text(&call, "/offset"), where) == 0 : call_has_error(&call, where));
    if (status != bad_bodies[i].status || !there)
      printf("# %s: %d %s\n", bad_bodies[i].body, status, call_answer(&call));
    CU_ASSERT_EQUAL(status, bad_bodies[i].status);
    CU_ASSERT_TRUE(there);
    CU_ASSERT_EQUAL(call.exchange.command.len, 0);
  }
  call_close(&call);
}

static void all_faults_come_in_one_answer(void) {
  struct call call;
  open_ready(&call);
  CU_ASSERT_EQUAL(
      call_make(&call, HTTP_POST, "/v1/assert",
                "[{\"value\":1,\"concept_path\":\"a\"},3," GOOD
                ",{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1,\"confidence\":2,\"source\":\"\"}]"),
      422);
  static const char *const pointers[] = {"/0/predicate", "/1", "/3/confidence", "/3/source"};
  for (size_t i = 0; i < HARNESS_COUNT(pointers); i++)
    CU_ASSERT_TRUE(call_has_error(&call, pointers[i]));
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/errors/4/pointer"), "");
  call_close(&call);
}

/* `count` good assertions in an array. */
static char *array_of(size_t count) {
  struct buf text;
  buf_init(&text, 1 << 20);
  for (size_t i = 0; i < count; i++)
    buf_add_str(&text, i ? "," GOOD : "[" GOOD);
  buf_add(&text, "]", 2);
  return (char *)text.data;
}

static void an_array_has_a_greatest_size(void) {
  struct call call;
  open_ready(&call);
  char *most = array_of(1000);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_POST, "/v1/assert", most), 0);
  free(most);
  char *more = array_of(1001);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_POST, "/v1/assert", more), 422);
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/errors/0/pointer"), "");
  free(more);
  call_close(&call);
}

/* The command that the last call made. */
static struct command command_of(const struct call *call) {
  struct command command = {0};
  struct err err;
  CU_ASSERT_EQUAL(command_parse(buf_span(&call->exchange.command), &command, &err), 0);
  return command;
}

static void one_becomes_a_frame_without_batch(void) {
  struct call call;
  struct command_entry entry;
  struct server_section section;
  struct err err;
  unsigned char content[DIGEST_SIZE];
  open_ready(&call);
  CU_ASSERT_EQUAL(
      call_make(&call, HTTP_POST, "/v1/assert", " {\"value\":1.0, \"predicate\":\"p\",\"concept_path\":\"a/b\"} "), 0);
  struct command command = command_of(&call);
  CU_ASSERT_EQUAL(command.type, COMMAND_ASSERT);
  CU_ASSERT_EQUAL(command.tag, 42);
  CU_ASSERT_EQUAL(command.count, 1);
  CU_ASSERT_EQUAL(command.key_scope.len, 0);
  CU_ASSERT_EQUAL(command_next_entry(&command.entries, &entry, &err), 0);
  CU_ASSERT_EQUAL(entry.kind, ENTRY_ASSERTION);
  CU_ASSERT_TRUE(span_equal(entry.body, span_str(GOOD)));
  CU_ASSERT_EQUAL(entry_parse_server(entry.server, &section, &err), 0);
  CU_ASSERT_PTR_NULL(section.batch.data);
  CU_ASSERT_FALSE(section.has_index);
  CU_ASSERT_EQUAL_FATAL(section.salt.len, SALT_SIZE);
  digest_content(content, entry.body, span_of(entry.body.data + entry.body.len - 2, 1), section.salt.data);
  CU_ASSERT_EQUAL(memcmp(content, entry.content, DIGEST_SIZE), 0);
  call_close(&call);
}

static void an_array_has_batch_index_and_salts(void) {
  struct call call;
  struct server_section sections[3];
  struct err err;
  open_ready(&call);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_POST, "/v1/assert", "[" GOOD "," GOOD "," GOOD "]"), 0);
  struct command command = command_of(&call);
  CU_ASSERT_EQUAL_FATAL(command.count, 3);
  for (uint32_t i = 0; i < 3; i++) {
    struct command_entry entry;
    CU_ASSERT_EQUAL(command_next_entry(&command.entries, &entry, &err), 0);
    CU_ASSERT_EQUAL(entry.position, i);
    CU_ASSERT_EQUAL(entry_parse_server(entry.server, &sections[i], &err), 0);
    CU_ASSERT_TRUE(sections[i].has_index && sections[i].index == i);
    CU_ASSERT_EQUAL(sections[i].batch.len, 16);
    CU_ASSERT_TRUE(span_equal(sections[i].batch, sections[0].batch));
  }
  CU_ASSERT_FALSE(span_equal(sections[0].salt, sections[1].salt));
  call_close(&call);
}

/* Makes a call with a key; its command stays in call->exchange. */
static void make_keyed(struct call *call, const char *body, const char *key) {
  struct http_request *request = call_begin(call, HTTP_POST, "/v1/assert");
  request->body = span_str(body);
  request->content_type = span_str("application/json");
  request->idempotency_key = span_str(key);
  call_run(call);
}

static void a_key_makes_scope_and_batch(void) {
  struct call call;
  struct command_entry entry;
  struct server_section section;
  struct err err;
  unsigned char hash[DIGEST_SIZE], batch[2][16];
  open_ready(&call);
  for (int i = 0; i < 2; i++) {
    make_keyed(&call, "[" GOOD "]", "the-key");
    struct command command = command_of(&call);
    CU_ASSERT_TRUE(span_equal(command.key_scope, span_of("\0assert", 7)));
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)"the-key", 7, NULL, 0);
    CU_ASSERT_EQUAL(memcmp(command.key_hash, hash, DIGEST_SIZE), 0);
    CU_ASSERT_EQUAL(command_next_entry(&command.entries, &entry, &err), 0);
    CU_ASSERT_EQUAL(entry_parse_server(entry.server, &section, &err), 0);
    CU_ASSERT_TRUE(span_equal(section.key_scope, command.key_scope));
    CU_ASSERT_TRUE(span_equal(section.key_hash, span_of(hash, DIGEST_SIZE)));
    CU_ASSERT_EQUAL_FATAL(section.batch.len, 16);
    memcpy(batch[i], section.batch.data, 16);
  }
  CU_ASSERT_EQUAL(memcmp(batch[0], batch[1], 16), 0);
  crypto_generichash(hash, sizeof(hash), (const unsigned char *)"\0assert\0the-key", 15, NULL, 0);
  CU_ASSERT_EQUAL(memcmp(batch[0], hash, 16), 0);
  make_keyed(&call, GOOD, "a key");
  CU_ASSERT_EQUAL(call.exchange.response.status, 400);
  call_close(&call);
}

/* Receipts of `count` entries from seq 6 on. */
static void reply_committed(struct call *call, uint32_t count) {
  struct commit_receipt receipts[8];
  struct buf frame;
  buf_init(&frame, 1 << 16);
  for (uint32_t i = 0; i < count; i++) {
    receipts[i] = (struct commit_receipt){.seq = 6 + i, .time_us = 1764021795123457 + i};
    memset(receipts[i].id, 0xc0 + (int)i, ID_SIZE);
  }
  reply_put_committed(&frame, 42, receipts, count);
  call_reply(call, buf_span(&frame));
  buf_free(&frame);
}

static void one_is_answered_with_its_location(void) {
  struct call call;
  open_ready(&call);
  call_make(&call, HTTP_POST, "/v1/assert",
            "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":{\"z\":1,\"a\":[true,null]},\"source\":\"s\"}");
  reply_committed(&call, 1);
  CU_ASSERT_EQUAL(call.exchange.response.status, 201);
  CU_ASSERT_TRUE(call_has_header(
      &call, "Location: /v1/assertions/c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0"));
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/id"), "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/seq"), "6");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/timestamp"), "2025-11-24T22:03:15.123457Z");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/status"), "active");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/concept_path"), "a");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/value/z"), "1");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/source"), "s");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/batch"), "");
  call_close(&call);
}

static void an_array_is_answered_with_its_batch(void) {
  struct call call;
  open_ready(&call);
  call_make(&call, HTTP_POST, "/v1/assert", "[" GOOD "," GOOD "]");
  reply_committed(&call, 2);
  CU_ASSERT_EQUAL(call.exchange.response.status, 201);
  CU_ASSERT_TRUE(call_has_header(&call, "Location: /v1/assertions?after_seq=5&limit=2"));
  CU_ASSERT_EQUAL(strlen(call_text(&call, "/batch")), 32);
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/assertions/1/seq"), "7");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/assertions/2/seq"), "");
  call_make(&call, HTTP_POST, "/v1/assert", "[" GOOD "]");
  reply_committed(&call, 1);
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/assertions/0/seq"), "6");
  call_close(&call);
}

/* Sends the body and answers that the committer refused it. */
static int refuse(struct call *call, const char *body, uint8_t refusal, const struct refused_item *items,
                  uint32_t count) {
  struct buf frame;
  buf_init(&frame, 1 << 16);
  call_make(call, HTTP_POST, "/v1/assert", body);
  reply_put_refused(&frame, 42, refusal, items, count);
  call_reply(call, buf_span(&frame));
  buf_free(&frame);
  return call->exchange.response.status;
}

static void refusals_have_their_status(void) {
  static const struct {
    uint8_t refusal;
    int status;
  } cases[] = {{REFUSAL_KEY_REUSED, 409}, {REFUSAL_DISK_FULL, 507}, {REFUSAL_STOPPING, 503}, {REFUSAL_TOO_LARGE, 413}};
  struct call call;
  open_ready(&call);
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++)
    CU_ASSERT_EQUAL(refuse(&call, GOOD, cases[i].refusal, NULL, 0), cases[i].status);
  struct refused_item item = {1, span_str("/derived_from/2"), span_str("no such assertion")};
  CU_ASSERT_EQUAL(refuse(&call, "[" GOOD "," GOOD "]", REFUSAL_FIELDS, &item, 1), 422);
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/errors/0/pointer"), "/1/derived_from/2");
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/errors/0/detail"), "no such assertion");
  item.position = 0;
  CU_ASSERT_EQUAL(refuse(&call, GOOD, REFUSAL_FIELDS, &item, 1), 422);
  CU_ASSERT_STRING_EQUAL(call_text(&call, "/errors/0/pointer"), "/derived_from/2");
  call_close(&call);
}

static void a_full_disk_refuses_at_once(void) {
  struct call call;
  open_ready(&call);
  segment_set_disk_full(call.segment, true);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_POST, "/v1/assert", GOOD), 507);
  struct http_request *request = call_begin(&call, HTTP_POST, "/v1/assert");
  request->body = span_str(GOOD);
  request->content_type = span_str("application/json");
  request->idempotency_key = span_str("perhaps-stored");
  CU_ASSERT_EQUAL(call_run(&call), HTTP_COMMAND);
  call_close(&call);
}

static void what_does_not_fit_is_too_large(void) {
  struct call call;
  struct buf body;
  open_ready(&call);
  buf_init(&body, 8 << 20);
  buf_add_str(&body, "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":[1");
  while (body.len < 2200000)
    buf_add_str(&body, ",1");
  buf_add(&body, "]}", 3);
  CU_ASSERT_EQUAL(call_make(&call, HTTP_POST, "/v1/assert", (const char *)body.data), 413);
  buf_free(&body);
  call_close(&call);
}

int main(void) {
  static const struct test_case cases[] = {
      {"each bad body is refused, and it is said where it is wrong", bad_bodies_are_refused},
      {"all that is wrong with any assertion comes in one answer", all_faults_come_in_one_answer},
      {"an array holds up to 1,000 assertions", an_array_has_a_greatest_size},
      {"one assertion becomes a frame without batch", one_becomes_a_frame_without_batch},
      {"an array's entries have batch, index and a salt each", an_array_has_batch_index_and_salts},
      {"a key makes scope and batch, and is stored as a hash only", a_key_makes_scope_and_batch},
      {"one assertion is answered with its location", one_is_answered_with_its_location},
      {"an array is answered with its batch, also of one", an_array_is_answered_with_its_batch},
      {"what the committer refuses has its status and pointers", refusals_have_their_status},
      {"a full disk refuses at once", a_full_disk_refuses_at_once},
      {"a body with too many values is too large", what_does_not_fit_is_too_large},
  };
  return harness_run("api/assert", cases, HARNESS_COUNT(cases));
}
