#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "store/startup_internal.h"
#include "store/wal_extract.h"

/*
 * Entries that the database lacks, from logs that were set aside: data/wal.corrupted.* by operators (runbook section
 * 2), data/wal.superseded.* by start-up. A log is believed when it names this very database file, or holds entries of
 * it, and contradicts no entry that is there. An entry is taken when its record, its id and its place are right: it
 * follows the one before without a gap, later in time, and not before the branch in force was opened (what an abandoned
 * branch holds stays there).
 */

enum { BATCH_ENTRIES = 1000, BATCH_BYTES = 8 << 20, BATCH_MAX = 2 * BATCH_BYTES };

struct taking {
  struct startup *s;
  const struct history_meta *meta;
  uint64_t last_time_us; /* of entry s->last_seq */
  bool agrees, contradicts;
  bool ended; /* what follows does not fit */
  struct buf stored;
  struct buf batch;
  size_t ends[BATCH_ENTRIES + 1];
  size_t count;
};

static int survey_entry(void *ctx, struct span record, struct err *err) {
  struct taking *t = ctx;
  struct entry found, stored;
  bool there = false;
  int code = entry_peek(record, &found, err);
  if (code || found.seq > t->s->last_seq || t->contradicts)
    return code;
  if ((code = history_get(t->s->store, found.seq, &t->stored, &stored, &there, err)))
    return code;
  if (there && memcmp(found.id, stored.id, ID_SIZE) == 0)
    t->agrees = true;
  else
    t->contradicts = true;
  return 0;
}

static int flush_batch(struct taking *t, struct err *err) {
  struct span records[BATCH_ENTRIES];
  if (t->count == 0)
    return 0;
  int code = buf_check(&t->batch, "entries of a superseded log", err);
  for (size_t i = 0; i < t->count; i++)
    records[i] = span_of(t->batch.data + t->ends[i], t->ends[i + 1] - t->ends[i]);
  FAULT("store.superseded.before_append");
  if (code || (code = history_append(t->s->store, records, t->s->last_seq + 1, t->count, err)) ||
      (code = history_flush(t->s->store, err)))
    return code;
  t->s->last_seq += t->count;
  t->s->report->from_superseded += t->count;
  t->count = 0;
  buf_reset(&t->batch);
  return 0;
}

static bool fits(const struct taking *t, const struct entry *entry) {
  const struct timeline *current = history_meta_current(t->meta);
  struct err ignored;
  if (entry->seq != t->s->last_seq + t->count + 1 || entry->time_us <= t->last_time_us)
    return false;
  if (entry->seq > current->branched_at_seq && current->branched_at_seq > 0 && entry->time_us < current->time_us)
    return false;
  return entry_verify(entry, NULL, &ignored) == 0;
}

static int take_entry(void *ctx, struct span record, struct err *err) {
  struct taking *t = ctx;
  struct entry entry;
  int code = entry_peek(record, &entry, err);
  if (code || t->ended || entry.seq <= t->s->last_seq + t->count)
    return code;
  if (!fits(t, &entry)) {
    t->ended = true;
    return 0;
  }
  buf_add_span(&t->batch, record);
  t->ends[++t->count] = t->batch.len;
  t->last_time_us = entry.time_us;
  return t->count == BATCH_ENTRIES || t->batch.len >= BATCH_BYTES ? flush_batch(t, err) : 0;
}

static int read_last_time(struct taking *t, struct err *err) {
  struct entry entry = {0};
  bool found = false;
  int code = history_get(t->s->store, t->s->last_seq, &t->stored, &entry, &found, err);
  t->last_time_us = found ? entry.time_us : 0;
  return code;
}

static int take_from(struct taking *t, const char *dir, struct err *err) {
  struct startup *s = t->s;
  struct wal_files files;
  uint64_t before = s->last_seq;
  int code = 0;
  t->agrees = t->contradicts = t->ended = false;
  if ((code = wal_extract_run(dir, STORE_HISTORY_FILE, s->pages.file_id, survey_entry, t, &files, err)))
    return code;
  if (files.foreign || t->contradicts || (!files.own && !t->agrees)) {
    log_warn(s->log, "%s is not a log of this history: nothing is taken from it", dir);
    return 0;
  }
  if ((code = read_last_time(t, err)) ||
      (code = wal_extract_run(dir, STORE_HISTORY_FILE, s->pages.file_id, take_entry, t, &files, err)) ||
      (code = flush_batch(t, err)))
    return code;
  if (s->last_seq > before)
    log_warn(s->log, "Entries %" PRIu64 " to %" PRIu64 " were taken from %s", before + 1, s->last_seq, dir);
  return 0;
}

/* Goes round the folders until none of them has more. What was never acknowledged, as far as the mark knows, is taken
 * only from the log that the database was used with last. */
static int take_from_all(struct taking *t, char **folders, size_t count, struct err *err) {
  struct startup *s = t->s;
  uint64_t before;
  int code = 0;
  do {
    before = s->last_seq;
    for (size_t i = 0; !code && i < count; i++) {
      bool own = false;
      if ((code = startup_is_own_wal(s, folders[i], &own, err)))
        break;
      if (own || (s->has_mark && s->last_seq < s->mark.seq))
        code = take_from(t, folders[i], err);
    }
  } while (!code && s->last_seq > before);
  return code;
}

int superseded_take(struct startup *s, const struct history_meta *meta, struct err *err) {
  struct taking *t = calloc(1, sizeof *t);
  char **folders = NULL;
  size_t count = 0;
  int code = t ? 0 : err_set(err, ERR_NOMEM, "no memory to read superseded logs");
  if (code)
    return code;
  t->s = s;
  t->meta = meta;
  buf_init(&t->stored, ENTRY_MAX_SIZE);
  buf_init(&t->batch, BATCH_MAX);
  if (!(code = aside_list(s->config->data_dir, &folders, &count, err)))
    code = take_from_all(t, folders, count, err);
  aside_list_free(folders, count);
  buf_free(&t->stored);
  buf_free(&t->batch);
  free(t);
  return code;
}
