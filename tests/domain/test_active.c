/* Which assertions a scan gives out when others are retracted, and that it does not read those to pass over them. */
#include "domain/active.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/name.h"
#include "tests/domain/world.h"
#include "tests/harness/harness.h"

static struct world world;

static void need(int code, const struct err *err) {
  if (!code)
    return;
  fprintf(stderr, "active: %s\n", err->text);
  abort();
}

static void begin(void) {
  world_open(&world, 16 << 20);
}

static void assert_at(const char *path, const char *predicate, const char *source) {
  world_assert(&world, path, predicate, source, "1", NULL, NULL, 1);
}

/* Adds a retraction; returns its seq. */
static uint64_t retract(const char *selection) {
  char body[512];
  snprintf(body, sizeof(body), "{%s}", selection);
  world_request(&world, ENTRY_RETRACTION, body);
  world_commit(&world);
  return world.count;
}

static void reinstate(uint64_t retraction) {
  char body[256];
  snprintf(body, sizeof(body), "{\"reason\":\"r\",\"retraction_id\":\"%s\"}", world.facts[retraction - 1]->id);
  world_request(&world, ENTRY_REINSTATEMENT, body);
  world_commit(&world);
}

/* A whole scan. */
struct seen {
  size_t count, retracted;
  uint64_t reads, first, last; /* first and last seq given out */
  bool gate;
  unsigned char flags[1 << 16]; /* by seq: 1 given out, 2 marked as retracted */
};

static void scan_from(const struct reader *reader, uint64_t snapshot, bool all, struct seen *seen) {
  struct active_scan scan;
  struct err err;
  const struct span any = {NULL, 0};
  *seen = (struct seen){.count = 0};
  need(active_open(reader, snapshot, &scan, &err), &err);
  scan.all = all;
  seen->gate = scan.gate != NULL;
  need(active_seek(&scan, span_str("a"), any, any, UINT64_MAX, &err), &err);
  while (scan.found) {
    seen->first = seen->count ? seen->first : scan.row.seq;
    seen->last = scan.row.seq;
    seen->count++;
    seen->retracted += scan.retracted;
    if (scan.row.seq < sizeof(seen->flags))
      seen->flags[scan.row.seq] = scan.retracted ? 3 : 1;
    need(active_next(&scan, &err), &err);
  }
  seen->reads = scan.reads;
  active_close(&scan);
}

static void scan_all(uint64_t snapshot, bool all, struct seen *seen) {
  scan_from(&world.reader, snapshot, all, seen);
}

static void test_no_gate(void) {
  struct seen *seen = malloc(sizeof(*seen));
  begin();
  for (int i = 0; i < 10; i++)
    assert_at("a", "p", "s");
  world_commit(&world);
  scan_all(10, false, seen);
  CU_ASSERT_FALSE(seen->gate);
  CU_ASSERT_EQUAL(seen->reads, 11);
  CU_ASSERT_EQUAL(retract("\"concept_path\":\"a\",\"reason\":\"r\""), 11);
  scan_all(10, false, seen);
  CU_ASSERT_FALSE(seen->gate);
  CU_ASSERT_EQUAL(seen->count, 10);
  scan_all(11, false, seen);
  CU_ASSERT_TRUE(seen->gate);
  CU_ASSERT_EQUAL(seen->count, 0);
  /* The same by the watermark. */
  struct reader marked = world.reader;
  marked.mark = &world.mark;
  scan_from(&marked, 10, false, seen);
  CU_ASSERT_FALSE(seen->gate);
  scan_from(&marked, 11, false, seen);
  CU_ASSERT_EQUAL(seen->count, 0);
  free(seen);
  world_close(&world);
}

enum { MANY = 30000 };

/* A run of MANY, retracted in some way, with one of its source before and one after. */
static void check_run(const char *selection, size_t left, uint64_t most_reads) {
  struct seen *seen = malloc(sizeof(*seen));
  begin();
  for (int i = 0; i < MANY; i++)
    assert_at("a", "p", "s");
  world_commit(&world);
  const uint64_t retraction = retract(selection);
  assert_at("a", "p", "s");
  assert_at("a", "q", "t");
  world_commit(&world);
  scan_all(world.count, false, seen);
  CU_ASSERT_EQUAL(seen->count, left + 2);
  CU_ASSERT_EQUAL(seen->first, MANY + 2);
  CU_ASSERT_TRUE(seen->reads <= left + most_reads);
  scan_all(retraction, false, seen);
  CU_ASSERT_EQUAL(seen->count, left);
  scan_all(retraction - 1, false, seen);
  CU_ASSERT_EQUAL(seen->count, MANY);
  scan_all(world.count, true, seen);
  CU_ASSERT_EQUAL(seen->count, MANY + 2);
  CU_ASSERT_EQUAL(seen->retracted, MANY - left);
  reinstate(retraction);
  scan_all(world.count, false, seen);
  CU_ASSERT_EQUAL(seen->count, MANY + 2);
  free(seen);
  world_close(&world);
}

static void test_skips_runs(void) {
  check_run("\"concept_path\":\"a\",\"reason\":\"r\"", 0, 26);
  check_run("\"reason\":\"r\",\"source\":\"s\"", 0, 26);
  check_run("\"from_seq\":1,\"reason\":\"r\"", 0, 26);
  check_run("\"cascade\":true,\"concept_path\":\"s\",\"reason\":\"r\"", 0, 26);
  check_run("\"from_seq\":101,\"reason\":\"r\",\"source\":\"s\",\"to_seq\":29900", 200, 40);
}

static void test_skips_blocks(void) {
  /* By ids and batch nothing is said of the run: whole blocks are stepped over. */
  struct seen *seen = malloc(sizeof(*seen));
  enum { NAMED = 10000 };
  struct buf body;
  buf_init(&body, 1 << 20);
  begin();
  for (int i = 0; i < NAMED; i++)
    assert_at("a", "p", "s");
  world_commit(&world);
  buf_add_str(&body, "{\"ids\":[");
  for (int i = 0; i < NAMED; i++)
    buf_addf(&body, "%s\"%s\"", i ? "," : "", world.facts[i]->id);
  buf_add_str(&body, "],\"reason\":\"r\"}");
  buf_add_byte(&body, 0);
  world_request(&world, ENTRY_RETRACTION, (const char *)body.data);
  assert_at("a", "p", "s");
  world_commit(&world);
  scan_all(world.count, false, seen);
  CU_ASSERT_EQUAL(seen->count, 1);
  CU_ASSERT_TRUE(seen->reads <= 4 + NAMED / RETRACTED_BLOCK + 4);
  free(seen);
  buf_free(&body);
  world_close(&world);
}

static void test_many_topics(void) {
  enum { TOPICS = 300, EACH = 20 };
  struct seen *seen = malloc(sizeof(*seen));
  char path[32];
  begin();
  for (int i = 0; i < EACH; i++)
    for (int t = 0; t < TOPICS; t++) {
      snprintf(path, sizeof(path), "a/%d", t);
      assert_at(path, "p", "bad");
      if (i == 0)
        assert_at(path, "p", "good");
    }
  world_commit(&world);
  retract("\"reason\":\"r\",\"source\":\"bad\"");
  scan_all(world.count, false, seen);
  CU_ASSERT_EQUAL(seen->count, TOPICS);
  CU_ASSERT_TRUE(seen->reads <= 3 * TOPICS + 30);
  free(seen);
  world_close(&world);
}

static void test_scope(void) {
  enum { TOPICS = 2000 };
  const struct span any = {NULL, 0};
  struct active_scan scan;
  struct err err;
  char path[32];
  begin();
  for (int t = 0; t < TOPICS; t++) {
    snprintf(path, sizeof(path), "a/%04d", t);
    assert_at(path, "p", "bad");
  }
  assert_at("b", "p", "bad");
  assert_at("b", "q", "good");
  world_commit(&world);
  retract("\"reason\":\"r\",\"source\":\"bad\"");
  need(active_open(&world.reader, world.count, &scan, &err), &err);
  /* One concept: what follows is not looked at. */
  active_set_scope(&scan, span_str("a/0007"), false, any);
  need(active_seek(&scan, span_str("a/0007"), any, any, UINT64_MAX, &err), &err);
  CU_ASSERT_FALSE(scan.found);
  CU_ASSERT_EQUAL(scan.reads, 2);
  /* All below a path, and no further; one predicate of a concept, and no other. */
  active_set_scope(&scan, span_str("a/19"), true, any);
  need(active_seek(&scan, span_str("a/19"), any, any, UINT64_MAX, &err), &err);
  CU_ASSERT_FALSE(scan.found);
  CU_ASSERT_TRUE(scan.reads >= 100 && scan.reads <= 110);
  active_set_scope(&scan, span_str("b"), false, span_str("p"));
  need(active_seek(&scan, span_str("b"), span_str("p"), any, UINT64_MAX, &err), &err);
  CU_ASSERT_TRUE(!scan.found || !span_equal(scan.row.predicate, span_str("p")));
  active_set_scope(&scan, span_str("b"), false, any);
  need(active_seek(&scan, span_str("b"), any, any, UINT64_MAX, &err), &err);
  CU_ASSERT_TRUE(scan.found && span_equal(scan.row.predicate, span_str("q")));
  /* A bound on what is passed over. */
  scan.passed = 0;
  scan.passed_max = 500;
  active_set_scope(&scan, span_str("a/"), true, any);
  CU_ASSERT_EQUAL(active_seek(&scan, span_str("a/"), any, any, UINT64_MAX, &err), ERR_NOMEM);
  active_close(&scan);
  world_close(&world);
}

/* --- random histories against the contract's words --- */

enum { RANDOM_ENTRIES = 5000, SELECTIONS_MAX = 60 };

struct selection {
  const char *path, *predicate, *source; /* NULL: absent */
  uint64_t from, to, seq, reinstated;
};

static const char *const paths[] = {"a/1", "a/2", "s/1"};
static const char *const predicates[] = {"p", "q", "stemedb.trust"};
static const char *const sources[] = {"s/1", "s/2", NULL};

static bool covers(const struct selection *s, const struct fact *f) {
  const bool reserved = strncmp(f->predicate, "stemedb.", 8) == 0;
  if (f->kind != ENTRY_ASSERTION || f->seq > s->seq || f->seq < s->from || f->seq > s->to)
    return false;
  if (s->predicate ? strcmp(s->predicate, f->predicate) != 0 : reserved)
    return false;
  return (!s->path || strcmp(s->path, f->path) == 0) &&
         (!s->source || (f->source ? strcmp(s->source, f->source) == 0 : s->source[0] == '\0'));
}

static void random_retraction(struct selection *s) {
  const unsigned which = (unsigned)rand();
  struct buf body;
  buf_init(&body, 4096);
  *s = (struct selection){.from = 1, .to = UINT64_MAX};
  buf_add_byte(&body, '{');
  if (which & 1) {
    s->path = paths[rand() % 3];
    buf_addf(&body, "\"concept_path\":\"%s\",", s->path);
  }
  if ((which & 2) || !(which & 13)) {
    s->from = 1 + (uint64_t)rand() % world.count;
    buf_addf(&body, "\"from_seq\":%" PRIu64 ",", s->from);
  }
  if (which & 16) {
    s->predicate = predicates[rand() % 3];
    buf_addf(&body, "\"predicate\":\"%s\",", s->predicate);
  }
  buf_add_str(&body, "\"reason\":\"r\"");
  if (which & 4) {
    const char *source = sources[rand() % 3];
    s->source = source ? source : "";
    buf_addf(&body, ",\"source\":\"%s\"", s->source);
  }
  if (which & 8) {
    s->to = s->from + (uint64_t)rand() % world.count;
    buf_addf(&body, ",\"to_seq\":%" PRIu64, s->to);
  }
  buf_add_byte(&body, '}');
  buf_add_byte(&body, 0);
  world_request(&world, ENTRY_RETRACTION, (const char *)body.data);
  s->seq = world.count;
  buf_free(&body);
}

static bool is_inactive(const struct selection *selections, size_t count, const struct fact *f, uint64_t snapshot) {
  for (size_t i = 0; i < count; i++)
    if (selections[i].seq <= snapshot && (!selections[i].reinstated || selections[i].reinstated > snapshot) &&
        covers(&selections[i], f))
      return true;
  return false;
}

static void check_snapshot(const struct selection *selections, size_t count, uint64_t snapshot, struct seen *seen) {
  for (int all = 0; all < 2; all++) {
    size_t wrong = 0;
    scan_all(snapshot, all, seen);
    for (size_t i = 0; i < world.count; i++) {
      const struct fact *f = world.facts[i];
      const bool there = f->kind == ENTRY_ASSERTION && f->seq <= snapshot;
      const bool inactive = there && is_inactive(selections, count, f, snapshot);
      const int wanted = !there ? 0 : !inactive ? 1 : all ? 3 : 0;
      wrong += seen->flags[f->seq] != wanted;
    }
    CU_ASSERT_EQUAL(wrong, 0);
  }
}

static void test_random(void) {
  struct seen *seen = malloc(sizeof(*seen));
  srand(4);
  for (int round = 0; round < 6; round++) {
    struct selection selections[SELECTIONS_MAX];
    size_t count = 0;
    begin();
    assert_at("a/1", "p", NULL);
    while (world.count < RANDOM_ENTRIES) {
      const int what = rand() % 100;
      if (what < 8 && count < SELECTIONS_MAX) {
        random_retraction(&selections[count++]);
      } else if (what < 14 && count > 0) {
        struct selection *s = &selections[(size_t)rand() % count];
        world_commit(&world);
        if (!s->reinstated) {
          reinstate(s->seq);
          s->reinstated = world.count;
        }
      } else { /* long runs */
        const char *path = paths[rand() % 3], *predicate = predicates[rand() % 3], *source = sources[rand() % 3];
        for (int n = rand() % 40; n >= 0; n--)
          assert_at(path, predicate, source);
      }
    }
    world_commit(&world);
    for (int i = 0; i < 20; i++)
      check_snapshot(selections, count, 1 + (uint64_t)rand() % world.count, seen);
    check_snapshot(selections, count, world.count, seen);
    world_close(&world);
  }
  free(seen);
}

int main(void) {
  static const struct test_case cases[] = {
      {"where nothing was retracted there is no gate", test_no_gate},
      {"a retracted run costs a scan a few reads, however long it is", test_skips_runs},
      {"retracted blocks are stepped over", test_skips_blocks},
      {"a retracted source costs a scan three reads a topic", test_many_topics},
      {"a scan ends where its scope does, and at its bound", test_scope},
      {"random retractions leave what the contract says, as of any seq", test_random},
  };
  return harness_run("active", cases, HARNESS_COUNT(cases));
}
