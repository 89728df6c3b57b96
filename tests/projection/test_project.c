/* What is projected equals what a naive reader of the history knows. */
#include <string.h>

#include "tests/harness/harness.h"
#include "tests/projection/fixture.h"

static void an_empty_history_has_empty_projections(void) {
  struct fixture f;
  struct concept_scan *scan = NULL;
  struct concept_row row;
  struct err err;
  bool found = true;
  fixture_create(&f);
  fixture_open(&f);
  check_roots(&f);
  CU_ASSERT_EQUAL_FATAL(concept_scan_open(&f.reader, &scan, &err), 0);
  CU_ASSERT_EQUAL(concept_scan_seek(scan, span_str("a"), span_str(""), span_str(""), UINT64_MAX, &row, &found, &err),
                  0);
  CU_ASSERT_FALSE(found);
  concept_scan_close(scan);
  fixture_free(&f);
}

static void batches_of_any_size_give_the_same_answers(void) {
  static const size_t sizes[] = {1, 2, 7, 32, 255, 256, 257, 1000, 6000};
  struct fixture f;
  fixture_create(&f);
  fixture_open(&f);
  for (size_t i = 0; i < HARNESS_COUNT(sizes); i++)
    fixture_apply(&f, sizes[i] < 100 ? 200 : 2 * sizes[i], sizes[i]);
  check_everything(&f);
  fixture_free(&f);
}

static void the_root_is_right_at_every_seq(void) {
  struct fixture f;
  fixture_create(&f);
  fixture_open(&f);
  unsigned char root[DIGEST_SIZE], expected[DIGEST_SIZE];
  struct err err;
  uint64_t count;
  for (uint64_t seq = 1; seq <= 600; seq++) {
    fixture_apply(&f, 1, 1);
    struct watermark mark;
    projection_watermark(f.projection, &mark);
    naive_root(&f, 1, seq, expected);
    CU_ASSERT_EQUAL(memcmp(mark.root, expected, DIGEST_SIZE), 0);
  }
  for (uint64_t seq = 0; seq <= 600; seq++) {
    naive_root(&f, 1, seq, expected);
    CU_ASSERT_EQUAL_FATAL(merkle_root_at(&f.reader, seq, root, &count, &err), 0);
    CU_ASSERT_EQUAL(memcmp(root, expected, DIGEST_SIZE), 0);
  }
  fixture_free(&f);
}

/* Proofs between a and b, at the ends of blocks and beside them, hold against the roots by definition. */
static void check_proofs(struct fixture *f, uint64_t a, uint64_t b) {
  unsigned char from_root[DIGEST_SIZE], to_root[DIGEST_SIZE], leaf[DIGEST_SIZE];
  struct merkle_proof proof;
  struct err err;
  naive_root(f, 1, a, from_root);
  naive_root(f, 1, b, to_root);
  CU_ASSERT_EQUAL_FATAL(merkle_prove_prefix(&f->reader, a, b, &proof, &err), 0);
  CU_ASSERT_TRUE(proof_is_prefix(&proof, a, from_root, b, to_root));
  CU_ASSERT_EQUAL_FATAL(merkle_prove_inclusion(&f->reader, a, b, leaf, &proof, &err), 0);
  CU_ASSERT_EQUAL(memcmp(leaf, f->made[a].leaf, DIGEST_SIZE), 0);
  CU_ASSERT_TRUE(proof_includes(&proof, a, leaf, b, to_root));
}

static void proofs_hold_between_any_two_seqs(void) {
  static const uint64_t seqs[] = {1,   2,   3,   5,    127,  128,  255,  256,  257,  300,
                                  511, 512, 513, 1024, 1025, 1535, 1792, 2047, 2048, 2100};
  struct fixture f;
  fixture_create(&f);
  fixture_open(&f);
  fixture_apply(&f, 2100, 300);
  for (size_t i = 0; i < HARNESS_COUNT(seqs); i++)
    for (size_t k = i; k < HARNESS_COUNT(seqs); k++)
      check_proofs(&f, seqs[i], seqs[k]);
  for (uint64_t n = 0; n < 200; n++) {
    uint64_t b = 1 + mix(n) % 2100, a = 1 + mix(n + 1000) % b;
    check_proofs(&f, a, b);
  }
  fixture_free(&f);
}

static void a_gap_is_refused(void) {
  struct fixture f;
  struct err err;
  struct buf record;
  struct entry entry;
  bool found;
  fixture_create(&f);
  fixture_open(&f);
  fixture_apply(&f, 3, 3);
  fixture_grow(&f, 2);
  buf_init(&record, ENTRY_MAX_SIZE);
  CU_ASSERT_EQUAL_FATAL(history_get(f.store, 5, &record, &entry, &found, &err), 0);
  CU_ASSERT_EQUAL(projection_apply(f.projection, &entry, 1, &err), ERR_INVALID);
  CU_ASSERT_EQUAL(projection_applied(f.projection), 3);
  CU_ASSERT_EQUAL_FATAL(history_get(f.store, 4, &record, &entry, &found, &err), 0);
  CU_ASSERT_EQUAL(projection_apply(f.projection, &entry, 1, &err), 0);
  CU_ASSERT_EQUAL_FATAL(history_get(f.store, 5, &record, &entry, &found, &err), 0);
  CU_ASSERT_EQUAL(projection_apply(f.projection, &entry, 1, &err), 0);
  buf_free(&record);
  check_everything(&f);
  fixture_free(&f);
}

static void a_reader_in_the_same_environment_sees_the_same(void) {
  struct fixture f;
  struct err err;
  fixture_create(&f);
  fixture_open(&f);
  fixture_apply(&f, 3000, 500);
  struct projection *joined = NULL;
  CU_ASSERT_EQUAL_FATAL(projection_join(&f.config, &f.log, NULL, &joined, &err), 0);
  f.reader.projection = joined;
  check_ids(&f);
  check_scan(&f);
  check_postings(&f);
  CU_ASSERT_EQUAL(projection_close(joined, &err), 0);
  fixture_free(&f);
}

int main(void) {
  static const struct test_case cases[] = {
      {"an empty history has empty projections", an_empty_history_has_empty_projections},
      {"batches of any size give the same answers", batches_of_any_size_give_the_same_answers},
      {"the root is right at every seq", the_root_is_right_at_every_seq},
      {"proofs hold between any two seqs", proofs_hold_between_any_two_seqs},
      {"a gap is refused", a_gap_is_refused},
      {"a reader that joined sees the same", a_reader_in_the_same_environment_sees_the_same},
  };
  return harness_run("project", cases, HARNESS_COUNT(cases));
}
