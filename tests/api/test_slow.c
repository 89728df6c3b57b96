/* What is too much for the event loop is answered the same by a streaming thread; what is too much for that is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/query.h"
#include "tests/api/fake_stream.h"
#include "tests/api/live.h"

#define FAULTS "api.query.rows=fail@1,domain.why.full=fail+@8"

enum { ASSERTIONS = 11000, AT_ONCE = 1000, CHILDREN = 10 };

/* Three sources who take turns about one concept. */
static void fill(struct live *live) {
  char *body = malloc((size_t)AT_ONCE * 128);
  if (!body)
    abort();
  for (int done = 0; done < ASSERTIONS; done += AT_ONCE) {
    size_t len = 0;
    for (int i = done; i < done + AT_ONCE; i++)
      len += (size_t)snprintf(body + len, 128,
                              "%s{\"concept_path\":\"a/b\",\"predicate\":\"p\",\"value\":%d,\"confidence\":0.%d,"
                              "\"source\":\"s/%d\"}",
                              i == done ? "[" : ",", i % 7, 1 + i * 31 % 8, i % 3);
    memcpy(body + len, "]", 2);
    CU_ASSERT_EQUAL_FATAL(live_make(live, HTTP_POST, "/v1/assert", body, NULL), 201);
  }
  free(body);
}

/* Asks as the worker does: on the loop, and, if that says so, on a thread. */
static int ask(struct live *live, const char *target, bool *slow, struct buf *out) {
  struct call *call = &live->call;
  struct fake_stream fake;
  call_begin(call, HTTP_GET, target);
  *slow = call_run(call) == HTTP_SLOW;
  buf_reset(out);
  if (!*slow) {
    buf_add_span(out, buf_span(&call->exchange.response.body));
    return call->exchange.response.status;
  }
  CU_ASSERT_EQUAL(call->exchange.response.body.len, 0);
  CU_ASSERT_EQUAL(call->exchange.response.headers.len, 0);
  fake_open(&fake, (struct span){NULL, 0}, 0);
  call->exchange.route->stream(&call->api, &call->exchange, &fake.face);
  buf_add_span(out, buf_span(&fake.out));
  const int status = fake.begun.status;
  CU_ASSERT_EQUAL(fake.begins, 1);
  CU_ASSERT_FALSE(fake.face.broken);
  fake_close(&fake);
  return status;
}

/* The same answer without any bound. */
static void expect(struct live *live, const struct query *query, struct buf *out) {
  struct arena *arena = arena_create(64 << 20);
  struct field_errors errors;
  struct watermark mark;
  struct err err;
  field_errors_init(&errors, arena);
  segment_watermark(live->call.segment, &mark);
  buf_reset(out);
  CU_ASSERT_EQUAL_FATAL(query_run(&live->call.api.reader, &mark, NULL, query, arena, &errors, out, &err), 0);
  buf_add_byte(out, '\n');
  arena_free(arena);
}

static void a_thread_answers_as_the_loop_would(void) {
  static const struct {
    const char *lens, *more;
    bool slow;
  } cases[] = {{"confidence", "", true},
               {"authority", "&as_of=10500", true},
               {"recency", "", false},
               {"confidence", "&as_of=9000", false},
               {"confidence", "&min_confidence=0.75", true}};
  struct live live;
  struct buf got, expected;
  live_open(&live);
  fill(&live);
  buf_init(&got, 16 << 20);
  buf_init(&expected, 16 << 20);
  for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
    char target[200];
    bool slow = false;
    snprintf(target, sizeof(target), "/v1/query?concept_path=a/b&limit=50&lens=%s%s", cases[i].lens, cases[i].more);
    struct query query = {.concept_path = span_str("a/b"), .limit = 50, .lens = lens_find(span_str(cases[i].lens))};
    if (strncmp(cases[i].more, "&as_of=", 7) == 0)
      query.as_of = (struct moment){.kind = MOMENT_SEQ, .seq = strtoull(cases[i].more + 7, NULL, 10)};
    else if (cases[i].more[0])
      query.min_confidence = 0.75;
    CU_ASSERT_EQUAL(ask(&live, target, &slow, &got), 200);
    CU_ASSERT_EQUAL(slow, cases[i].slow);
    expect(&live, &query, &expected);
    CU_ASSERT_TRUE(span_equal(buf_span(&got), buf_span(&expected)));
    CU_ASSERT_TRUE(got.len > 5000);
  }
#ifdef STEMEDB_FAULTS_ENABLED
  bool slow = false;
  setenv("STEMEDB_FAULTS", FAULTS, 1);
  CU_ASSERT_EQUAL(ask(&live, "/v1/query?concept_path=a/b&lens=confidence", &slow, &got), 422);
  CU_ASSERT_TRUE(slow);
  buf_add_byte(&got, 0);
  CU_ASSERT_PTR_NOT_NULL(strstr((const char *)got.data, "more than 10000 assertions would have to be read"));
  unsetenv("STEMEDB_FAULTS");
#endif
  buf_free(&got);
  buf_free(&expected);
  live_close(&live);
}

#ifdef STEMEDB_FAULTS_ENABLED
static void a_walk_that_is_cut_off_says_so(void) {
  struct live live;
  char body[256], target[160], id[80];
  live_open(&live);
  CU_ASSERT_EQUAL(
      live_make(&live, HTTP_POST, "/v1/assert", "{\"concept_path\":\"a\",\"predicate\":\"p\",\"value\":0}", NULL), 201);
  snprintf(id, sizeof(id), "%s", call_text(&live.call, "/id"));
  for (int i = 0; i < CHILDREN; i++) {
    snprintf(body, sizeof(body), "{\"concept_path\":\"b\",\"predicate\":\"p\",\"value\":%d,\"derived_from\":[\"%s\"]}",
             i, id);
    CU_ASSERT_EQUAL(live_make(&live, HTTP_POST, "/v1/assert", body, NULL), 201);
  }
  snprintf(target, sizeof(target), "/v1/why/%s?direction=supports", id);
  live_get(&live, target);
  CU_ASSERT_STRING_EQUAL(call_text(&live.call, "/truncated"), "false");
  CU_ASSERT_STRING_EQUAL(call_text(&live.call, "/supports/9/assertion/seq"), "11");
  setenv("STEMEDB_FAULTS", FAULTS, 1);
  live_get(&live, target);
  CU_ASSERT_STRING_EQUAL(call_text(&live.call, "/truncated"), "true");
  CU_ASSERT_STRING_EQUAL(call_text(&live.call, "/supports/6/assertion/seq"), "8");
  CU_ASSERT_STRING_EQUAL(call_text(&live.call, "/supports/7"), "");
  unsetenv("STEMEDB_FAULTS");
  live_close(&live);
}
#endif

int main(void) {
  static const struct test_case cases[] = {
      {"a thread answers as the loop would, and refuses what reads too much", a_thread_answers_as_the_loop_would},
#ifdef STEMEDB_FAULTS_ENABLED
      {"a walk over what is derived that is cut off says so", a_walk_that_is_cut_off_says_so},
#endif
  };
  return harness_run("api/slow", cases, HARNESS_COUNT(cases));
}
