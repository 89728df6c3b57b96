/* A topic of many sources: what a query takes from the ballots is what it would have read, and it reads no more rows
 * than it must. A page that is larger than the number of sources is made from rows alone, so it is the measure. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/query.h"
#include "domain/walk.h"
#include "tests/domain/world.h"
#include "tests/harness/harness.h"

enum { SOURCES = 60, EACH = 20, SMALL = 7 };

static struct world world;
static unsigned state;

static void need(int code, const struct err *err) {
  if (!code)
    return;
  fprintf(stderr, "many sources: %s\n", err->text);
  abort();
}

static unsigned below(unsigned n) {
  state = state * 1103515245u + 12345u;
  return (state >> 16) % n;
}

static void say(unsigned source, unsigned value) {
  static const char *const confidences[] = {NULL, "0", "0.25", "0.5", "0.75", "1"};
  char name[32], text[160];
  snprintf(name, sizeof(name), "s/%u", source);
  snprintf(text, sizeof(text), "\"%0*u\"", value % 5 == 4 ? 90 : 1, value);
  world_assert(&world, "c", "p", source ? name : NULL, text, confidences[below(6)], NULL, 10);
}

static void fill(unsigned each) {
  world_open(&world, 16 << 20);
  world_assert(&world, "b", "p", "s/1", "1", NULL, NULL, 10);
  for (unsigned i = 0; i < SOURCES * each; i++) {
    say(i < SOURCES ? i : below(SOURCES), below(9));
    if (i % 50 == 0)
      world_commit(&world);
  }
  world_assert(&world, "c", "q", "s/1", "1", NULL, NULL, 10);
  world_assert(&world, "d", "p", "s/1", "1", NULL, NULL, 10);
  world_commit(&world);
}

static void retract(const char *selection) {
  char body[512];
  snprintf(body, sizeof(body), "{%s}", selection);
  world_request(&world, ENTRY_RETRACTION, body);
  world_commit(&world);
}

static const char *answer(struct query query, uint32_t limit, struct buf *out) {
  struct arena *arena = arena_create(64 << 20);
  struct field_errors errors;
  struct err err;
  buf_init(out, 16 << 20);
  field_errors_init(&errors, arena);
  query.limit = limit;
  need(query_run(&world.reader, &world.mark, NULL, &query, arena, &errors, out, &err), &err);
  CU_ASSERT_EQUAL_FATAL(errors.count, 0);
  buf_add_byte(out, 0);
  arena_free(arena);
  return strstr((const char *)out->data, "\"resolved\":[");
}

/* Whether a small page begins as a large one does, and believes the same. */
static bool agrees(const struct query *query) {
  struct buf small, large;
  const char *of_small = answer(*query, SMALL, &small), *of_large = answer(*query, 1000, &large);
  const char *const begin = strstr((const char *)small.data, "\"assertions\":[");
  const size_t listed = (size_t)(of_small - 2 - begin); /* without ], */
  const char *const same = strstr((const char *)large.data, "\"assertions\":[");
  const size_t len = strcspn(of_small, "]");
  bool good = strncmp(begin, same, listed) == 0 && len > 20 && strstr(of_small, "next_cursor");
  /* Topics whose first assertion is on a later page are not resolved yet. */
  const char *end = strstr(of_small, "],\"next_cursor\"");
  good = good && strncmp(of_small, of_large, (size_t)(end - of_small)) == 0;
  if (!good)
    printf("# %s, snapshot %" PRIu64 "\n# small %s\n# large %s\n", query->lens->name, query->as_of.seq,
           (const char *)small.data, of_large);
  buf_free(&small);
  buf_free(&large);
  return good;
}

static unsigned disagreements(void) {
  size_t lens_count = 0;
  unsigned wrong = 0;
  const struct lens *lenses = lens_table(&lens_count);
  const struct span excluded[] = {span_str(""), span_str("s/22"), span_str("s/5")};
  for (unsigned i = 0; i < 12; i++)
    for (size_t l = 0; l < lens_count; l++) {
      struct query query = {.concept_path = span_str("c"), .predicate = span_str("p"), .lens = &lenses[l]};
      if (lenses[l].events)
        continue;
      query.min_confidence = i % 3 == 1 ? 0.5 : 0;
      query.excluded = excluded;
      query.excluded_count = i % 4 == 3 ? 3 : 0;
      if (i % 2)
        query.as_of = (struct moment){.kind = MOMENT_SEQ, .seq = 100 + below((unsigned)world.mark.visible_seq - 100)};
      wrong += !agrees(&query);
    }
  return wrong;
}

static void small_pages_are_the_beginning_of_large_ones(void) {
  state = 7;
  fill(EACH);
  CU_ASSERT_EQUAL(disagreements(), 0);
  world_close(&world);
}

static void so_they_are_below_retractions(void) {
  state = 11;
  fill(EACH);
  retract("\"reason\":\"r\",\"source\":\"s/17\"");
  retract("\"from_seq\":900,\"reason\":\"r\",\"to_seq\":1150");
  for (unsigned i = 0; i < 60; i++)
    say(below(SOURCES), below(9));
  world_commit(&world);
  retract("\"from_seq\":1190,\"reason\":\"r\",\"to_seq\":1240");
  CU_ASSERT_EQUAL(disagreements(), 0);
  world_close(&world);
}

/* Rows that a walk looks at for the page of one. */
static uint64_t rows_read(uint64_t snapshot) {
  const struct query query = {
      .concept_path = span_str("c"), .predicate = span_str("p"), .lens = lens_find(span_str("consensus"))};
  const struct start start = {.after = false};
  struct arena *lasting = arena_create(16 << 20), *arena = arena_create(16 << 20);
  struct settings *settings = NULL;
  struct walk walk = {.query = NULL};
  struct err err;
  need(settings_open(lasting, &world.reader, &world.mark, snapshot, NULL, &settings, &err), &err);
  need(walk_open(&walk, &world.reader, settings, &query, snapshot, &start, arena, &err), &err);
  need(walk_run(&walk, &err), &err);
  CU_ASSERT_EQUAL_FATAL(walk.topic_count, 1);
  CU_ASSERT_EQUAL(walk.topics[0]->candidates.head_count, SOURCES);
  const uint64_t reads = walk.scan.reads;
  walk_close(&walk);
  settings_close(settings);
  arena_free(lasting);
  arena_free(arena);
  return reads;
}

static void what_is_read_is_told_by_the_number_of_sources(void) {
  state = 13;
  fill(EACH);
  const uint64_t now = world.mark.visible_seq;
  printf("# rows looked at: %" PRIu64 " as of now, %" PRIu64 " as of before; %d sources\n", rows_read(now),
         rows_read(now - 2 * SOURCES), SOURCES);
  /* As of now the first sources are read; as of an old moment each once, where it had said something later, too. */
  CU_ASSERT_TRUE(rows_read(now) <= 30);
  CU_ASSERT_TRUE(rows_read(now - 2 * SOURCES) <= SOURCES + 40);
  world_close(&world);
}

int main(void) {
  static const struct test_case cases[] = {
      {"small pages are the beginning of large ones, as of any moment", small_pages_are_the_beginning_of_large_ones},
      {"so they are below retractions", so_they_are_below_retractions},
      {"what is read is told by the number of sources, not of assertions",
       what_is_read_is_told_by_the_number_of_sources},
  };
  return harness_run("domain/many_sources", cases, HARNESS_COUNT(cases));
}
