/* Random histories and random queries: every page of every answer must be, byte for byte, what the naive model says.
 * STEMEDB_SEED=N begins with another seed, STEMEDB_ROUNDS=N (at most 60) goes on longer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/domain/naive.h"
#include "tests/domain/world.h"
#include "tests/harness/harness.h"

static const char *const paths[] = {"w",         "w/g",         "w/g-x",       "w/g/a",       "w/g/a/b",
                                    "w/g/\"q\"", "w/g\xc3\xa9", "source/zero", "source/half", "wg"};
static const char *const predicates[] = {"p", "p q", "\xc3\xa9", "q", "stemedb.trust"};
static const char *const sources[] = {NULL,          "source/zero", "source/half", "source/a", "source/b",
                                      "source/a\\c", "s",           "source/d",    "source/e", "source/f"};
static const char *const values[] = {"1", "\"1\"", "null", "{\"a\":[1,2]}", "\"two\"", "true", NULL};
static const char *const confidences[] = {NULL, "0", "0.1", "0.2", "0.3", "0.5", "0.85", "5e-10", "1"};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* The shape of a history: how many of each list it draws from. */
struct shape {
  unsigned paths, predicates, sources, values, confidences;
  uint64_t seed;
};

static uint64_t state;
static struct settings_cache *cache; /* of the history that is being asked */

static unsigned below(unsigned n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (unsigned)(state >> 11) % n;
}

static const char *big_value(void) {
  static char text[3000];
  memset(text, 'v', sizeof(text));
  text[0] = '"';
  const unsigned len = 900 + below(2000);
  text[len] = '"';
  text[len + 1] = '\0';
  return text;
}

static void add_random(struct world *world, const struct shape *shape) {
  const char *value = values[below(shape->values)];
  const char *path = paths[below(shape->paths)], *predicate = predicates[below(shape->predicates)];
  if (below(15) == 0) {
    predicate = "stemedb.trust";
    path = sources[1 + below(COUNT(sources) - 1)];
  }
  if (strcmp(predicate, "stemedb.trust") == 0) {
    static const char *const trusts[] = {"0", "0.5", "1", "0.25", "0.1"};
    value = trusts[below(COUNT(trusts))];
  }
  world_assert(world, path, predicate, sources[below(shape->sources)], value ? value : big_value(),
               confidences[below(shape->confidences)], below(4) ? NULL : "alice", 1 + below(1000000));
}

static struct span maybe(const char *text) {
  return text ? span_str(text) : span_of("", 0);
}

static void random_query(const struct world *world, struct query *q) {
  static const char *const lenses[] = {"recency", "confidence", "authority", "consensus", "skeptic"};
  *q = (struct query){.concept_path = span_str(paths[below(COUNT(paths))]),
                      .subtree = below(2),
                      .lens = lens_find(span_str(lenses[below(COUNT(lenses))])),
                      .limit = below(3) ? 1 + below(12) : 100};
  if (below(2))
    q->concept_path = span_str(paths[below(2)]);
  if (below(3) == 0)
    q->predicate = span_str(predicates[below(COUNT(predicates))]);
  if (below(4) == 0) {
    q->has_source = true;
    q->source = maybe(sources[below(COUNT(sources))]);
  }
  if (below(3) == 0)
    q->min_confidence = strtod(confidences[1 + below(COUNT(confidences) - 1)], NULL);
  if (below(3) == 0)
    q->as_of = (struct moment){.kind = MOMENT_SEQ, .seq = below((unsigned)world->mark.visible_seq + 1)};
  else if (below(3) == 0 && world->count)
    q->as_of = (struct moment){.kind = MOMENT_TIME,
                               .time_us = (int64_t)world->facts[below((unsigned)world->count)]->time_us +
                                          (int64_t)below(3) - 1};
}

static uint64_t expected_snapshot(const struct world *world, const struct query *q) {
  uint64_t seq = world->mark.visible_seq;
  if (q->as_of.kind == MOMENT_SEQ)
    return q->as_of.seq;
  while (q->as_of.kind == MOMENT_TIME && seq > 0 && (int64_t)world->facts[seq - 1]->time_us > q->as_of.time_us)
    seq--;
  return seq;
}

/* Runs one page; whether it is what was expected. The cursor of the answer goes to `cursor`, "" if there is none. */
static bool run_page(const struct world *world, const struct query *q, const char *expected, char cursor[200]) {
  static struct field_errors errors;
  struct arena *arena = arena_create(64 << 20);
  struct err err = {0};
  struct buf out;
  buf_init(&out, 64 << 20);
  field_errors_init(&errors, arena);
  const int code = query_run(&world->reader, &world->mark, cache, q, arena, &errors, &out, &err);
  const size_t len = strlen(expected);
  bool good = code == 0 && errors.count == 0 && out.len > len && memcmp(out.data, expected, len) == 0;
  cursor[0] = '\0';
  if (good && out.data[len] == '"')
    good = out.len - len < 200 && sscanf((const char *)out.data + len, "\"%198[^\"]\"}", cursor) == 1;
  else if (good)
    good = out.len - len == 5 && memcmp(out.data + len, "null}", 5) == 0;
  if (!good)
    printf("# expected %s\n# got      %.*s (%d %s)\n", expected, (int)out.len, (const char *)out.data, code, err.text);
  buf_free(&out);
  arena_free(arena);
  return good;
}

/* Runs all pages of a random query; in between more is asserted. Returns the number of topics resolved, -1 if wrong. */
static long check_query(struct world *world, const struct shape *shape) {
  struct query q;
  struct naive naive;
  random_query(world, &q);
  const uint64_t snapshot = expected_snapshot(world, &q);
  naive_answer(world, &q, snapshot, &naive);
  long resolved = 0;
  char cursor[200] = "";
  size_t from = 0;
  do {
    char *page = naive_page(world, &q, snapshot, &naive, from);
    q.cursor = cursor[0] ? span_str(cursor) : (struct span){NULL, 0};
    char next[200];
    const bool good = run_page(world, &q, page, next);
    resolved = good ? resolved + (long)naive_resolved(page) : -1;
    from += q.limit;
    if (good && (from < naive.count) != (next[0] != '\0')) {
      printf("# a page at %zu of %zu must%s have a cursor\n", from, naive.count, next[0] ? " not" : "");
      resolved = -1;
    }
    memcpy(cursor, next, sizeof(cursor));
    free(page);
    if (below(3) == 0) {
      add_random(world, shape);
      world_commit(world);
    }
    q.limit = below(3) ? q.limit : 1 + below(QUERY_LIMIT_MAX);
  } while (resolved >= 0 && cursor[0]);
  naive_free(&naive);
  return resolved;
}

static void random_shape(struct shape *shape) {
  shape->paths = 1 + below(below(2) ? 2 : COUNT(paths));
  shape->predicates = 1 + below(COUNT(predicates));
  shape->sources = 1 + below(below(2) ? 3 : COUNT(sources));
  shape->values = 1 + below(COUNT(values));
  shape->confidences = 1 + below(COUNT(confidences));
}

static long run_history(uint64_t seed) {
  struct world world;
  struct shape shape = {.seed = seed};
  long resolved = 0;
  state = seed * 0x9e3779b97f4a7c15u + 1;
  random_shape(&shape);
  struct err err;
  CU_ASSERT_EQUAL_FATAL(settings_cache_create(&cache, &err), 0);
  world_open(&world, 16 << 20);
  const unsigned size = below(4) ? below(60) : below(400);
  for (unsigned i = 0; i < size; i++) {
    add_random(&world, &shape);
    if (below(20) == 0)
      world_commit(&world);
  }
  world_commit(&world);
  for (unsigned i = 0; i < 60 && resolved >= 0; i++) {
    long more = check_query(&world, &shape);
    resolved = more < 0 ? -1 : resolved + more;
  }
  world_close(&world);
  settings_cache_free(cache);
  return resolved;
}

static void test_random(void) {
  const char *first = getenv("STEMEDB_SEED"), *rounds = getenv("STEMEDB_ROUNDS");
  const uint64_t from = first ? strtoull(first, NULL, 10) : 1, count = rounds ? strtoull(rounds, NULL, 10) : 40;
  long resolved = 0;
  for (uint64_t seed = from; seed < from + count; seed++) {
    const long more = run_history(seed);
    if (more < 0) {
      printf("# the seed is %" PRIu64 "\n", seed);
      CU_FAIL("an answer is wrong");
      return;
    }
    resolved += more;
  }
  printf("# %ld resolutions\n", resolved);
  CU_ASSERT_TRUE(first || rounds || resolved > 2000);
}

int main(void) {
  static const struct test_case cases[] = {
      {"every page of a random query over a random history is what a naive model says", test_random},
  };
  return harness_run("query_random", cases, HARNESS_COUNT(cases));
}
