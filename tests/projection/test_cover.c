/* What retractions cover, over random histories, against a naive reader of them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/retraction.h"
#include "projection/cover_internal.h"
#include "projection/internal.h"
#include "projection/retracted.h"
#include "tests/harness/harness.h"
#include "tests/projection/story.h"

static struct err err;

/* Some turns of writing: calls of 1 to `most` entries. */
static void write_calls(struct story *s, uint64_t calls, uint64_t most, bool apply) {
  for (uint64_t i = 0; i < calls; i++) {
    for (uint64_t n = 1 + story_random(s, most); n > 0; n--) {
      uint64_t what = story_random(s, 12);
      if (what == 0)
        story_retract(s);
      else if (what != 1 || !story_reinstate(s))
        story_assert(s);
    }
    story_store(s, apply);
  }
}

/* --- comparisons --- */

static void check_record(const struct story *s, uint64_t seq, const struct retraction_record *record,
                         uint64_t snapshot) {
  const struct told *t = &s->told[seq];
  struct retraction_record expected = {.seq = seq};
  uint64_t by;
  for (uint64_t i = 1; i < seq; i++) {
    bool inactive = t->covers[i] && story_inactive(s, i, seq - 1, &by);
    expected.covers_direct += t->covers[i] == 1;
    expected.covers_cascaded += t->covers[i] == 2;
    expected.direct += t->covers[i] == 1 && !inactive;
    expected.cascaded += t->covers[i] == 2 && !inactive;
    if (t->covers[i])
      expected.last = i;
    if (t->covers[i] && !expected.first)
      expected.first = i;
  }
  if (t->undone && t->undone <= snapshot) {
    expected.reinstated_seq = t->undone;
    for (uint64_t i = 1; i < seq; i++)
      expected.reactivated += t->covers[i] && !story_inactive(s, i, t->undone, &by);
  }
  CU_ASSERT_EQUAL_FATAL(memcmp(&expected, record, sizeof(expected)), 0);
}

static void check_records(const struct story *s, uint64_t snapshot) {
  struct retraction_record records[3], record;
  uint64_t before = UINT64_MAX, expected = snapshot, first = 0, seq;
  size_t count = 3;
  bool found;
  while (count == 3) {
    CU_ASSERT_EQUAL_FATAL(retraction_list(&s->f->reader, before, snapshot, records, 3, &count, &err), 0);
    for (size_t i = 0; i < count; i++, expected--) {
      while (expected && s->told[expected].kind != ENTRY_RETRACTION)
        expected--;
      CU_ASSERT_EQUAL_FATAL(records[i].seq, expected);
      check_record(s, expected, &records[i], snapshot);
      before = first = expected;
    }
  }
  for (; expected; expected--)
    CU_ASSERT_NOT_EQUAL(s->told[expected].kind, ENTRY_RETRACTION);
  CU_ASSERT_EQUAL(retracted_first(&s->f->reader, &seq, &err), 0);
  if (first)
    CU_ASSERT_EQUAL(seq, first);
  for (uint64_t i = 1; i <= s->last; i += 1 + s->last / 200) {
    CU_ASSERT_EQUAL_FATAL(retraction_find(&s->f->reader, s->told[i].id, snapshot, &record, &found, &err), 0);
    CU_ASSERT_EQUAL_FATAL(found, s->told[i].kind == ENTRY_RETRACTION && i <= snapshot);
    if (found)
      check_record(s, i, &record, snapshot);
  }
}

/* The retractions that cover an entry, in pages of two. */
static void check_marks(const struct story *s, uint64_t seq, uint64_t snapshot) {
  struct retraction_mark marks[2];
  uint64_t after = 0;
  size_t count, i = 2;
  for (uint64_t r = seq + 1; r <= snapshot; r++) {
    const struct told *t = &s->told[r];
    if (t->kind != ENTRY_RETRACTION || !t->covers[seq])
      continue;
    if (i == 2) {
      CU_ASSERT_EQUAL_FATAL(retracted_marks(&s->f->reader, seq, snapshot, after, marks, 2, &count, &err), 0);
      i = 0;
    }
    CU_ASSERT_TRUE_FATAL(i < count);
    CU_ASSERT_EQUAL(marks[i].seq, r);
    CU_ASSERT_EQUAL(marks[i].reinstated_seq, t->undone && t->undone <= snapshot ? t->undone : 0);
    after = marks[i++].seq;
  }
  CU_ASSERT_EQUAL_FATAL(retracted_marks(&s->f->reader, seq, snapshot, after, marks, 2, &count, &err), 0);
  CU_ASSERT_EQUAL(count, 0);
}

static void check_snapshot(const struct story *s, uint64_t snapshot) {
  struct retracted_block block;
  for (uint64_t first = 0; first <= s->last; first += RETRACTED_BLOCK) {
    CU_ASSERT_EQUAL_FATAL(retracted_read(&s->f->reader, first / RETRACTED_BLOCK, snapshot, &block, &err), 0);
    size_t inactive = 0;
    for (uint64_t seq = first; seq < first + RETRACTED_BLOCK; seq++) {
      uint64_t by = 0, found;
      bool expected = seq >= 1 && seq <= s->last && story_inactive(s, seq, snapshot, &by);
      CU_ASSERT_EQUAL_FATAL(retracted_has(&block, seq), expected);
      inactive += expected;
      if (!expected && seq % 29)
        continue;
      CU_ASSERT_EQUAL_FATAL(retracted_by(&s->f->reader, seq, snapshot, &found, &err), 0);
      CU_ASSERT_EQUAL_FATAL(found, by);
      if (seq % 5 == 0)
        check_marks(s, seq, snapshot);
    }
    CU_ASSERT_EQUAL(block.count, inactive);
  }
  check_records(s, snapshot);
}

static void check_story(struct story *s) {
  struct watermark mark;
  uint64_t retractions = 0, first = 0;
  for (uint64_t seq = s->last; seq >= 1; seq--) {
    retractions += s->told[seq].kind == ENTRY_RETRACTION;
    first = s->told[seq].kind == ENTRY_RETRACTION ? seq : first;
  }
  projection_watermark(s->f->projection, &mark);
  CU_ASSERT_EQUAL(mark.retraction_count, retractions);
  CU_ASSERT_EQUAL(mark.first_retraction_seq, first);
  check_snapshot(s, s->last);
  check_snapshot(s, 0);
  for (int i = 0; i < 6; i++)
    check_snapshot(s, story_random(s, s->last + 1));
}

/* Whether two covers are the same. */
static void same_cover(const struct cover *a, const struct cover *b) {
  uint64_t seq_a = 0, seq_b = 0;
  bool direct_a = false, direct_b = false, more = true;
  struct cover_counts counts_a, counts_b;
  cover_counts(a, &counts_a);
  cover_counts(b, &counts_b);
  CU_ASSERT_EQUAL(memcmp(&counts_a, &counts_b, sizeof(counts_a)), 0);
  while (more) {
    more = cover_next(a, seq_a, &seq_a, &direct_a);
    CU_ASSERT_EQUAL_FATAL(cover_next(b, seq_b, &seq_b, &direct_b), more);
    CU_ASSERT_TRUE_FATAL(!more || (seq_a == seq_b && direct_a == direct_b));
  }
}

/* --- raw files --- */

/* A digest of all keys and values of an index. */
static void digest_index(struct projection *p, enum index_id index, unsigned char out[DIGEST_SIZE]) {
  DBC *cursor = NULL;
  DBT key = {0}, value = {0};
  struct buf all;
  buf_init(&all, 256 << 20);
  CU_ASSERT_EQUAL_FATAL(p->index[index]->cursor(p->index[index], NULL, &cursor, 0), 0);
  while (cursor->get(cursor, &key, &value, DB_NEXT) == 0) {
    buf_add_u32(&all, key.size);
    buf_add(&all, key.data, key.size);
    buf_add_u32(&all, value.size);
    buf_add(&all, value.data, value.size);
  }
  cursor->close(cursor);
  digest_sha256(out, buf_span(&all));
  buf_free(&all);
}

static const enum index_id compared[] = {INDEX_PREDICATE, INDEX_SOURCE,    INDEX_DERIVED,
                                         INDEX_BATCH,     INDEX_RETRACTED, INDEX_RETRACTIONS};

static void digest_all(struct projection *p, unsigned char out[HARNESS_COUNT(compared)][DIGEST_SIZE]) {
  for (size_t i = 0; i < HARNESS_COUNT(compared); i++)
    digest_index(p, compared[i], out[i]);
}

/* --- tests --- */

static void covers_are_those_of_a_naive_reader(void) {
  for (uint64_t seed = 1; seed <= 5; seed++) {
    struct fixture f;
    struct story s;
    fixture_create(&f);
    fixture_open(&f);
    story_begin(&s, &f, seed << 32);
    write_calls(&s, seed % 3 ? 120 : 12, seed % 3 ? 4 : 60, true);
    check_story(&s);
    story_end(&s);
    fixture_free(&f);
  }
}

static void covers_of_many_blocks_are_right(void) {
  struct fixture f;
  struct story s;
  fixture_create(&f);
  fixture_open(&f);
  story_begin(&s, &f, 77);
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 3900; i++)
      story_assert(&s);
    story_store(&s, true);
    for (int i = 0; i < 4; i++)
      story_retract(&s);
    story_reinstate(&s);
    story_store(&s, true);
  }
  check_snapshot(&s, s.last);
  check_snapshot(&s, s.last / 2);
  story_end(&s);
  fixture_free(&f);
}

static void a_rebuild_gives_the_same_bytes(void) {
  for (uint64_t seed = 1; seed <= 2; seed++) {
    struct fixture f;
    struct story s;
    unsigned char grown[HARNESS_COUNT(compared)][DIGEST_SIZE], rebuilt[HARNESS_COUNT(compared)][DIGEST_SIZE];
    fixture_create(&f);
    fixture_open(&f);
    story_begin(&s, &f, seed * 1000003);
    write_calls(&s, 100, 8, true);
    digest_all(f.projection, grown);
    fixture_close(&f);
    CU_ASSERT_EQUAL_FATAL(fixture_project(&f, true, &err), 0);
    digest_all(f.projection, rebuilt);
    for (size_t i = 0; i < HARNESS_COUNT(compared); i++)
      CU_ASSERT_EQUAL(memcmp(grown[i], rebuilt[i], DIGEST_SIZE), 0);
    check_snapshot(&s, s.last);
    story_end(&s);
    fixture_free(&f);
  }
}

/* As of every earlier snapshot the cover is computed, and extended to the retraction, entry by entry. */
static void a_cover_that_is_extended_is_the_same(void) {
  for (uint64_t seed = 1; seed <= 3; seed++) {
    struct fixture f;
    struct story s;
    struct buf body;
    struct retraction request;
    struct arena *arena = arena_create(1 << 20);
    struct cover *whole = NULL;
    fixture_create(&f);
    fixture_open(&f);
    story_begin(&s, &f, seed * 7777777);
    write_calls(&s, 20, 4, true); /* with retractions, so that some are inactive */
    uint64_t from = s.last;
    for (int i = 0; i < 60; i++) {
      story_assert(&s);
      story_store(&s, true);
    }
    uint64_t to = s.last;
    story_retract(&s);
    s.told[s.last].cascade = true;
    buf_init(&body, 1 << 16);
    story_request(&s, s.last, &body);
    CU_ASSERT_EQUAL_FATAL(retraction_read(arena, buf_span(&body), &request, &err), 0);
    CU_ASSERT_EQUAL_FATAL(cover_compute(&f.reader, &request, to, &whole, &err), 0);
    for (uint64_t snapshot = from; snapshot < to; snapshot += 7) {
      struct cover *part = NULL;
      CU_ASSERT_EQUAL_FATAL(cover_compute(&f.reader, &request, snapshot, &part, &err), 0);
      CU_ASSERT_EQUAL(cover_snapshot(part), snapshot);
      CU_ASSERT_EQUAL_FATAL(cover_extend_to(part, to, &err), 0);
      CU_ASSERT_EQUAL(cover_snapshot(part), to);
      same_cover(part, whole);
      cover_free(part);
    }
    cover_free(whole);
    buf_free(&body);
    arena_free(arena);
    story_end(&s);
    fixture_free(&f);
  }
}

static void parents_and_children_are_found(void) {
  struct fixture f;
  struct story s;
  fixture_create(&f);
  fixture_open(&f);
  story_begin(&s, &f, 5);
  write_calls(&s, 60, 6, true);
  for (uint64_t parent = 1; parent <= s.last; parent++) {
    uint64_t seqs[STORY_MAX];
    size_t count, i = 0;
    CU_ASSERT_EQUAL_FATAL(derived_children(&f.reader, parent, 0, s.last, seqs, STORY_MAX, &count, &err), 0);
    for (uint64_t seq = 1; seq <= s.last; seq++)
      for (size_t k = 0; k < s.told[seq].parent_count; k++)
        if (s.told[seq].parents[k] == parent) {
          CU_ASSERT_TRUE_FATAL(i < count);
          CU_ASSERT_EQUAL(seqs[i++], seq);
        }
    CU_ASSERT_EQUAL(i, count);
  }
  struct arena *arena = arena_create(1 << 20);
  struct buf record;
  buf_init(&record, ENTRY_MAX_SIZE);
  for (uint64_t seq = 1; seq <= s.last; seq++) {
    struct entry entry;
    struct assertion assertion;
    uint64_t parents[ASSERTION_DERIVED_MAX];
    bool found;
    CU_ASSERT_EQUAL_FATAL(history_get(f.store, seq, &record, &entry, &found, &err), 0);
    if (entry.kind != ENTRY_ASSERTION)
      continue;
    CU_ASSERT_EQUAL_FATAL(assertion_read(arena, entry.body, &assertion, &err), 0);
    CU_ASSERT_EQUAL_FATAL(derived_parents(&f.reader, &assertion, parents, &err), 0);
    CU_ASSERT_EQUAL_FATAL(assertion.derived_count, s.told[seq].parent_count);
    CU_ASSERT_EQUAL(memcmp(parents, s.told[seq].parents, assertion.derived_count * sizeof(*parents)), 0);
  }
  buf_free(&record);
  arena_free(arena);
  story_end(&s);
  fixture_free(&f);
}

static void undoing_what_does_not_stand_has_no_effect(void) {
  struct fixture f;
  struct story s;
  fixture_create(&f);
  fixture_open(&f);
  story_begin(&s, &f, 4242);
  for (int i = 0; i < 40; i++)
    story_assert(&s);
  story_store(&s, true);
  story_retract(&s);
  uint64_t retraction = s.last;
  story_undo(&s, 1);
  story_undo(&s, retraction);
  story_undo(&s, retraction);
  story_store(&s, true);
  check_snapshot(&s, s.last);
  CU_ASSERT_TRUE(fixture_logged(&f, "reinstates a retraction that does not exist: it has no effect"));
  CU_ASSERT_TRUE(fixture_logged(&f, "reinstates a retraction that was reinstated before: it has no effect"));
  story_end(&s);
  fixture_free(&f);
}

static void what_reaches_too_far_does_not_fit(void) {
  struct cover cover = {.all = {0}};
  for (uint64_t block = 0; block < COVER_BLOCKS_MAX; block++)
    CU_ASSERT_EQUAL_FATAL(seqset_add(&cover.all, 2 * block * RETRACTED_BLOCK, &err), 0);
  CU_ASSERT_TRUE(cover_fits(&cover));
  CU_ASSERT_EQUAL_FATAL(seqset_add(&cover.all, RETRACTED_BLOCK + 7, &err), 0);
  CU_ASSERT_FALSE(cover_fits(&cover));
  CU_ASSERT_EQUAL(seqset_last(&cover.all), (uint64_t)2 * (COVER_BLOCKS_MAX - 1) * RETRACTED_BLOCK);
  seqset_clip(&cover.all, 1, 2 * RETRACTED_BLOCK - 1);
  CU_ASSERT_EQUAL(seqset_size(&cover.all), 1);
  CU_ASSERT_EQUAL(seqset_last(&cover.all), RETRACTED_BLOCK + 7);
  seqset_free(&cover.all);
}

#ifdef STEMEDB_FAULTS_ENABLED
static void only_open(struct fixture *f) {
  fixture_open(f);
}

static void want_rebuild(const struct fixture *f) {
  char path[FILEIO_PATH_MAX];
  CU_ASSERT_EQUAL_FATAL(fileio_join(path, f->indexes, "REBUILD", &err), 0);
  int fd = open(path, O_CREAT | O_WRONLY, 0600);
  CU_ASSERT_TRUE_FATAL(fd >= 0);
  close(fd);
}

/* Between any two indexes of the transactions of a retraction and its reinstatement, and around their commits. */
static void a_kill_leaves_all_of_it_or_nothing(void) {
  struct fixture f;
  struct story s;
  fixture_create(&f);
  fixture_open(&f);
  story_begin(&s, &f, 99);
  for (int i = 0; i < 900; i++) {
    story_assert(&s);
    if (i % 300 == 299)
      story_store(&s, false);
  }
  story_retract(&s);
  story_assert(&s);
  story_reinstate(&s);
  story_retract(&s);
  story_store(&s, false);
  for (int at = 1; at <= 4 * INDEX_COUNT; at += 3) {
    char faults[64];
    snprintf(faults, sizeof(faults), "projection.apply.index=kill@%d", at);
    want_rebuild(&f);
    fixture_release(&f);
    CU_ASSERT_TRUE(fixture_killed(&f, faults, only_open));
    fixture_reopen(&f);
    fixture_open(&f);
    check_snapshot(&s, s.last);
  }
  static const char *const commits[] = {"projection.apply.before_commit=kill@2", "projection.apply.after_commit=kill@2",
                                        "projection.apply.before_commit=kill@3",
                                        "projection.apply.after_commit=kill@3"};
  for (size_t i = 0; i < HARNESS_COUNT(commits); i++) {
    want_rebuild(&f);
    fixture_release(&f);
    CU_ASSERT_TRUE(fixture_killed(&f, commits[i], only_open));
    fixture_reopen(&f);
    fixture_open(&f);
    check_snapshot(&s, s.last);
  }
  story_end(&s);
  fixture_free(&f);
}
#endif

static void rows_of_any_shape_come_back(void) {
  for (uint64_t n = 0; n < 3000; n++) {
    uint64_t words[RETRACTED_WORDS] = {0}, back[RETRACTED_WORDS], reinstated;
    unsigned char value[RETRACTED_VALUE_MAX];
    uint64_t shape = n % 6;
    for (uint64_t i = 0; i < RETRACTED_BLOCK; i++) {
      bool set = shape == 0   ? true
                 : shape == 1 ? i == mix(n) % RETRACTED_BLOCK
                 : shape == 2 ? mix(n * RETRACTED_BLOCK + i) % 2
                 : shape == 3 ? i >= mix(n) % RETRACTED_BLOCK
                 : shape == 4 ? mix(n + i / (1 + mix(n) % 300)) % 3 == 0
                              : i == 0 || i == RETRACTED_BLOCK - 1;
      if (set)
        words[i / 64] |= UINT64_C(1) << i % 64;
    }
    words[0] |= shape == 4;
    size_t len = retracted_encode(words, n, value);
    CU_ASSERT_TRUE_FATAL(len <= RETRACTED_VALUE_MAX);
    CU_ASSERT_TRUE_FATAL(retracted_decode(span_of(value, len), back, &reinstated));
    CU_ASSERT_EQUAL(memcmp(words, back, sizeof(words)), 0);
    CU_ASSERT_EQUAL(reinstated, n);
    if (shape == 0 || shape == 1)
      CU_ASSERT_TRUE(len <= 13);
    for (size_t cut = 0; cut < len && n < 12; cut++)
      (void)retracted_decode(span_of(value, cut), back, &reinstated); /* must not read beyond */
  }
  uint64_t back[RETRACTED_WORDS], reinstated;
  unsigned char bad[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0x3f, 0x02}; /* a run beyond the block */
  CU_ASSERT_FALSE(retracted_decode(span_of(bad, sizeof(bad)), back, &reinstated));
  bad[8] = 3;
  CU_ASSERT_FALSE(retracted_decode(span_of(bad, sizeof(bad)), back, &reinstated));
}

int main(void) {
  static const struct test_case cases[] = {
      {"what retractions cover is what a naive reader finds, as of any moment", covers_are_those_of_a_naive_reader},
      {"covers over many blocks are right", covers_of_many_blocks_are_right},
      {"a rebuild gives the same bytes as projecting one by one", a_rebuild_gives_the_same_bytes},
      {"a cover as of before, extended entry by entry, is the same", a_cover_that_is_extended_is_the_same},
      {"parents and children of an assertion are found", parents_and_children_are_found},
      {"undoing what does not stand has no effect", undoing_what_does_not_stand_has_no_effect},
      {"a cover that reaches too far for one transaction is told", what_reaches_too_far_does_not_fit},
#ifdef STEMEDB_FAULTS_ENABLED
      {"kill -9 anywhere leaves all of a retraction or nothing", a_kill_leaves_all_of_it_or_nothing},
#endif
      {"rows of any shape come back as they were", rows_of_any_shape_come_back},
  };
  return harness_run("cover", cases, HARNESS_COUNT(cases));
}
