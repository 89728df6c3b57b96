/*
 * retracted.kv and retractions.kv: what each retraction covers, and what is to be known of it beside its entry. A
 * reinstatement writes its seq into all rows of its retraction, so that a block of retracted.kv can be read by itself.
 */
#include "base/bytes.h"
#include "projection/cover_internal.h"
#include "projection/retracted.h"

/* Adds the put of one row. */
static int put_row(struct gather *gather, uint64_t block, const struct retracted_row *row, struct err *err) {
  unsigned char *key = gather_alloc(gather, RETRACTED_KEY_SIZE, err), encoded[RETRACTED_VALUE_MAX];
  if (!key)
    return err->code;
  retracted_key(key, block, row->seq);
  size_t len = retracted_encode(row->words, row->reinstated_seq, encoded);
  unsigned char *value = gather_alloc(gather, len, err);
  if (!value)
    return err->code;
  memcpy(value, encoded, len);
  return gather_put(gather, span_of(key, RETRACTED_KEY_SIZE), span_of(value, len), err);
}

static bool any(const uint64_t *words) {
  for (size_t i = 0; i < RETRACTED_WORDS; i++)
    if (words[i])
      return true;
  return false;
}

static int put_cover(struct gather *gather, uint64_t seq, const struct seqset *covered, struct err *err) {
  struct retracted_row row = {.seq = seq};
  for (uint64_t block = 0; block < covered->count; block++) {
    const uint64_t *words = seqset_peek(covered, block);
    if (!words || !any(words))
      continue;
    memcpy(row.words, words, sizeof(row.words));
    int rc = put_row(gather, block, &row, err);
    if (rc)
      return rc;
  }
  return 0;
}

/* Marks the rows of a retraction as reinstated. */
static int put_undone(struct gather *gather, const struct item *item, struct err *err) {
  const struct retraction_record *undone = item->undone;
  for (uint64_t block = undone->first / RETRACTED_BLOCK; block <= undone->last / RETRACTED_BLOCK; block++) {
    struct retracted_row row = {.seq = undone->seq};
    bool found;
    int rc = retracted_row_read(item->projection, block, &row, &found, err);
    row.reinstated_seq = undone->reinstated_seq;
    if (rc == 0 && found)
      rc = put_row(gather, block, &row, err);
    if (rc)
      return rc;
  }
  return 0;
}

int retracted_project(struct gather *gather, const struct item *item, struct err *err) {
  if (item->cover)
    return put_cover(gather, item->entry->seq, &item->cover->all, err);
  return item->undone ? put_undone(gather, item, err) : 0;
}

static int put_record(struct gather *gather, const struct retraction_record *record, struct err *err) {
  unsigned char *bytes = gather_alloc(gather, RETRACTION_KEY_SIZE + RETRACTION_VALUE_SIZE, err);
  if (!bytes)
    return err->code;
  put_u64(bytes, record->seq);
  retraction_encode(record, bytes + RETRACTION_KEY_SIZE);
  return gather_put(gather, span_of(bytes, RETRACTION_KEY_SIZE),
                    span_of(bytes + RETRACTION_KEY_SIZE, RETRACTION_VALUE_SIZE), err);
}

int retractions_project(struct gather *gather, const struct item *item, struct err *err) {
  if (item->undone)
    return put_record(gather, item->undone, err);
  if (!item->cover)
    return 0;
  struct retraction_record record = {.seq = item->entry->seq};
  struct cover_counts counts;
  cover_counts(item->cover, &counts);
  record.direct = counts.direct;
  record.cascaded = counts.cascaded;
  record.covers_direct = counts.covers_direct;
  record.covers_cascaded = counts.covers_cascaded;
  if (!seqset_next(&item->cover->all, 0, &record.first))
    record.first = 0;
  record.last = seqset_last(&item->cover->all);
  return put_record(gather, &record, err);
}
