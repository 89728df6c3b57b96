/* What a retraction selects itself, as of a snapshot, from the indexes. */
#include "model/name.h"
#include "projection/cover_internal.h"
#include "projection/postings.h"

/* Adds the assertions of a term, or of all predicates that begin with it. */
static int collect(const struct cover *c, enum index_id index, struct span term, bool prefix, uint64_t first,
                   uint64_t last, struct seqset *set, struct err *err) {
  return postings_collect(c->reader.projection, index, term, prefix, first, last, set, err);
}

/* The seqs first..last that the range leaves of the history up to the snapshot. */
static uint64_t range_last(const struct cover *c) {
  return c->retraction->to_seq < c->snapshot ? c->retraction->to_seq : c->snapshot;
}

/* Keeps of `set` what is in a list. */
static int intersect(const struct cover *c, enum index_id index, struct span term, struct seqset *set,
                     struct err *err) {
  struct seqset other = {0};
  uint64_t first;
  int rc = 0;
  if (!seqset_next(set, 1, &first))
    return 0;
  rc = collect(c, index, term, false, first, seqset_last(set), &other, err);
  if (rc == 0)
    seqset_and(set, &other);
  seqset_free(&other);
  return rc;
}

static int subtract(const struct cover *c, struct span predicate, bool prefix, struct seqset *set, struct err *err) {
  struct seqset other = {0};
  int rc = collect(c, INDEX_PREDICATE, predicate, prefix, 1, c->snapshot, &other, err);
  if (rc == 0)
    seqset_remove(set, &other);
  seqset_free(&other);
  return rc;
}

/* What ids and batch name, narrowed. */
static int select_named(struct cover *c, struct err *err) {
  const struct retraction *r = c->retraction;
  struct seqset named = {0};
  int rc = 0;
  for (size_t i = 0; i < r->id_count && rc == 0; i++) {
    uint64_t seq;
    bool found;
    rc = lookup_id(&c->reader, r->ids + i * ID_SIZE, c->snapshot, &seq, &found, err);
    if (rc == 0 && found)
      rc = seqset_add(&named, seq, err);
  }
  if (rc == 0 && r->id_count) /* which may be ids of retractions */
    rc = subtract(c, (struct span){NULL, 0}, false, &named, err);
  if (rc == 0 && r->batch.len)
    rc = collect(c, INDEX_BATCH, r->batch, false, r->from_seq, range_last(c), &named, err);
  seqset_clip(&named, r->from_seq, range_last(c));
  if (rc == 0 && r->predicate.len)
    rc = intersect(c, INDEX_PREDICATE, r->predicate, &named, err);
  if (rc == 0 && r->has_source)
    rc = intersect(c, INDEX_SOURCE, r->source, &named, err);
  if (rc == 0)
    rc = seqset_or(&c->direct, &named, err);
  seqset_free(&named);
  return rc;
}

/* One row of the path: adds it if it is selected, and goes on to the next that may be. */
static int take_row(struct cover *c, struct concept_scan *scan, struct concept_row *row, bool *found, struct err *err) {
  const struct retraction *r = c->retraction;
  if (r->predicate.len == 0 && name_is_reserved(row->predicate))
    return concept_scan_next_predicate(scan, row, found, err);
  if (r->has_source && !span_equal(row->source, r->source))
    return concept_scan_next_source(scan, row, found, err);
  int rc = 0;
  if (row->seq >= r->from_seq && row->seq <= range_last(c))
    rc = seqset_add(&c->direct, row->seq, err);
  return rc ? rc : concept_scan_next(scan, row, found, err);
}

static int select_path(struct cover *c, struct err *err) {
  const struct retraction *r = c->retraction;
  struct concept_scan *scan = NULL;
  struct concept_row row;
  bool found = false;
  int rc = concept_scan_open(&c->reader, &scan, err);
  if (rc)
    return rc;
  concept_scan_keys_only(scan);
  rc = concept_scan_seek(scan, r->concept_path, r->predicate, (struct span){NULL, 0}, UINT64_MAX, &row, &found, err);
  while (rc == 0 && found && span_equal(row.path, r->concept_path) &&
         (r->predicate.len == 0 || span_equal(row.predicate, r->predicate)))
    rc = take_row(c, scan, &row, &found, err);
  concept_scan_close(scan);
  return rc;
}

/* Of the whole store. */
static int select_all(struct cover *c, struct err *err) {
  const struct retraction *r = c->retraction;
  uint64_t first = r->from_seq, last = range_last(c);
  int rc;
  if (r->has_source)
    rc = collect(c, INDEX_SOURCE, r->source, false, first, last, &c->direct, err);
  else if (r->predicate.len)
    return collect(c, INDEX_PREDICATE, r->predicate, false, first, last, &c->direct, err);
  else if ((rc = seqset_add_range(&c->direct, first, last, err)) == 0)
    rc = subtract(c, (struct span){NULL, 0}, false, &c->direct, err);
  if (rc)
    return rc;
  return r->predicate.len ? intersect(c, INDEX_PREDICATE, r->predicate, &c->direct, err)
                          : subtract(c, span_str(NAME_RESERVED), true, &c->direct, err);
}

int cover_select(struct cover *c, struct err *err) {
  const struct retraction *r = c->retraction;
  int rc = 0;
  if (r->from_seq > range_last(c))
    return 0;
  if (r->concept_path.len)
    rc = select_path(c, err);
  else if (retraction_is_by_name(r))
    rc = select_all(c, err);
  if (rc == 0 && !retraction_is_by_name(r))
    rc = select_named(c, err);
  return rc;
}
