#include <stdlib.h>

#include "model/timeline.h"
#include "projection/snapshot.h"
#include "tests/api/fake_stream.h"
#include "tests/api/live.h"

#define ASSERTION(path, value) "{\"concept_path\":\"" path "\",\"predicate\":\"p\",\"value\":" value "}"
#define NO_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static bool is(const struct live *live, const char *pointer, const char *expected) {
  const char *text = call_text(&live->call, pointer);
  if (strcmp(text, expected) != 0)
    printf("# %s is %s, not %s\n", pointer, text, expected);
  return strcmp(text, expected) == 0;
}

/* Stores `count` assertions with the values 1 to count, one by one. */
static void grow(struct live *live, int count) {
  for (int i = 1; i <= count; i++) {
    char body[128];
    snprintf(body, sizeof(body), ASSERTION("a/b", "%d"), i);
    CU_ASSERT_EQUAL(live_make(live, HTTP_POST, "/v1/assert", body, NULL), 201);
  }
}

static void what_is_asserted_is_found_by_id(void) {
  struct live live;
  char target[128], first[1024];
  live_open(&live);
  CU_ASSERT_EQUAL(live_make(&live, HTTP_POST, "/v1/assert", ASSERTION("a/b", "[1,2]"), NULL), 201);
  snprintf(first, sizeof(first), "%s", call_answer(&live.call));
  snprintf(target, sizeof(target), "/v1/assertions/%s", call_text(&live.call, "/id"));
  CU_ASSERT_STRING_EQUAL(live_get(&live, target), first);
  CU_ASSERT_EQUAL(live_make(&live, HTTP_HEAD, target, NULL, NULL), 200);
  target[strlen("/v1/assertions/")] = 'A';
  CU_ASSERT_EQUAL(live_make(&live, HTTP_GET, target, NULL, NULL), 404);
  CU_ASSERT_EQUAL(live_make(&live, HTTP_GET, "/v1/assertions/" NO_ID, NULL, NULL), 404);
  CU_ASSERT_EQUAL(live_make(&live, HTTP_GET, "/v1/assertions/1", NULL, NULL), 404);
  CU_ASSERT_EQUAL(live_make(&live, HTTP_GET, "/v1/assertions/" NO_ID "?x=1", NULL, NULL), 422);
  live_close(&live);
}

static void what_is_not_visible_is_not_found(void) {
  struct live live;
  char target[128];
  live_open(&live);
  grow(&live, 2);
  snprintf(target, sizeof(target), "/v1/assertions/%s", call_text(&live.call, "/id"));
  struct watermark mark;
  segment_watermark(live.call.segment, &mark);
  mark.visible_seq = 1;
  segment_publish(live.call.segment, &mark);
  CU_ASSERT_EQUAL(live_make(&live, HTTP_GET, target, NULL, NULL), 404);
  live_get(&live, "/v1/assertions");
  CU_ASSERT_TRUE(is(&live, "/entries/0/seq", "1"));
  CU_ASSERT_TRUE(is(&live, "/entries/1", ""));
  CU_ASSERT_TRUE(is(&live, "/last_seq", "1"));
  CU_ASSERT_EQUAL(live_make(&live, HTTP_GET, "/v1/history?seq=2", NULL, NULL), 422);
  live_close(&live);
}

static void a_key_answers_as_the_first_time(void) {
  static const char *const bodies[] = {ASSERTION("a", "1"), "[" ASSERTION("a", "1") "," ASSERTION("b", "2") "]",
                                       "[" ASSERTION("c", "3") "]"};
  struct live live;
  live_open(&live);
  for (size_t i = 0; i < HARNESS_COUNT(bodies); i++) {
    char first[2048], location[128], key[] = {'k', (char)('0' + i), '\0'};
    CU_ASSERT_EQUAL(live_make(&live, HTTP_POST, "/v1/assert", bodies[i], key), 201);
    snprintf(first, sizeof(first), "%s", call_answer(&live.call));
    const struct buf *headers = &live.call.exchange.response.headers;
    snprintf(location, sizeof(location), "%.*s", (int)headers->len - 2, (const char *)headers->data);
    grow(&live, 1);
    CU_ASSERT_EQUAL(live_make(&live, HTTP_POST, "/v1/assert", bodies[i], key), 200);
    CU_ASSERT_STRING_EQUAL(call_answer(&live.call), first);
    CU_ASSERT_TRUE(call_has_header(&live.call, location));
    CU_ASSERT_EQUAL(live_make(&live, HTTP_POST, "/v1/assert", ASSERTION("a", "2"), key), 409);
  }
  live_get(&live, "/v1/health");
  CU_ASSERT_TRUE(is(&live, "/assertion_count", "7"));
  live_close(&live);
}

static void derived_from_must_exist(void) {
  struct live live;
  char body[512];
  live_open(&live);
  grow(&live, 1);
  snprintf(
      body, sizeof(body),
      "[" ASSERTION("a", "1") ",{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":1,\"derived_from\":[\"%s\"]}]",
      call_text(&live.call, "/id"));
  CU_ASSERT_EQUAL(live_make(&live, HTTP_POST, "/v1/assert", body, NULL), 201);
  memset(strstr(body, "from\":[\"") + 8, 'e', 4);
  CU_ASSERT_EQUAL(live_make(&live, HTTP_POST, "/v1/assert", body, NULL), 422);
  CU_ASSERT_TRUE(call_has_error(&live.call, "/1/derived_from"));
  live_get(&live, "/v1/health");
  CU_ASSERT_TRUE(is(&live, "/last_seq", "3"));
  live_close(&live);
}

static void the_feed_is_walked_in_pages(void) {
  struct live live;
  uint64_t after = 0;
  live_open(&live);
  live_get(&live, "/v1/assertions");
  CU_ASSERT_TRUE(is(&live, "/entries", "[ ]"));
  CU_ASSERT_TRUE(is(&live, "/next_after_seq", "0"));
  grow(&live, 10);
  for (int page = 0; page < 4; page++) {
    char target[64], expected[16];
    snprintf(target, sizeof(target), "/v1/assertions?after_seq=%llu&limit=3", (unsigned long long)after);
    live_get(&live, target);
    snprintf(expected, sizeof(expected), "%llu", (unsigned long long)after + 1);
    CU_ASSERT_TRUE(is(&live, "/entries/0/seq", expected));
    CU_ASSERT_TRUE(is(&live, "/entries/0/value", expected));
    CU_ASSERT_TRUE(is(&live, "/entries/0/kind", "assertion"));
    CU_ASSERT_TRUE(is(&live, "/last_seq", "10"));
    CU_ASSERT_TRUE(is(&live, "/entries/3", ""));
    after = strtoull(call_text(&live.call, "/next_after_seq"), NULL, 10);
  }
  CU_ASSERT_EQUAL(after, 10);
  live_get(&live, "/v1/assertions?after_seq=10");
  CU_ASSERT_TRUE(is(&live, "/entries", "[ ]"));
  CU_ASSERT_TRUE(is(&live, "/next_after_seq", "10"));
  static const char *const bad[] = {"limit=0", "limit=1001", "after_seq=-1", "after_seq=x", "history=x", "nonsense="};
  for (size_t i = 0; i < HARNESS_COUNT(bad); i++) {
    char target[64];
    snprintf(target, sizeof(target), "/v1/assertions?%s", bad[i]);
    CU_ASSERT_EQUAL(live_make(&live, HTTP_GET, target, NULL, NULL), 422);
  }
  live_close(&live);
}

static void a_page_of_large_values_ends_early(void) {
  struct live live;
  struct buf body;
  live_open(&live);
  buf_init(&body, 8 << 20);
  for (int i = 0; i < 80; i++) {
    buf_add_str(&body, i ? "," : "[");
    buf_add_str(&body, "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":\"");
    memset(buf_extend(&body, 65000), 'x', 65000);
    buf_add_str(&body, "\"}");
  }
  buf_add(&body, "]", 2);
  CU_ASSERT_EQUAL(live_make(&live, HTTP_POST, "/v1/assert", (const char *)body.data, NULL), 201);
  live_get(&live, "/v1/assertions");
  CU_ASSERT_TRUE(is(&live, "/entries/65", ""));
  CU_ASSERT_TRUE(is(&live, "/next_after_seq", "65"));
  buf_free(&body);
  live_close(&live);
}

/* Streams the feed; the lines are in fake->out. */
static int stream(struct live *live, struct fake_stream *fake, enum http_method method, const char *target) {
  fake_open(fake, span_str(""), 0);
  call_begin(&live->call, method, target)->accept = span_str("application/x-ndjson");
  return fake_run(fake, &live->call);
}

static size_t count_lines(const struct buf *text) {
  size_t lines = 0;
  for (size_t i = 0; i < text->len; i++)
    lines += text->data[i] == '\n';
  return lines;
}

static void the_feed_streams_all_of_it(void) {
  struct live live;
  struct fake_stream fake;
  live_open(&live);
  grow(&live, 12);
  CU_ASSERT_EQUAL(stream(&live, &fake, HTTP_GET, "/v1/assertions"), 200);
  CU_ASSERT_STRING_EQUAL(fake.begun.content_type, "application/x-ndjson");
  CU_ASSERT_EQUAL(count_lines(&fake.out), 12);
  CU_ASSERT_FALSE(fake.face.broken);
  buf_add_byte(&fake.headers, '\0');
  CU_ASSERT_PTR_NOT_NULL(strstr((const char *)fake.headers.data, "Stemedb-Last-Seq: 12\r\n"));
  fake_close(&fake);
  CU_ASSERT_EQUAL(stream(&live, &fake, HTTP_GET, "/v1/assertions?after_seq=3&limit=5"), 200);
  CU_ASSERT_EQUAL(count_lines(&fake.out), 5);
  buf_add_byte(&fake.out, '\0');
  CU_ASSERT_PTR_NOT_NULL(strstr((const char *)fake.out.data, "\"seq\":4,"));
  fake_close(&fake);
  CU_ASSERT_EQUAL(stream(&live, &fake, HTTP_GET, "/v1/assertions?after_seq=99"), 200);
  CU_ASSERT_EQUAL(fake.out.len, 0);
  fake_close(&fake);
  CU_ASSERT_EQUAL(stream(&live, &fake, HTTP_HEAD, "/v1/assertions"), 200);
  CU_ASSERT_EQUAL(fake.out.len, 0);
  fake_close(&fake);
  CU_ASSERT_EQUAL(stream(&live, &fake, HTTP_GET, "/v1/assertions?limit=0"), 422);
  CU_ASSERT_TRUE(call_has_error(&live.call, "/limit"));
  fake_close(&fake);
  live_close(&live);
}

static int no_more(struct http_stream *face, const void *data, size_t size, struct err *err) {
  (void)face, (void)data, (void)size;
  return err_set(err, ERR_IO, "the client is gone");
}

static void a_stream_that_breaks_says_so(void) {
  struct live live;
  struct fake_stream fake;
  live_open(&live);
  grow(&live, 3);
  fake_open(&fake, span_str(""), 0);
  fake.face.write = no_more;
  call_begin(&live.call, HTTP_GET, "/v1/assertions")->accept = span_str("application/x-ndjson");
  CU_ASSERT_EQUAL(fake_run(&fake, &live.call), 200);
  CU_ASSERT_TRUE(fake.face.broken);
  fake_close(&fake);
  live_close(&live);
}

/* The history by name, as health tells it. */
static void history_of(struct live *live, char out[HISTORY_NAME_SIZE]) {
  live_get(live, "/v1/health");
  snprintf(out, HISTORY_NAME_SIZE, "%s", call_text(&live->call, "/history"));
}

/* Opens another timeline that keeps entries up to `seq` (the entries after it stay, as if written again). */
static void branch(struct live *live, uint64_t seq) {
  struct history_meta meta;
  struct watermark mark;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(history_meta_read(live->store, &meta, &err), 0);
  CU_ASSERT_EQUAL_FATAL(history_meta_branch(&meta, seq, 0, &err), 0);
  CU_ASSERT_EQUAL_FATAL(history_meta_write(live->store, &meta, &err), 0);
  segment_watermark(live->call.segment, &mark);
  mark.timeline = history_meta_current(&meta)->number;
  mark.branch = history_meta_current(&meta)->branch;
  segment_publish(live->call.segment, &mark);
  history_meta_free(&meta);
}

static void a_consumer_of_an_abandoned_branch_is_told(void) {
  static const uint64_t branches[] = {4, 2, 3};
  static const char *const shared[] = {"2", "2", "3"};
  struct live live;
  char names[4][HISTORY_NAME_SIZE], target[512];
  live_open(&live);
  grow(&live, 5);
  for (int i = 0; i < 4; i++) {
    if (i > 0)
      branch(&live, branches[i - 1]);
    history_of(&live, names[i]);
  }
  snprintf(target, sizeof(target), "/v1/assertions?history=%s", names[3]);
  live_get(&live, target);
  for (int i = 0; i < 3; i++) {
    struct fake_stream fake;
    snprintf(target, sizeof(target), "/v1/assertions?after_seq=5&history=%s", names[i]);
    CU_ASSERT_EQUAL(live_make(&live, HTTP_GET, target, NULL, NULL), 409);
    CU_ASSERT_TRUE(is(&live, "/branched_at_seq", shared[i]));
    CU_ASSERT_TRUE(is(&live, "/history", names[3]));
    CU_ASSERT_EQUAL(stream(&live, &fake, HTTP_GET, target), 409);
    CU_ASSERT_STRING_EQUAL(fake.begun.content_type, "application/problem+json");
    fake_close(&fake);
  }
  char *end = names[0] + strlen(names[0]) - 1;
  *end = *end == '0' ? '1' : '0';
  snprintf(target, sizeof(target), "/v1/assertions?history=%s", names[0]);
  CU_ASSERT_EQUAL(live_make(&live, HTTP_GET, target, NULL, NULL), 409);
  CU_ASSERT_TRUE(is(&live, "/branched_at_seq", "0"));
  names[1][0] = names[1][0] == '0' ? '1' : '0';
  snprintf(target, sizeof(target), "/v1/assertions?history=%s", names[1]);
  CU_ASSERT_EQUAL(live_make(&live, HTTP_GET, target, NULL, NULL), 409);
  CU_ASSERT_TRUE(is(&live, "/branched_at_seq", "0"));
  live_close(&live);
}

static void the_history_of_each_seq_is_what_it_was(void) {
  struct live live;
  char roots[6][80], times[6][40];
  live_open(&live);
  for (int seq = 0; seq <= 5; seq++) {
    if (seq > 0)
      grow(&live, 1);
    live_get(&live, "/v1/history");
    snprintf(roots[seq], sizeof(roots[0]), "%s", call_text(&live.call, "/history_root"));
    snprintf(times[seq], sizeof(times[0]), "%s", call_text(&live.call, "/timestamp"));
  }
  for (int seq = 0; seq <= 5; seq++) {
    char target[64], number[8];
    snprintf(target, sizeof(target), "/v1/history?seq=%d", seq);
    snprintf(number, sizeof(number), "%d", seq);
    live_get(&live, target);
    CU_ASSERT_TRUE(is(&live, "/seq", number));
    CU_ASSERT_TRUE(is(&live, "/assertion_count", number));
    CU_ASSERT_TRUE(is(&live, "/history_root", roots[seq]));
    CU_ASSERT_TRUE(is(&live, "/timestamp", times[seq]));
  }
  CU_ASSERT_STRING_EQUAL(times[0], "null");
  CU_ASSERT_STRING_EQUAL(roots[0], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CU_ASSERT_EQUAL(live_make(&live, HTTP_GET, "/v1/history?seq=6", NULL, NULL), 422);
  CU_ASSERT_TRUE(call_has_error(&live.call, "/seq"));
  live_close(&live);
}

static void a_query_is_the_same_by_get_and_post(void) {
  struct live live;
  char posted[4096];
  live_open(&live);
  grow(&live, 4);
  CU_ASSERT_EQUAL(live_make(&live, HTTP_POST, "/v1/query",
                            "{\"concept_path\":\"a/b\",\"lens\":\"skeptic\",\"as_of\":3,\"limit\":2,\"source\":null}",
                            NULL),
                  200);
  CU_ASSERT_TRUE(is(&live, "/as_of/seq", "3"));
  CU_ASSERT_TRUE(is(&live, "/lens", "skeptic"));
  CU_ASSERT_TRUE(is(&live, "/assertions/0/value", "3"));
  CU_ASSERT_TRUE(is(&live, "/assertions/2", ""));
  snprintf(posted, sizeof(posted), "%s", call_answer(&live.call));
  CU_ASSERT_STRING_EQUAL(live_get(&live, "/v1/query?concept_path=a%2Fb&lens=skeptic&as_of=3&limit=2&source="), posted);
  CU_ASSERT_EQUAL(live_make(&live, HTTP_GET, "/v1/query?concept_path=a/b&as_of=5", NULL, NULL), 422);
  CU_ASSERT_TRUE(call_has_error(&live.call, "/as_of"));
  CU_ASSERT_EQUAL(live_make(&live, HTTP_GET, "/v1/query?concept_path=a/b&cursor=nonsense", NULL, NULL), 422);
  CU_ASSERT_TRUE(call_has_error(&live.call, "/cursor"));
  live_get(&live, "/v1/query?concept_path=nothing/here&as_of=2020-01-01T00:00:00%2B02:00");
  CU_ASSERT_TRUE(is(&live, "/assertions", "[ ]"));
  CU_ASSERT_TRUE(is(&live, "/as_of/seq", "0"));
  live_close(&live);
}

static void a_cursor_leads_through_all_pages(void) {
  struct live live;
  char cursor[512] = "";
  int seen = 0;
  live_open(&live);
  grow(&live, 7);
  do {
    char target[640];
    snprintf(target, sizeof(target), "/v1/query?concept_path=a/b&limit=3%s%s", cursor[0] ? "&cursor=" : "", cursor);
    live_get(&live, target);
    for (int i = 0; i < 3; i++) {
      char pointer[32], expected[16];
      snprintf(pointer, sizeof(pointer), "/assertions/%d/value", i);
      snprintf(expected, sizeof(expected), "%d", 7 - seen);
      if (seen < 7)
        CU_ASSERT_TRUE(is(&live, pointer, expected));
      seen += call_text(&live.call, pointer)[0] != '\0';
    }
    snprintf(cursor, sizeof(cursor), "%s", call_text(&live.call, "/next_cursor"));
  } while (strcmp(cursor, "null") != 0 && seen < 20);
  CU_ASSERT_EQUAL(seen, 7);
  live_close(&live);
}

static void an_import_is_resumed_by_its_key(void) {
  struct live live;
  char batch[40] = "";
  live_open(&live);
  live.call.config.import_chunk_lines = 2;
  for (int round = 0; round < 2; round++) {
    struct fake_stream fake;
    fake_open(
        &fake,
        span_str(ASSERTION("a", "1") "\n" ASSERTION("a", "2") "\n" ASSERTION("a", "3") "\n" ASSERTION("a", "4") "\n"),
        0);
    fake.execute = live_execute;
    fake.context = &live;
    fake.lose_reply = round == 0 ? 2 : 0;
    struct http_request *request = call_begin(&live.call, HTTP_POST, "/v1/import");
    request->content_type = span_str("application/x-ndjson");
    request->idempotency_key = span_str("the-import");
    CU_ASSERT_EQUAL(fake_run(&fake, &live.call), round == 0 ? 503 : 200);
    CU_ASSERT_TRUE(is(&live, "/accepted", "2"));
    CU_ASSERT_TRUE(is(&live, "/duplicates", round == 0 ? "0" : "2"));
    if (round == 0)
      snprintf(batch, sizeof(batch), "%s", call_text(&live.call, "/batch"));
    CU_ASSERT_TRUE(is(&live, "/batch", batch));
    fake_close(&fake);
  }
  live_get(&live, "/v1/assertions?after_seq=3");
  CU_ASSERT_TRUE(is(&live, "/entries/0/value", "4"));
  CU_ASSERT_TRUE(is(&live, "/entries/0/index", "4"));
  CU_ASSERT_TRUE(is(&live, "/entries/0/batch", batch));
  live_close(&live);
}

int main(void) {
  static const struct test_case cases[] = {
      {"what is asserted is found by its id, others are not", what_is_asserted_is_found_by_id},
      {"what is above the watermark is not there", what_is_not_visible_is_not_found},
      {"a key that is sent again answers as the first time", a_key_answers_as_the_first_time},
      {"derived_from names what exists, or nothing is stored", derived_from_must_exist},
      {"the feed is walked in pages", the_feed_is_walked_in_pages},
      {"a page of large values ends early", a_page_of_large_values_ends_early},
      {"the feed streams all of it, or a part", the_feed_streams_all_of_it},
      {"a stream that cannot be finished is broken off", a_stream_that_breaks_says_so},
      {"a consumer of an abandoned branch is told where it left", a_consumer_of_an_abandoned_branch_is_told},
      {"count, time and root of each seq are what they were", the_history_of_each_seq_is_what_it_was},
      {"a query is the same by GET and by POST", a_query_is_the_same_by_get_and_post},
      {"a cursor leads through all pages", a_cursor_leads_through_all_pages},
      {"an import is resumed by its key", an_import_is_resumed_by_its_key},
  };
  return harness_run("api/live", cases, HARNESS_COUNT(cases));
}
