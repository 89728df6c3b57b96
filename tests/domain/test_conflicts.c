/*
 * Ballots against what the assertions themselves say: random histories with retractions, reinstatements, trust,
 * tolerance and cardinality; every topic of them as of random moments. STEMEDB_SEED=N begins with another seed,
 * STEMEDB_ROUNDS=N goes on longer.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/ballot_box.h"
#include "domain/conflicts.h"
#include "domain/resolve.h"
#include "tests/domain/world.h"
#include "tests/harness/harness.h"

static const char *const paths[] = {"w", "w/g", "w/g-x", "w/g/a", "w/g/a/b", "w/g/\"q\"", "w/g\xc3\xa9", "wg"};
static const char *const predicates[] = {"p", "p q", "\xc3\xa9", "q"};
static const char *const sources[] = {NULL, "s", "source/a", "source/a-b", "source/a/b", "source/\\c", "source/d"};
static const char *const values[] = {"1", "1.5", "2", "10", "\"1\"", "null", "{\"a\":[1,2]}", "true"};
static const char *const confidences[] = {NULL, "0", "0.1", "0.3", "0.5", "0.85", "1"};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static uint64_t state;

static unsigned below(unsigned n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (unsigned)(state >> 11) % n;
}

static const char *any_value(unsigned kinds) {
  static char text[900];
  const unsigned n = below(kinds + 2);
  if (n < COUNT(values))
    return values[n];
  const unsigned len = n == COUNT(values) ? 30 + below(80) : 700 + below(100);
  memset(text, 'v', len);
  text[0] = text[len - 1] = '"';
  text[len] = '\0';
  return text;
}

static void add_setting(struct world *world) {
  static const char *const trusts[] = {"0", "0.5", "1", "0.25"}, *const tolerances[] = {"0", "0.5", "8"};
  char name[64];
  switch (below(3)) {
  case 0:
    world_assert(world, sources[1 + below(COUNT(sources) - 1)], "stemedb.trust", NULL, trusts[below(4)], NULL, NULL, 9);
    return;
  case 1:
    snprintf(name, sizeof(name), "predicate/%s", predicates[below(COUNT(predicates))]);
    world_assert(world, name, "stemedb.tolerance", sources[below(2)], tolerances[below(3)], NULL, NULL, 9);
    return;
  default:
    snprintf(name, sizeof(name), "predicate/%s", predicates[below(COUNT(predicates))]);
    world_assert(world, name, "stemedb.cardinality", NULL, below(3) ? "\"one\"" : "\"many\"", NULL, NULL, 9);
  }
}

/* A retraction of some ids, a range, a source or a path; or a reinstatement of an earlier one. */
static void add_request(struct world *world) {
  char body[400];
  const struct fact *f = world->facts[below((unsigned)world->count)];
  const struct fact *g = world->facts[below((unsigned)world->count)];
  if (f->kind == ENTRY_RETRACTION) {
    snprintf(body, sizeof(body), "{\"reason\":\"r\",\"retraction_id\":\"%s\"}", f->id);
    for (size_t i = f->seq; i < world->count; i++)
      if (world->facts[i]->kind == ENTRY_REINSTATEMENT && strcmp(world->facts[i]->value, body) == 0)
        return;
    world_request(world, ENTRY_REINSTATEMENT, body);
    return;
  }
  const uint64_t from = f->seq < g->seq ? f->seq : g->seq, to = f->seq < g->seq ? g->seq : f->seq;
  switch (below(3)) {
  case 0: snprintf(body, sizeof(body), "{\"ids\":[\"%s\"],\"reason\":\"r\"}", f->id); break;
  case 1:
    snprintf(body, sizeof(body), "{\"from_seq\":%" PRIu64 ",\"reason\":\"r\",\"to_seq\":%" PRIu64 "}", from, to);
    break;
  default: snprintf(body, sizeof(body), "{\"reason\":\"r\",\"source\":\"%s\"}", sources[1 + below(4)]);
  }
  world_request(world, ENTRY_RETRACTION, body);
}

/* The shape of a history: how many of each list it draws from. */
static unsigned path_count, predicate_count, source_count, value_count;

static void add_random(struct world *world) {
  const unsigned what = below(24);
  if (what == 0 && world->count > 0) {
    world_commit(world); /* ids are made then */
    add_request(world);
  } else if (what == 1) {
    add_setting(world);
  } else {
    world_assert(world, paths[below(path_count)], predicates[below(predicate_count)], sources[below(source_count)],
                 any_value(value_count), confidences[below(COUNT(confidences))], NULL, 1 + below(1000));
  }
}

/* --- what should be --- */

struct expected {
  char key[200]; /* path 0 predicate 0, the zeros written as | */
  double conflict;
};

static int compare_expected(const void *left, const void *right) {
  const struct expected *a = left, *b = right;
  if (a->conflict != b->conflict)
    return a->conflict > b->conflict ? -1 : 1;
  return strcmp(a->key, b->key);
}

/* All topics that have several groups and one value to choose, from their assertions. */
static size_t expect(const struct world *world, uint64_t snapshot, struct expected *out) {
  const struct query options = {.lens = lens_find(span_str("skeptic"))};
  struct resolver *resolver = NULL;
  struct resolved resolved;
  struct err err;
  size_t count = 0;
  CU_ASSERT_EQUAL_FATAL(resolver_open(&world->reader, &world->mark, NULL, &options, snapshot, 0, &resolver, &err), 0);
  for (size_t p = 0; p < COUNT(paths); p++)
    for (size_t q = 0; q < COUNT(predicates); q++) {
      CU_ASSERT_EQUAL_FATAL(resolver_topic(resolver, span_str(paths[p]), span_str(predicates[q]), &resolved, &err), 0);
      if (!resolved.found || resolved.candidates->many || resolved.candidates->group_count < 2)
        continue;
      snprintf(out[count].key, sizeof(out[count].key), "%s\x01%s\x01", paths[p], predicates[q]);
      out[count++].conflict = resolved.resolution.conflict;
    }
  resolver_close(resolver);
  qsort(out, count, sizeof(*out), compare_expected);
  return count;
}

static bool under(const char *key, const char *prefix) {
  const size_t len = strlen(prefix);
  return len == 0 || (strncmp(key, prefix, len) == 0 && (key[len] == 1 || key[len] == '/'));
}

/* Reads all pages and compares them with what is expected of the prefix. */
static bool check_pages(const struct world *world, uint64_t snapshot, const char *prefix, double least,
                        const struct expected *expected, size_t count) {
  struct conflicts_request request = {.prefix = span_str(prefix), .min_conflict = least, .snapshot = snapshot};
  struct arena *arena = arena_create(8 << 20);
  struct conflicts_end end = {.more = true};
  struct buf out;
  struct err err;
  size_t at = 0;
  bool good = true;
  buf_init(&out, 8 << 20);
  while (good && end.more) {
    request.limit = 1 + below(7);
    buf_reset(&out);
    int code = conflicts_render(&world->reader, &world->mark, &request, arena, &out, &end, &err);
    if (code)
      printf("# %s\n", err.text);
    good = code == 0;
    buf_add_byte(&out, 0);
    const char *p = (const char *)out.data;
    for (; at < count; at++) {
      char item[300], *path, *predicate;
      if (!under(expected[at].key, prefix) || expected[at].conflict < least)
        continue;
      char key[200], *split;
      snprintf(key, sizeof(key), "%s", expected[at].key);
      split = strchr(key, 1);
      *split = '\0';
      split[1 + strcspn(split + 1, "\x01")] = '\0';
      path = world_quote(key);
      predicate = world_quote(split + 1);
      snprintf(item, sizeof(item), "{\"concept_path\":%s,\"predicate\":%s,", path, predicate);
      free(path);
      free(predicate);
      p = good ? strstr(p, item) : NULL;
      if (!p)
        break;
      p++;
    }
    /* What was not found must be on the next page, and this page's number of items shows that there is nothing else. */
    size_t items = 0;
    for (const char *q = (const char *)out.data; q && (q = strstr(q, "{\"concept_path\":")); q++)
      items++;
    good = good && items <= request.limit && (items == request.limit || !end.more);
    request.after = true;
    request.score = end.score;
    request.key = end.key;
  }
  buf_free(&out);
  arena_free(arena);
  return good && at == count;
}

/* All topics of the box, against what is expected. */
static bool check_box(const struct world *world, uint64_t snapshot, const struct expected *expected, size_t count) {
  struct ballot_box *box = NULL;
  struct ballot_topic topic;
  struct err err;
  size_t seen = 0;
  bool found = true, good = true;
  int code = ballot_box_open(&world->reader, &world->mark, snapshot, span_str(""), (struct span){NULL, 0}, &box, &err);
  while (!code && found && good) {
    code = ballot_box_next(box, &topic, &found, &err);
    if (code || !found || topic.candidates.many || topic.candidates.group_count < 2)
      continue;
    char key[200];
    snprintf(key, sizeof(key), "%.*s\x01%.*s\x01", (int)topic.path.len, (const char *)topic.path.data,
             (int)topic.predicate.len, (const char *)topic.predicate.data);
    if (strstr(key, "stemedb."))
      continue;
    size_t i = 0;
    while (i < count && strcmp(expected[i].key, key) != 0)
      i++;
    good = i < count && expected[i].conflict == topic.candidates.conflict;
    if (!good)
      printf("# %s: %.17g, not %.17g, as of %" PRIu64 "\n", key, topic.candidates.conflict,
             i < count ? expected[i].conflict : -1, snapshot);
    seen++;
  }
  ballot_box_close(box);
  if (code)
    printf("# %s\n", err.text);
  if (good && seen != count)
    printf("# %zu topics, not %zu, as of %" PRIu64 "\n", seen, count, snapshot);
  return !code && good && seen == count;
}

static long check(const struct world *world, uint64_t snapshot) {
  struct expected expected[COUNT(paths) * COUNT(predicates)];
  const size_t count = expect(world, snapshot, expected);
  bool good = check_box(world, snapshot, expected, count);
  if (good)
    good = check_pages(world, snapshot, below(3) ? "w/g" : "w", below(2) ? 0 : 0.5, expected, count);
  return good ? (long)count : -1;
}

static long run_history(uint64_t seed) {
  struct world world;
  long contested = 0;
  state = seed * 0x9e3779b97f4a7c15u + 1;
  path_count = 1 + below(below(2) ? 2 : COUNT(paths));
  predicate_count = 1 + below(COUNT(predicates));
  source_count = 1 + below(COUNT(sources));
  value_count = 1 + below(COUNT(values));
  world_open(&world, 16 << 20);
  const unsigned size = below(3) ? below(80) : below(900), batch = 1 + below(60);
  for (unsigned i = 0; i < size && contested >= 0; i++) {
    add_random(&world);
    if (below(batch) == 0)
      world_commit(&world);
    if (below(60) == 0) {
      world_commit(&world);
      const long more = check(&world, world.mark.visible_seq - below(2) * below((unsigned)world.mark.visible_seq));
      contested = more < 0 ? -1 : contested + more;
    }
  }
  world_commit(&world);
  for (unsigned i = 0; i < 6 && contested >= 0 && world.count; i++) {
    const long more = check(&world, i ? 1 + below((unsigned)world.mark.visible_seq) : world.mark.visible_seq);
    contested = more < 0 ? -1 : contested + more;
  }
  world_close(&world);
  return contested;
}

static void test_random(void) {
  const char *first = getenv("STEMEDB_SEED"), *rounds = getenv("STEMEDB_ROUNDS");
  const uint64_t from = first ? strtoull(first, NULL, 10) : 1, count = rounds ? strtoull(rounds, NULL, 10) : 40;
  long contested = 0;
  for (uint64_t seed = from; seed < from + count; seed++) {
    const long more = run_history(seed);
    if (more < 0) {
      printf("# the seed is %" PRIu64 "\n", seed);
      CU_FAIL("conflicts are wrong");
      return;
    }
    contested += more;
  }
  printf("# %ld contested topics\n", contested);
  CU_ASSERT_TRUE(first || rounds || contested > 1000);
}

int main(void) {
  static const struct test_case cases[] = {
      {"the conflict of every topic is the skeptic's, whatever was retracted, trusted or tolerated", test_random},
  };
  return harness_run("conflicts", cases, HARNESS_COUNT(cases));
}
