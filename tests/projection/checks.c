/* Everything that the projections answer, compared with what is known of the history. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tests/harness/harness.h"
#include "tests/projection/fixture.h"

void check_ids(struct fixture *f) {
  struct err err;
  uint64_t seq;
  bool found;
  for (uint64_t i = 1; i <= f->last; i += 1 + (f->last > 5000 ? i % 7 : 0)) {
    CU_ASSERT_EQUAL_FATAL(lookup_id(&f->reader, f->made[i].id, f->last, &seq, &found, &err), 0);
    CU_ASSERT_TRUE_FATAL(found);
    CU_ASSERT_EQUAL(seq, i);
    CU_ASSERT_EQUAL(lookup_assertion(&f->reader, f->made[i].id, f->last, &seq, &found, &err), 0);
    CU_ASSERT_EQUAL(found, f->made[i].kind == ENTRY_ASSERTION);
    CU_ASSERT_EQUAL(lookup_id(&f->reader, f->made[i].id, i - 1, &seq, &found, &err), 0);
    CU_ASSERT_FALSE(found);
    unsigned char other[ID_SIZE];
    memcpy(other, f->made[i].id, ID_SIZE);
    other[ID_SIZE - 1] ^= 1; /* beyond what the key holds */
    CU_ASSERT_EQUAL(lookup_id(&f->reader, other, f->last, &seq, &found, &err), 0);
    CU_ASSERT_FALSE(found);
    other[0] ^= 1;
    CU_ASSERT_EQUAL(lookup_id(&f->reader, other, f->last, &seq, &found, &err), 0);
    CU_ASSERT_FALSE(found);
  }
}

/* --- scans against a sorted array --- */

struct sorted {
  const struct fixture *f;
  uint64_t *seqs;
  size_t count;
};

static const struct fixture *sorting; /* for qsort's comparison alone */

static int compare_place(const struct made *a, uint64_t a_seq, const struct made *b, uint64_t b_seq) {
  int order = span_compare(span_str(a->path), span_str(b->path));
  if (order == 0)
    order = span_compare(span_str(a->predicate), span_str(b->predicate));
  if (order == 0)
    order = span_compare(span_str(a->source), span_str(b->source));
  return order ? order : (a_seq < b_seq) - (a_seq > b_seq);
}

static int compare_seqs(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return compare_place(&sorting->made[x], x, &sorting->made[y], y);
}

static void sorted_make(struct sorted *s, const struct fixture *f) {
  *s = (struct sorted){.f = f, .seqs = calloc(f->last + 1, sizeof(uint64_t))};
  for (uint64_t seq = 1; seq <= f->last; seq++)
    if (f->made[seq].kind == ENTRY_ASSERTION)
      s->seqs[s->count++] = seq;
  sorting = f;
  qsort(s->seqs, s->count, sizeof(uint64_t), compare_seqs);
}

static void check_row(const struct fixture *f, uint64_t seq, const struct concept_row *row) {
  const struct made *m = &f->made[seq];
  struct server_section server;
  struct err err;
  CU_ASSERT_EQUAL_FATAL(row->seq, seq);
  CU_ASSERT_TRUE(span_equal(row->path, span_str(m->path)));
  CU_ASSERT_TRUE(span_equal(row->predicate, span_str(m->predicate)));
  CU_ASSERT_TRUE(span_equal(row->source, span_str(m->source)));
  CU_ASSERT_EQUAL(row->entry.kind, ENTRY_ASSERTION);
  CU_ASSERT_EQUAL(row->entry.seq, seq);
  CU_ASSERT_EQUAL(row->entry.time_us, (uint64_t)FIXTURE_TIME * 1000000 + seq * 10);
  CU_ASSERT_EQUAL(memcmp(row->entry.id, m->id, ID_SIZE), 0);
  CU_ASSERT_TRUE(span_equal(row->entry.body, span_of(m->body, m->body_len)));
  CU_ASSERT_EQUAL_FATAL(entry_parse_server(row->entry.server, &server, &err), 0);
  CU_ASSERT_EQUAL(server.batch.data != NULL, m->batch[0] != 0);
  if (server.batch.data)
    CU_ASSERT_TRUE(span_equal(server.batch, span_of(m->batch, 16)));
  CU_ASSERT_EQUAL(server.recorded_by.data != NULL, seq % 7 == 0);
}

void check_scan(struct fixture *f) {
  struct err err;
  struct sorted s;
  struct concept_scan *scan = NULL;
  struct concept_row row;
  bool found;
  sorted_make(&s, f);
  CU_ASSERT_EQUAL_FATAL(concept_scan_open(&f->reader, &scan, &err), 0);
  CU_ASSERT_EQUAL_FATAL(
      concept_scan_seek(scan, span_str(""), span_str(""), span_str(""), UINT64_MAX, &row, &found, &err), 0);
  for (size_t i = 0; i < s.count; i++) {
    CU_ASSERT_TRUE_FATAL(found);
    check_row(f, s.seqs[i], &row);
    CU_ASSERT_EQUAL_FATAL(concept_scan_next(scan, &row, &found, &err), 0);
  }
  CU_ASSERT_FALSE(found);
  CU_ASSERT_EQUAL(concept_scan_next(scan, &row, &found, &err), 0);
  CU_ASSERT_FALSE(found);
  concept_scan_close(scan);
  free(s.seqs);
}

/* The place in the order of the first assertion at or after these. */
static size_t lower_bound(const struct sorted *s, const struct made *m, uint64_t seq) {
  size_t low = 0, high = s->count;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (compare_place(&s->f->made[s->seqs[mid]], s->seqs[mid], m, seq) < 0)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

/* How many parts (path, predicate, source) two assertions have in common, from the left. */
static size_t common_parts(const struct made *a, const struct made *b) {
  if (strcmp(a->path, b->path) != 0)
    return 0;
  if (strcmp(a->predicate, b->predicate) != 0)
    return 1;
  return strcmp(a->source, b->source) != 0 ? 2 : 3;
}

/* A walk of `steps` from one seek: next, next source, next predicate and next path, as `r` says. */
static void random_walk(struct fixture *f, const struct sorted *s, struct concept_scan *scan, uint64_t r) {
  static int (*const move[])(struct concept_scan *, struct concept_row *, bool *, struct err *) = {
      concept_scan_next_path, concept_scan_next_predicate, concept_scan_next_source, concept_scan_next};
  struct made from = f->made[1 + r % f->last];
  uint64_t seq = r >> 32 & 1 ? UINT64_MAX : mix(r) % f->last;
  struct concept_row row;
  struct err err;
  bool found;
  if (from.kind != ENTRY_ASSERTION || r >> 33 & 1)
    from.source[0] = 0;
  if (r >> 34 & 1)
    from.predicate[0] = 0;
  CU_ASSERT_EQUAL_FATAL(concept_scan_seek(scan, span_str(from.path), span_str(from.predicate), span_str(from.source),
                                          seq, &row, &found, &err),
                        0);
  size_t at = lower_bound(s, &from, seq);
  for (unsigned step = 0; step < 30 && at < s->count; step++) {
    CU_ASSERT_TRUE_FATAL(found);
    check_row(f, s->seqs[at], &row);
    unsigned how = (unsigned)(mix(r + step) >> 7 & 3);
    size_t last = at++;
    while (how < 3 && at < s->count && common_parts(&f->made[s->seqs[last]], &f->made[s->seqs[at]]) > how)
      at++;
    CU_ASSERT_EQUAL_FATAL(move[how](scan, &row, &found, &err), 0);
  }
  CU_ASSERT_EQUAL(found, at < s->count);
}

void check_skips(struct fixture *f) {
  struct err err;
  struct sorted s;
  struct concept_scan *scan = NULL;
  sorted_make(&s, f);
  CU_ASSERT_EQUAL_FATAL(concept_scan_open(&f->reader, &scan, &err), 0);
  for (uint64_t i = 0; i < 300; i++)
    random_walk(f, &s, scan, mix(i ^ f->last << 20));
  concept_scan_close(scan);
  free(s.seqs);
}

/* --- posting lists --- */

static bool in_list(const struct fixture *f, enum posting list, uint64_t like, uint64_t seq) {
  const struct made *a = &f->made[like], *b = &f->made[seq];
  if (list == POSTING_PREDICATE && a->kind != ENTRY_ASSERTION)
    return b->kind != ENTRY_ASSERTION;
  if (b->kind != ENTRY_ASSERTION)
    return false;
  if (list == POSTING_PREDICATE)
    return strcmp(a->predicate, b->predicate) == 0;
  if (list == POSTING_BATCH)
    return memcmp(a->batch, b->batch, sizeof(a->batch)) == 0;
  if (list == POSTING_SOURCE)
    return strcmp(a->source, b->source) == 0;
  for (size_t i = 0; i < b->derived_count; i++)
    if (b->derived[i] == like)
      return true;
  return false;
}

/* Reads a list in pages of `page` and compares it with a walk over all entries. */
static void check_list(struct fixture *f, enum posting list, uint64_t like, size_t page, uint64_t snapshot) {
  const struct made *m = &f->made[like];
  unsigned char parent[8];
  put_u64(parent, like);
  struct span term = list == POSTING_PREDICATE ? span_str(m->kind == ENTRY_ASSERTION ? m->predicate : "")
                     : list == POSTING_SOURCE  ? span_str(m->source)
                     : list == POSTING_BATCH   ? span_of(m->batch, sizeof(m->batch))
                                               : span_of(parent, sizeof(parent));
  uint64_t *seqs = calloc(page, sizeof(uint64_t)), expected = 0;
  struct err err;
  size_t count, i = 0;
  CU_ASSERT_EQUAL_FATAL(posting_read(&f->reader, list, term, 0, snapshot, seqs, page, &count, &err), 0);
  for (expected = 1; expected <= snapshot; expected++) {
    if (!in_list(f, list, like, expected))
      continue;
    CU_ASSERT_TRUE_FATAL(i < count);
    CU_ASSERT_EQUAL_FATAL(seqs[i], expected);
    if (++i == page) {
      CU_ASSERT_EQUAL_FATAL(posting_read(&f->reader, list, term, expected, snapshot, seqs, page, &count, &err), 0);
      i = 0;
    }
  }
  CU_ASSERT_EQUAL(i, count);
  free(seqs);
}

void check_postings(struct fixture *f) {
  for (uint64_t i = 0; i < 12; i++) {
    uint64_t like = 1 + mix(i + f->last) % f->last;
    uint64_t snapshot = i % 3 ? f->last : mix(i) % f->last;
    size_t page = 1 + mix(like) % 5000;
    check_list(f, POSTING_PREDICATE, like, page, snapshot);
    check_list(f, POSTING_SOURCE, like, page, snapshot);
    check_list(f, POSTING_DERIVED, like, page, snapshot);
    if (f->made[like].batch[0])
      check_list(f, POSTING_BATCH, like, page, snapshot);
  }
  uint64_t seqs[1];
  struct err err;
  size_t count;
  CU_ASSERT_EQUAL(posting_read(&f->reader, POSTING_PREDICATE, span_str("statu"), 0, f->last, seqs, 1, &count, &err), 0);
  CU_ASSERT_EQUAL(count, 0);
}

/* --- idempotency keys --- */

static struct span scope_of(const struct made *m, char *bytes) {
  memcpy(bytes, m->scope, sizeof(m->scope));
  *strchr(bytes, '|') = 0;
  return span_of(bytes, strlen(m->scope));
}

/* The record that the entries of a call must have made: those from `first` on with the same scope and number. */
static void expected_record(const struct fixture *f, uint64_t first, struct key_record *out) {
  out->first_seq = first;
  for (uint64_t seq = first; seq <= f->last && seq < first + 4; seq++) {
    const struct made *m = &f->made[seq];
    if (strcmp(m->scope, f->made[first].scope) != 0 || m->call != f->made[first].call)
      return;
    unsigned char both[2 * DIGEST_SIZE];
    memcpy(both, out->content, DIGEST_SIZE);
    digest_sha256(both + DIGEST_SIZE, span_of(m->body, m->body_len));
    if (seq == first)
      memcpy(out->content, both + DIGEST_SIZE, DIGEST_SIZE);
    else
      digest_sha256(out->content, span_of(both, sizeof(both)));
    out->last_seq = seq;
  }
}

static void check_key(struct fixture *f, uint64_t seq) {
  const struct made *m = &f->made[seq];
  struct key_record expected, record;
  char scope_bytes[sizeof(m->scope)];
  struct span scope = scope_of(m, scope_bytes);
  unsigned char hash[DIGEST_SIZE] = {0}, body[DIGEST_SIZE];
  struct err err;
  uint64_t line_seq = 0;
  bool found;
  memcpy(hash, &m->call, sizeof(m->call));
  digest_sha256(body, span_of(m->body, m->body_len));
  bool import = strcmp(m->scope, "|import") == 0;
  CU_ASSERT_EQUAL_FATAL(lookup_import_line(&f->reader, scope, hash, body, &line_seq, &found, &err), 0);
  CU_ASSERT_EQUAL(found, import);
  if (import)
    CU_ASSERT_EQUAL(line_seq, seq);
  CU_ASSERT_EQUAL_FATAL(lookup_key(&f->reader, scope, hash, &record, &found, &err), 0);
  CU_ASSERT_EQUAL(found, !import);
  hash[31] = 1;
  if (found && (seq - 1) % 4 == 0) {
    expected_record(f, seq, &expected);
    CU_ASSERT_EQUAL(record.first_seq, expected.first_seq);
    CU_ASSERT_EQUAL(record.last_seq, expected.last_seq);
    CU_ASSERT_EQUAL(memcmp(record.content, expected.content, DIGEST_SIZE), 0);
    CU_ASSERT_EQUAL_FATAL(lookup_key(&f->reader, scope, hash, &record, &found, &err), 0);
    CU_ASSERT_FALSE(found);
  }
}

void check_keys(struct fixture *f) {
  for (uint64_t seq = 1; seq <= f->last; seq++)
    if (f->made[seq].scope[0])
      check_key(f, seq);
}

/* --- roots and counts --- */

static void check_root(struct fixture *f, uint64_t seq) {
  unsigned char root[DIGEST_SIZE], expected[DIGEST_SIZE];
  struct err err;
  uint64_t count, assertions = 0;
  CU_ASSERT_EQUAL_FATAL(merkle_root_at(&f->reader, seq, root, &count, &err), 0);
  naive_root(f, 1, seq, expected);
  CU_ASSERT_EQUAL(memcmp(root, expected, DIGEST_SIZE), 0);
  for (uint64_t i = 1; i <= seq; i++)
    assertions += f->made[i].kind == ENTRY_ASSERTION;
  CU_ASSERT_EQUAL(count, assertions);
}

void check_roots(struct fixture *f) {
  struct watermark mark = {0};
  unsigned char expected[DIGEST_SIZE];
  projection_watermark(f->projection, &mark);
  CU_ASSERT_EQUAL(projection_applied(f->projection), f->last);
  CU_ASSERT_EQUAL(mark.visible_seq, f->last);
  CU_ASSERT_EQUAL(mark.time_us, f->last ? (uint64_t)FIXTURE_TIME * 1000000 + f->last * 10 : 0);
  naive_root(f, 1, f->last, expected);
  CU_ASSERT_EQUAL(memcmp(mark.root, expected, DIGEST_SIZE), 0);
  check_root(f, 0);
  check_root(f, f->last);
  for (uint64_t i = 0; i < 20 && f->last; i++)
    check_root(f, mix(i + f->last) % (f->last + 1));
}

void check_everything(struct fixture *f) {
  check_roots(f);
  check_ids(f);
  check_scan(f);
  check_skips(f);
  check_postings(f);
  check_keys(f);
}
