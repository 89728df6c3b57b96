#include "projection/cover_internal.h"

#include <stdlib.h>

#include "base/fault.h"
#include "model/name.h"

enum { SCRATCH_MAX = 4 << 20, PIECE_BYTES = 1 << 20 };

void cover_free(struct cover *c) {
  if (!c)
    return;
  seqset_free(&c->all);
  seqset_free(&c->direct);
  arena_free(c->scratch);
  free(c);
}

/* How many of a block's covered ones are inactive already. */
static void count_block(struct cover *c, uint64_t block, const struct retracted_block *inactive) {
  const uint64_t *all = seqset_peek(&c->all, block), *direct = seqset_peek(&c->direct, block);
  for (size_t i = 0; i < SEQSET_WORDS; i++) {
    uint64_t selected = direct ? direct[i] : 0;
    c->inactive_direct += (uint64_t)__builtin_popcountll(selected & inactive->bits[i]);
    c->inactive_cascaded += (uint64_t)__builtin_popcountll(all[i] & ~selected & inactive->bits[i]);
  }
}

static int count_inactive(struct cover *c, struct err *err) {
  struct retracted_block inactive;
  uint64_t first;
  int rc = retracted_first(&c->reader, &first, err);
  if (rc || first == 0 || first > c->snapshot)
    return rc;
  for (uint64_t block = 0; block < c->all.count && rc == 0; block++) {
    if (!seqset_peek(&c->all, block))
      continue;
    rc = retracted_read(&c->reader, block, c->snapshot, &inactive, err);
    if (rc == 0 && inactive.count)
      count_block(c, block, &inactive);
  }
  return rc;
}

int cover_compute(const struct reader *reader, const struct retraction *retraction, uint64_t snapshot,
                  struct cover **out, struct err *err) {
  struct cover *c = calloc(1, sizeof(*c));
  if (!c)
    return err_set(err, ERR_NOMEM, "no memory for a retraction");
  c->reader = *reader;
  c->retraction = retraction;
  c->snapshot = snapshot;
  c->scratch = arena_create(SCRATCH_MAX);
  int rc = c->scratch ? cover_select(c, err) : err_set(err, ERR_NOMEM, "no memory for a retraction");
  if (rc == 0)
    rc = cover_cascade(c, err);
  if (rc == 0)
    rc = count_inactive(c, err);
  if (rc) {
    cover_free(c);
    return rc;
  }
  *out = c;
  return 0;
}

uint64_t cover_snapshot(const struct cover *c) {
  return c->snapshot;
}

/* --- entry by entry --- */

static int compare_id(const void *a, const void *b) {
  return memcmp(a, b, ID_SIZE);
}

/* Whether an assertion is selected itself. */
static bool selected(const struct retraction *r, const struct entry *entry, const struct assertion *a,
                     struct span batch) {
  if (entry->seq < r->from_seq || entry->seq > r->to_seq ||
      (r->predicate.len && !span_equal(a->predicate, r->predicate)) ||
      (r->has_source && !span_equal(a->source, r->source)))
    return false;
  if ((r->batch.len && span_equal(batch, r->batch)) ||
      (r->id_count && bsearch(entry->id, r->ids, r->id_count, ID_SIZE, compare_id)))
    return true;
  if (name_is_reserved(a->predicate) && r->predicate.len == 0)
    return false;
  return r->concept_path.len ? span_equal(a->concept_path, r->concept_path) : retraction_is_by_name(r);
}

/* Whether an assertion rests on something that is covered. */
static int rests(const struct cover *c, const struct assertion *a, bool *on_covered, struct err *err) {
  *on_covered = false;
  for (size_t i = 0; i < a->derived_count && !*on_covered; i++) {
    unsigned char id[ID_SIZE];
    uint64_t seq;
    bool found;
    assertion_derived_id(a, i, id);
    int rc = ids_find(c->reader.projection, id, &seq, &found, err);
    if (rc)
      return rc;
    *on_covered = found && seqset_has(&c->all, seq);
  }
  return 0;
}

static int match(struct cover *c, const struct entry *entry, struct err *err) {
  const struct retraction *r = c->retraction;
  struct server_section server;
  struct assertion a;
  int rc = entry_parse_server(entry->server, &server, err);
  if (rc == 0)
    rc = assertion_read(c->scratch, entry->body, &a, err);
  if (rc)
    return rc;
  bool direct = selected(r, entry, &a, server.batch), covered = direct;
  if (!direct && r->cascade && !name_is_reserved(a.predicate)) {
    covered = r->concept_path.len && span_equal(a.source, r->concept_path);
    rc = covered ? 0 : rests(c, &a, &covered, err);
  }
  if (rc == 0 && direct)
    rc = seqset_add(&c->direct, entry->seq, err);
  return rc == 0 && covered ? seqset_add(&c->all, entry->seq, err) : rc;
}

int cover_extend(struct cover *c, const struct entry *entry, struct err *err) {
  if (entry->seq != c->snapshot + 1)
    return err_set(err, ERR_INVALID, "a retraction cannot look at entry %llu after %llu",
                   (unsigned long long)entry->seq, (unsigned long long)c->snapshot);
  arena_reset(c->scratch);
  int rc = entry->kind == ENTRY_ASSERTION ? match(c, entry, err) : 0;
  if (rc == 0)
    c->snapshot = entry->seq;
  return rc;
}

int cover_extend_to(struct cover *c, uint64_t to, struct err *err) {
  struct buf records;
  int rc = 0;
  buf_init(&records, PIECE_BYTES + 2 * ENTRY_MAX_SIZE);
  while (rc == 0 && c->snapshot < to) {
    size_t count = 0;
    rc = history_read(c->reader.store, c->snapshot + 1, to, PIECE_BYTES, &records, &count, err);
    if (rc == 0 && count == 0)
      rc = err_set(err, ERR_CORRUPT, "the history has no seq %llu", (unsigned long long)c->snapshot + 1);
    struct span rest = buf_span(&records);
    while (rc == 0 && rest.len) {
      struct entry entry;
      rc = history_next(&rest, &entry, err);
      if (rc == 0)
        rc = cover_extend(c, &entry, err);
    }
  }
  buf_free(&records);
  return rc;
}

/* --- what it is --- */

void cover_counts(const struct cover *c, struct cover_counts *out) {
  out->covers_direct = seqset_size(&c->direct);
  out->covers_cascaded = seqset_size(&c->all) - out->covers_direct;
  out->direct = out->covers_direct - c->inactive_direct;
  out->cascaded = out->covers_cascaded - c->inactive_cascaded;
}

bool cover_fits(const struct cover *c) {
  size_t blocks = 0;
  if (FAULT_FAILS("projection.cover.fits"))
    return false;
  for (size_t block = 0; block < c->all.count; block++)
    blocks += c->all.blocks[block] != NULL;
  return blocks <= COVER_BLOCKS_MAX;
}

bool cover_next(const struct cover *c, uint64_t after, uint64_t *seq, bool *direct) {
  if (!seqset_next(&c->all, after + 1, seq))
    return false;
  *direct = seqset_has(&c->direct, *seq);
  return true;
}
