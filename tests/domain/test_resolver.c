/* One resolver for many topics, and the watermark that spares it the settings. */
#include "domain/resolve.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/resolved_render.h"
#include "tests/domain/world.h"
#include "tests/harness/harness.h"

enum { TOPICS = 300, SOURCES = 12 };

static struct world world;

static void need(int code, const struct err *err) {
  if (!code)
    return;
  fprintf(stderr, "resolver: %s\n", err->text);
  abort();
}

/* Topics of 1 to 12 sources, one of them of many rows, and between them concepts of other predicates. */
static void fill(void) {
  world_open(&world, 16 << 20);
  for (unsigned i = 0; i < TOPICS; i++)
    for (unsigned k = 0; k < 1 + i % SOURCES + (i == 77 ? 400 : 0); k++) {
      char path[32], source[32], value[16];
      snprintf(path, sizeof(path), "t/%u", i);
      snprintf(source, sizeof(source), "s/%u", k * 5 % SOURCES);
      snprintf(value, sizeof(value), "%u", (i + k * k) % 4);
      world_assert(&world, path, i % 3 ? "p" : "q", k ? source : NULL, value, k % 2 ? "0.5" : "0.75", NULL, 10);
    }
  world_assert(&world, "s/5", "stemedb.trust", NULL, "0.125", NULL, NULL, 10);
  world_request(&world, ENTRY_RETRACTION, "{\"concept_path\":\"t/4\",\"reason\":\"r\"}");
  world_commit(&world);
}

/* What a query says of one topic: the members of `resolved` behind path and predicate, "" if there is none. */
static void ask(const struct lens *lens, const char *path, const char *predicate, uint64_t snapshot, struct buf *out) {
  struct query query = {.concept_path = span_str(path),
                        .predicate = span_str(predicate),
                        .lens = lens,
                        .limit = 1000,
                        .as_of = {.kind = MOMENT_SEQ, .seq = snapshot}};
  struct arena *arena = arena_create(16 << 20);
  struct field_errors errors;
  struct err err;
  struct buf whole;
  buf_init(&whole, 16 << 20);
  field_errors_init(&errors, arena);
  need(query_run(&world.reader, &world.mark, NULL, &query, arena, &errors, &whole, &err), &err);
  buf_add_byte(&whole, 0);
  const char *begin = strstr((const char *)whole.data, "\"resolved\":[{");
  begin = begin ? strstr(begin, "\"predicate\":\"") : NULL;
  begin = begin ? strchr(begin + strlen("\"predicate\":\""), '"') : NULL;
  const char *end = begin ? strstr(begin, "}],\"next_cursor\"") : NULL;
  buf_reset(out);
  if (end)
    buf_add(out, begin + 1, (size_t)(end - begin) - 1);
  buf_free(&whole);
  arena_free(arena);
}

static void resolve(struct resolver *resolver, const char *path, const char *predicate, struct buf *out) {
  struct resolved resolved;
  struct err err;
  buf_reset(out);
  need(resolver_topic(resolver, span_str(path), span_str(predicate), &resolved, &err), &err);
  if (resolved.found)
    resolution_render(out, resolved.candidates, &resolved.resolution);
}

static void one_resolver_answers_for_any_topics_in_any_order(void) {
  size_t lens_count = 0;
  const struct lens *lenses = lens_table(&lens_count);
  struct buf expected, got;
  unsigned wrong = 0, found = 0;
  fill();
  buf_init(&expected, 16 << 20);
  buf_init(&got, 16 << 20);
  for (size_t l = 0; l < lens_count; l++) {
    if (lenses[l].events)
      continue;
    const uint64_t snapshot = l % 2 ? world.mark.visible_seq : world.mark.visible_seq - 700;
    const struct query options = {.lens = &lenses[l]};
    struct resolver *resolver = NULL;
    struct err err;
    need(resolver_open(&world.reader, &world.mark, NULL, &options, snapshot, 0, &resolver, &err), &err);
    for (unsigned n = 0; n < TOPICS / 2; n++) {
      char path[32];
      const unsigned i = (unsigned)(n * 173 + l * 31) % (TOPICS + 20); /* some are not there */
      snprintf(path, sizeof(path), "t/%u", i);
      resolve(resolver, path, i % 3 ? "p" : "q", &got);
      ask(&lenses[l], path, i % 3 ? "p" : "q", snapshot, &expected);
      wrong += !span_equal(buf_span(&got), buf_span(&expected));
      found += expected.len > 0;
    }
    resolve(resolver, "t/1", "no such", &got);
    CU_ASSERT_EQUAL(got.len, 0);
    resolver_close(resolver);
  }
  CU_ASSERT_EQUAL(wrong, 0);
  CU_ASSERT_TRUE(found > 500);
  buf_free(&expected);
  buf_free(&got);
  world_close(&world);
}

/* Projections that are opened again, or made anew, tell the same. */
static uint64_t first_setting_after(bool rebuild) {
  struct watermark mark;
  struct err err;
  need(projection_close(world.projection, &err), &err);
  need(projection_open(&world.fixture.config, &world.fixture.log, NULL, world.store, world.count, rebuild,
                       &world.projection, &err),
       &err);
  world.reader.projection = world.projection;
  projection_watermark(world.projection, &mark);
  return mark.first_setting_seq;
}

static void the_watermark_tells_the_first_setting(void) {
  world_open(&world, 16 << 20);
  world_assert(&world, "a", "p", "s/1", "1", NULL, NULL, 10);
  world_assert(&world, "a", "stemedbx", "s/1", "1", NULL, NULL, 10);
  world_commit(&world);
  CU_ASSERT_EQUAL(world.mark.first_setting_seq, 0);
  world_assert(&world, "s/1", "stemedb.trust", NULL, "0.5", NULL, NULL, 10);
  world_commit(&world);
  CU_ASSERT_EQUAL(world.mark.first_setting_seq, 3);
  world_request(&world, ENTRY_RETRACTION, "{\"predicate\":\"stemedb.trust\",\"reason\":\"r\",\"source\":null}");
  world_assert(&world, "s/1", "stemedb.tier", NULL, "1", NULL, NULL, 10);
  world_commit(&world);
  CU_ASSERT_EQUAL(world.mark.first_setting_seq, 3);
  CU_ASSERT_EQUAL(first_setting_after(false), 3);
  CU_ASSERT_EQUAL(first_setting_after(true), 3);
  world_close(&world);
}

int main(void) {
  static const struct test_case cases[] = {
      {"one resolver answers for any topics, in any order, as queries do",
       one_resolver_answers_for_any_topics_in_any_order},
      {"the watermark tells the first setting that there ever was", the_watermark_tells_the_first_setting},
  };
  return harness_run("domain/resolver", cases, HARNESS_COUNT(cases));
}
