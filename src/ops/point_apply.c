#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "ops/follow.h"
#include "ops/point.h"

enum { BATCH_ENTRIES = 1000, BATCH_BYTES = 8 << 20, BATCH_MAX = 2 * BATCH_BYTES };

int point_follow(struct follow *f, struct log_sources *sources, uint32_t first_log, uint32_t *row,
                 const struct log_source **source, struct err *err) {
  for (uint32_t begin = *row; *row < f->meta->count; ++*row) {
    uint64_t limit = history_meta_limit(f->meta, *row);
    f->missing_to = f->refused = 0;
    f->damage = (struct wal_damage){.fault = WAL_SOUND};
    if (f->enough || f->seq >= limit)
      continue;
    const struct timeline *timeline = &f->meta->timelines[*row];
    uint32_t first = *row == begin ? first_log : 0;
    if (log_sources_get(sources, timeline->number, timeline->branch, first, source, err) ||
        (*source && follow_log(f, (*source)->dir, limit, err)))
      return err->code;
    if (!f->enough && f->seq < limit)
      return 0;
  }
  return 0;
}

/* Entries on their way from the logs to the copy. */
struct transfer {
  struct store *store;
  uint64_t to_seq;
  uint64_t first_seq; /* of the batch */
  struct buf batch;
  size_t ends[BATCH_ENTRIES + 1];
  size_t count;
};

static int flush_batch(struct transfer *t, struct err *err) {
  struct span records[BATCH_ENTRIES];
  if (t->count == 0)
    return 0;
  int rc = buf_check(&t->batch, "entries of the logs", err);
  for (size_t i = 0; i < t->count; i++)
    records[i] = span_of(t->batch.data + t->ends[i], t->ends[i + 1] - t->ends[i]);
  FAULT("ops.restore.before_append");
  if (rc || (rc = history_append(t->store, records, t->first_seq, t->count, err)))
    return rc;
  t->first_seq += t->count;
  t->count = 0;
  buf_reset(&t->batch);
  return 0;
}

static int take(void *ctx, const struct entry *entry, const unsigned char leaf[DIGEST_SIZE], bool *enough,
                struct err *err) {
  struct transfer *t = ctx;
  (void)leaf;
  buf_add_span(&t->batch, entry->record);
  t->ends[++t->count] = t->batch.len;
  *enough = entry->seq >= t->to_seq;
  return *enough || t->count == BATCH_ENTRIES || t->batch.len >= BATCH_BYTES ? flush_batch(t, err) : 0;
}

static int read_end(struct store *store, uint64_t seq, struct follow *f, struct err *err) {
  struct buf record;
  struct entry entry;
  bool found = false;
  if (seq == 0)
    return 0;
  buf_init(&record, ENTRY_MAX_SIZE);
  int rc = history_get(store, seq, &record, &entry, &found, err);
  if (!rc && !found)
    rc = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing in the copy", seq);
  if (!rc) {
    f->seq = seq;
    f->time_us = entry.time_us;
    memcpy(f->id, entry.id, ID_SIZE);
  }
  buf_free(&record);
  return rc;
}

static int take_from_logs(struct store *store, const struct point *point, struct log_sources *sources,
                          struct err *err) {
  struct transfer *t = calloc(1, sizeof(*t));
  struct follow f = {.meta = &point->meta, .take = take, .ctx = t};
  const struct log_source *source = NULL;
  uint32_t row = point->row;
  if (!t)
    return err_set(err, ERR_NOMEM, "no memory to take entries from the logs");
  t->store = store;
  t->to_seq = point->proof.last_seq;
  t->first_seq = point->kept + 1;
  buf_init(&t->batch, BATCH_MAX);
  int rc = read_end(store, point->kept, &f, err);
  if (!rc && !(rc = point_follow(&f, sources, point->first_log, &row, &source, err)) && !f.enough)
    rc = err_set(err, ERR_CORRUPT, "%s has changed: entry %" PRIu64 " is not there any more", sources->target,
                 f.seq + 1);
  if (!rc)
    rc = history_flush(store, err);
  buf_free(&t->batch);
  free(t);
  return rc;
}

int point_apply(struct store *store, const struct point *point, struct log_sources *sources, bool *removed,
                struct err *err) {
  uint64_t last = 0;
  int rc = history_last(store, &last, err);
  *removed = !rc && last > point->kept;
  if (!rc && *removed)
    rc = history_truncate(store, point->kept, err);
  if (!rc && point->proof.last_seq > point->kept)
    rc = take_from_logs(store, point, sources, err);
  return rc;
}
