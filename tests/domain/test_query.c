/* What queries refuse, where they end, and how much memory they take. */
#include "domain/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "domain/cursor.h"
#include "tests/domain/world.h"
#include "tests/harness/harness.h"

static struct world world;

/* What a query came to. */
struct outcome {
  int code;
  size_t errors;
  char pointer[40], detail[200]; /* of the first field error, or the text of the error */
  char *json;                    /* owned */
  char cursor[200];              /* next_cursor, "" for null */
  size_t memory;                 /* of the arena */
};

static void copy_span(char *out, size_t size, struct span span) {
  snprintf(out, size, "%.*s", (int)span.len, span.len ? (const char *)span.data : "");
}

static struct outcome ask_within(const struct query *q, size_t arena_max, size_t out_max) {
  static struct field_errors errors;
  struct outcome o = {.code = 0};
  struct arena *arena = arena_create(arena_max), *texts = arena_create(1 << 20);
  struct err err = {.text = ""};
  struct buf out;
  buf_init(&out, out_max);
  field_errors_init(&errors, texts);
  o.code = query_run(&world.reader, &world.mark, NULL, q, arena, &errors, &out, &err);
  o.errors = errors.count;
  copy_span(o.detail, sizeof(o.detail), span_str(err.text));
  if (o.errors) {
    copy_span(o.pointer, sizeof(o.pointer), errors.items[0].pointer);
    copy_span(o.detail, sizeof(o.detail), errors.items[0].detail);
    CU_ASSERT_EQUAL(out.len, 0);
  }
  o.json = calloc(1, out.len + 1);
  if (out.len)
    memcpy(o.json, out.data, out.len);
  const char *next = o.code ? NULL : strstr(o.json, "\"next_cursor\":\"");
  if (next)
    CU_ASSERT_EQUAL(sscanf(next, "\"next_cursor\":\"%198[^\"]\"}", o.cursor), 1);
  o.memory = arena_used(arena);
  buf_free(&out);
  arena_free(arena);
  arena_free(texts);
  return o;
}

static struct outcome ask(const struct query *q) {
  return ask_within(q, 64 << 20, 64 << 20);
}

static struct query about(const char *path, const char *lens) {
  return (struct query){.concept_path = span_str(path), .lens = lens_find(span_str(lens)), .limit = 100};
}

static void say(const char *path, const char *source, const char *value, const char *confidence) {
  world_assert(&world, path, "p", source, value, confidence, NULL, 1000);
}

/* The values of the answer's assertions, one after another. */
static void check_values(const char *json, const char *expected) {
  char found[1000] = "";
  const char *end = strstr(json, "\"resolved\":[");
  for (const char *at = json; (at = strstr(at, "\"value\":")) && at < end; at++)
    snprintf(found + strlen(found), sizeof(found) - strlen(found), "%.*s ", (int)strcspn(at + 8, "}"), at + 8);
  CU_ASSERT_STRING_EQUAL(found, expected);
}

static void test_nothing(void) {
  world_open(&world, 16 << 20);
  const struct query q = about("w", "skeptic");
  struct outcome o = ask(&q);
  CU_ASSERT_EQUAL(o.code, 0);
  CU_ASSERT_STRING_EQUAL(o.json,
                         "{\"concept_path\":\"w\",\"lens\":\"skeptic\",\"as_of\":{\"seq\":0,\"timestamp\":null},"
                         "\"history\":\"abababababababababababababababab.3-1122334455667788\","
                         "\"assertions\":[],\"resolved\":[],\"next_cursor\":null}");
  free(o.json);
  world_close(&world);
}

static uint64_t seq_of(const struct query *q) {
  uint64_t seq = UINT64_MAX;
  struct outcome o = ask(q);
  const char *at = strstr(o.json, "\"as_of\":{\"seq\":");
  CU_ASSERT_TRUE(at && sscanf(at, "\"as_of\":{\"seq\":%" SCNu64, &seq) == 1);
  free(o.json);
  return seq;
}

static void test_moments(void) {
  world_open(&world, 16 << 20);
  for (int i = 0; i < 5; i++)
    say("w", NULL, "1", NULL);
  world_commit(&world);
  struct query q = about("w", "recency");
  const int64_t first = (int64_t)world.facts[0]->time_us;
  const struct {
    struct moment moment;
    uint64_t seq;
  } table[] = {
      {{MOMENT_NOW, 0, 0}, 5},
      {{MOMENT_SEQ, 0, 0}, 0},
      {{MOMENT_SEQ, 5, 0}, 5},
      {{MOMENT_TIME, 0, first - 1}, 0},
      {{MOMENT_TIME, 0, -1}, 0},
      {{MOMENT_TIME, 0, first}, 1},
      {{MOMENT_TIME, 0, first + 999}, 1},
      {{MOMENT_TIME, 0, first + 1000}, 2},
      {{MOMENT_TIME, 0, first + 4000}, 5},
      {{MOMENT_TIME, 0, INT64_MAX}, 5},
  };
  for (size_t i = 0; i < HARNESS_COUNT(table); i++) {
    q.as_of = table[i].moment;
    CU_ASSERT_EQUAL(seq_of(&q), table[i].seq);
  }
  q.as_of = (struct moment){MOMENT_SEQ, 6, 0};
  struct outcome o = ask(&q);
  CU_ASSERT_EQUAL(o.code, 0);
  CU_ASSERT_STRING_EQUAL(o.pointer, "/as_of");
  CU_ASSERT_STRING_EQUAL(o.detail, "is above the newest seq, 5");
  free(o.json);
  world_close(&world);
}

static void refuses_cursor(const struct query *q, const char *detail) {
  struct outcome o = ask(q);
  CU_ASSERT_EQUAL(o.code, 0);
  CU_ASSERT_EQUAL(o.errors, 1);
  CU_ASSERT_STRING_EQUAL(o.pointer, "/cursor");
  CU_ASSERT_STRING_EQUAL(o.detail, detail);
  free(o.json);
}

static void test_cursors(void) {
  world_open(&world, 16 << 20);
  for (int i = 0; i < 5; i++)
    say("w", NULL, "1", NULL);
  world_commit(&world);
  struct query q = about("w", "recency");
  q.limit = 2;
  struct outcome page = ask(&q);
  q.cursor = span_str(page.cursor);
  struct query other = q;
  other.lens = lens_find(span_str("confidence"));
  refuses_cursor(&other, "belongs to another query");
  other = q;
  other.subtree = true;
  refuses_cursor(&other, "belongs to another query");
  other = q;
  other.predicate = span_str("p");
  refuses_cursor(&other, "belongs to another query");
  other = q;
  other.has_source = true;
  refuses_cursor(&other, "belongs to another query");
  other = q;
  other.min_confidence = 0.5;
  refuses_cursor(&other, "belongs to another query");
  other = q;
  other.as_of = (struct moment){MOMENT_SEQ, 5, 0};
  refuses_cursor(&other, "belongs to another query");
  other = q;
  other.cursor = span_str("x");
  refuses_cursor(&other, "is malformed");
  other.cursor = span_of("", 0);
  refuses_cursor(&other, "is malformed");
  q.limit = 100;
  struct outcome rest = ask(&q);
  CU_ASSERT_EQUAL(rest.code, 0);
  CU_ASSERT_STRING_EQUAL(rest.cursor, "");
  check_values(rest.json, "1 1 1 ");
  free(rest.json);
  world.mark.visible_seq = 4;
  refuses_cursor(&q, "is malformed");
  world.mark.branch++;
  struct outcome o = ask(&q);
  CU_ASSERT_EQUAL(o.code, ERR_CONFLICT);
  free(o.json);
  free(page.json);
  world_close(&world);
}

/* A cursor as no answer ever held it, with a good checksum. */
static void test_forged_cursors(void) {
  world_open(&world, 16 << 20);
  say("w/a", NULL, "1", NULL);
  say("v", NULL, "2", NULL);
  say("w/b", NULL, "3", NULL);
  world_commit(&world);
  struct query q = about("w", "recency");
  q.subtree = true;
  q.limit = 1;
  struct outcome page = ask(&q);
  struct cursor cursor;
  CU_ASSERT_TRUE_FATAL(cursor_decode(span_str(page.cursor), &cursor));
  const uint64_t seqs[] = {2, 4, UINT64_MAX};
  for (size_t i = 0; i < HARNESS_COUNT(seqs); i++) {
    struct buf token;
    buf_init(&token, 1000);
    cursor.last.seq = cursor.topic_seq = seqs[i];
    cursor_encode(&cursor, &token);
    q.cursor = buf_span(&token);
    refuses_cursor(&q, "is malformed");
    buf_free(&token);
  }
  free(page.json);
  world_close(&world);
}

static void test_subtree(void) {
  world_open(&world, 16 << 20);
  static const char *const order[] = {"web/grid", "web/grid/a", "web/grid/a-b", "web/grid/a/b", "web/grid/b"};
  say("web", NULL, "90", NULL);
  say("web/grid-x", NULL, "91", NULL);
  say("web/grid0", NULL, "92", NULL);
  say("web/gri", NULL, "93", NULL);
  for (int i = 4; i >= 0; i--) {
    char value[8];
    snprintf(value, sizeof(value), "%d", i);
    say(order[i], "s", value, NULL);
  }
  world_commit(&world);
  struct query q = about("web/grid", "recency");
  q.subtree = true;
  struct outcome o = ask(&q);
  check_values(o.json, "0 1 2 3 4 ");
  free(o.json);
  q.subtree = false;
  o = ask(&q);
  check_values(o.json, "0 ");
  free(o.json);
  q = about("web/grid/a", "recency");
  q.subtree = true;
  o = ask(&q);
  check_values(o.json, "1 3 ");
  free(o.json);
  world_close(&world);
}

/* More sources than settings are remembered for at once. */
static void test_many_settings(void) {
  enum { SOURCES = 500 };
  world_open(&world, 16 << 20);
  for (int i = 0; i < SOURCES; i++) {
    char source[40], trust[40], value[40];
    snprintf(source, sizeof(source), "s/%d", i);
    snprintf(trust, sizeof(trust), "0.%03d", (i * 7 % SOURCES) + 1);
    snprintf(value, sizeof(value), "%d", i * 7 % SOURCES);
    world_assert(&world, source, "stemedb.trust", i % 2 ? "t" : NULL, trust, NULL, NULL, 1);
    say("w", source, value, NULL);
  }
  world_commit(&world);
  struct query q = about("w", "authority");
  q.limit = 5;
  struct outcome o = ask(&q);
  check_values(o.json, "499 498 497 496 495 ");
  free(o.json);
  q = about("w", "skeptic");
  q.limit = 5;
  o = ask(&q);
  check_values(o.json, "499 498 497 496 495 ");
  free(o.json);
  world_close(&world);
}

static void commit_many(int count, bool one_source) {
  for (int i = 0; i < count; i++) {
    char source[40];
    snprintf(source, sizeof(source), "source/%d", one_source ? 0 : i);
    say("w", source, i % 3 ? "1" : "2", i % 2 ? "0.5" : NULL);
    if (i % 1000 == 999)
      world_commit(&world);
  }
  world_commit(&world);
}

/* Fifty thousand superseded assertions cost no more memory than a page. */
static void test_bounded_by_page(void) {
  world_open(&world, 16 << 20);
  commit_many(50000, true);
  static const char *const lenses[] = {"recency", "confidence", "authority", "consensus", "skeptic"};
  for (size_t i = 0; i < HARNESS_COUNT(lenses); i++) {
    struct query q = about("w", lenses[i]);
    struct outcome o = ask(&q);
    CU_ASSERT_EQUAL(o.code, 0);
    CU_ASSERT_TRUE(strlen(o.json) > 10000);
    CU_ASSERT_TRUE(o.memory < 200000);
    q.cursor = span_str(o.cursor);
    struct outcome next = ask(&q);
    CU_ASSERT_EQUAL(next.code, 0);
    CU_ASSERT_TRUE(next.memory < 200000);
    free(next.json);
    free(o.json);
  }
  world_close(&world);
}

static void test_too_many_sources(void) {
  world_open(&world, 16 << 20);
  commit_many(20000, false);
  struct query q = about("w", "consensus");
  struct outcome o = ask_within(&q, 1 << 20, 64 << 20);
  CU_ASSERT_EQUAL(o.code, ERR_NOMEM);
  CU_ASSERT_PTR_NOT_NULL(strstr(o.detail, "name a predicate or a source"));
  free(o.json);
  q.has_source = true;
  q.source = span_str("source/19999");
  o = ask_within(&q, 1 << 20, 64 << 20);
  CU_ASSERT_EQUAL(o.code, 0);
  check_values(o.json, "1 ");
  free(o.json);
  q.has_source = false;
  q.limit = 10;
  o = ask(&q);
  CU_ASSERT_EQUAL(o.code, 0);
  check_values(o.json, "1 1 1 1 1 1 1 1 1 1 ");
  free(o.json);
  q.limit = 1000;
  o = ask_within(&q, 64 << 20, 100000);
  CU_ASSERT_EQUAL(o.code, ERR_NOMEM);
  CU_ASSERT_PTR_NOT_NULL(strstr(o.detail, "limit"));
  free(o.json);
  world_close(&world);
}

int main(void) {
  static const struct test_case cases[] = {
      {"an empty store answers with empty arrays at seq 0", test_nothing},
      {"a moment is the newest entry up to it, and no seq above the newest", test_moments},
      {"a cursor serves its own query, branch and snapshot only, with any limit", test_cursors},
      {"a forged cursor is malformed", test_forged_cursors},
      {"a subtree is the path and what is below it, not its neighbours", test_subtree},
      {"each of many sources has its own trust", test_many_settings},
      {"memory does not grow with the assertions of a source", test_bounded_by_page},
      {"too many sources or too long an answer are refused with advice", test_too_many_sources},
  };
  return harness_run("query", cases, HARNESS_COUNT(cases));
}
