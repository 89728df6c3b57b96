/*
 * What a query costs inside a worker: CPU time of query_run() over a store and projection in a temporary folder,
 * cached. query [CONCEPTS] [ASSERTIONS]    (default 50000 concepts of 5 assertions; 1000000 assertions of 1000 sources)
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "domain/query.h"
#include "domain/render.h"
#include "tests/domain/world.h"

enum { COMMIT = 2000 };

static double cpu_us(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static struct settings_cache *cache;
static const char *const lenses[] = {"recency", "confidence", "authority", "consensus", "skeptic"};

/* Runs one query into the reused arena and buffer; the length of the answer. */
static size_t ask(const struct world *world, const struct query *query, struct arena *arena, struct buf *out) {
  static struct field_errors errors;
  struct err err;
  arena_reset(arena);
  buf_reset(out);
  field_errors_init(&errors, arena);
  if (query_run(&world->reader, &world->mark, cache, query, arena, &errors, out, &err) || errors.count) {
    fprintf(stderr, "query: %s\n", err.text);
    exit(1);
  }
  return out->len;
}

static void point_queries(const struct world *world, unsigned concepts, bool named) {
  struct arena *arena = arena_create(64 << 20);
  struct buf out;
  buf_init(&out, 64 << 20);
  for (size_t l = 0; l < 5; l++) {
    enum { QUERIES = 100000 };
    size_t bytes = 0;
    const double start = cpu_us();
    for (unsigned i = 0; i < QUERIES; i++) {
      char path[64];
      snprintf(path, sizeof(path), "web/feature-%u/chrome", (unsigned)((uint64_t)i * 7919 % concepts));
      struct query query = {
          .concept_path = span_str(path), .lens = lens_find(span_str(lenses[l])), .limit = QUERY_LIMIT_DEFAULT};
      if (named)
        query.predicate = span_str("supported_since");
      bytes += ask(world, &query, arena, &out);
    }
    printf("point query of 5%s, %s: %.2f us CPU, %zu bytes\n", named ? ", predicate named" : "", lenses[l],
           (cpu_us() - start) / QUERIES, bytes / QUERIES);
  }
  buf_free(&out);
  arena_free(arena);
}

static void one_query(const struct world *world, const char *what, const struct query *query) {
  struct arena *arena = arena_create((size_t)1 << 30);
  struct buf out;
  buf_init(&out, 64 << 20);
  ask(world, query, arena, &out);
  const double start = cpu_us();
  enum { TIMES = 5 };
  for (int i = 0; i < TIMES; i++)
    ask(world, query, arena, &out);
  printf("%s, %s: %.2f ms CPU, %zu bytes, arena %zu KiB\n", what, query->lens->name, (cpu_us() - start) / TIMES / 1000,
         out.len, arena_used(arena) / 1024);
  buf_free(&out);
  arena_free(arena);
}

static void fill_points(struct world *world, unsigned concepts) {
  static const char *const values[] = {"\"57\"", "\"57\"", "\"58\"", "\"57\"", "\"16\""};
  for (unsigned i = 0; i < concepts; i++) {
    for (unsigned s = 0; s < 5; s++) {
      char path[64], source[64];
      snprintf(path, sizeof(path), "web/feature-%u/chrome", i);
      snprintf(source, sizeof(source), "source/source-%u", s);
      world_assert(world, path, "supported_since", source, values[s], "0.95", NULL, 10);
    }
    if (i % (COMMIT / 5) == 0)
      world_commit(world);
  }
  world_commit(world);
}

static void fill_contested(struct world *world, unsigned assertions) {
  for (unsigned i = 0; i < assertions; i++) {
    char source[64], value[32];
    snprintf(source, sizeof(source), "source/source-%u", i * 7 % 1000);
    snprintf(value, sizeof(value), "\"%u\"", i % 7);
    world_assert(world, "hostile", "p", source, value, i % 3 ? "0.5" : "0.75", NULL, 10);
    if (i % COMMIT == 0)
      world_commit(world);
  }
  world_commit(world);
}

static void render_speed(const struct world *world) {
  struct buf record, out;
  struct entry entry;
  struct err err;
  bool found = false;
  buf_init(&record, ENTRY_MAX_SIZE);
  buf_init(&out, 64 << 20);
  if (history_get(world->store, 1, &record, &entry, &found, &err) || !found)
    exit(1);
  enum { TIMES = 1000000 };
  for (int feed = 0; feed < 2; feed++) {
    const double start = cpu_us();
    for (int i = 0; i < TIMES; i++) {
      buf_reset(&out);
      if (feed ? render_feed_entry(&out, &entry, &err) : render_assertion(&out, &entry, &err))
        exit(1);
    }
    printf("render_%s: %.3f us CPU, %zu bytes\n", feed ? "feed_entry" : "assertion", (cpu_us() - start) / TIMES,
           out.len);
  }
  buf_free(&record);
  buf_free(&out);
}

int main(int argc, char **argv) {
  const unsigned concepts = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 50000;
  const unsigned assertions = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1000000;
  struct world world;
  struct err err;
  if (settings_cache_create(&cache, &err))
    return 1;
  world_open(&world, (uint64_t)1 << 30);
  fill_points(&world, concepts);
  render_speed(&world);
  point_queries(&world, concepts, false);
  point_queries(&world, concepts, true);
  fill_contested(&world, assertions);
  char what[100];
  for (size_t l = 0; l < 5; l++) {
    snprintf(what, sizeof(what), "%u assertions of 1000 sources", assertions);
    struct query query = {
        .concept_path = span_str("hostile"), .lens = lens_find(span_str(lenses[l])), .limit = QUERY_LIMIT_DEFAULT};
    one_query(&world, what, &query);
    query.limit = 10;
    query.as_of = (struct moment){.kind = MOMENT_SEQ, .seq = world.mark.visible_seq - assertions / 3};
    snprintf(what, sizeof(what), "the same as of an old moment, page of 10");
    one_query(&world, what, &query);
    query = (struct query){
        .concept_path = span_str("web"), .subtree = true, .lens = query.lens, .limit = QUERY_LIMIT_DEFAULT};
    one_query(&world, "subtree, page of 100", &query);
  }
  settings_cache_free(cache);
  world_close(&world);
  return 0;
}
