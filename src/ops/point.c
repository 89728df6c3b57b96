#include "ops/point.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/timestamp.h"
#include "ops/follow.h"
#include "projection/merkle.h"
#include "projection/reader_ahead.h"
#include "store/walscan.h"

/* Entries one after another, and what they add up to. */
struct reel {
  const struct point_wish *wish;
  struct log_sources *sources;
  struct point *out;
  struct merkle tree;
  bool proves; /* the tree is good */
  uint64_t seq, time_us, assertions;
  unsigned char id[ID_SIZE];
  bool settled; /* the moment was found */
};

static void settle(struct reel *r) {
  struct proof *proof = &r->out->proof;
  if (r->settled)
    return;
  r->settled = true;
  proof->last_seq = r->seq;
  proof->assertion_count = r->assertions;
  merkle_root(&r->tree, proof->root);
  r->out->time_us = r->time_us;
}

static void push(struct reel *r, const struct entry *entry, const unsigned char leaf[DIGEST_SIZE]) {
  struct merkle_block block;
  if (r->wish->kind == POINT_TIME && (int64_t)entry->time_us > r->wish->time_us)
    settle(r);
  if (r->proves)
    (void)merkle_push(&r->tree, leaf, &block);
  r->seq = entry->seq;
  r->time_us = entry->time_us;
  r->assertions += entry->kind == ENTRY_ASSERTION;
  memcpy(r->id, entry->id, ID_SIZE);
  if (r->wish->kind == POINT_SEQ && r->seq == r->wish->seq)
    settle(r);
}

/* --- the backup --- */

/* Hashes entries 1..last; those up to `kept` go on the reel. `whole` becomes the tree of all. */
static int read_entries(struct reel *r, struct store *store, uint64_t last, uint64_t kept, struct merkle *whole,
                        uint64_t *assertions, struct err *err) {
  struct reader_ahead *ahead = NULL;
  const struct entry *entries = NULL;
  struct merkle_block block;
  size_t count = 0;
  int rc = last > 0 ? reader_ahead_start(store, 1, last, &ahead, err) : 0;
  if (kept == 0)
    merkle_copy(whole, &r->tree);
  do {
    rc = rc || last == 0 ? rc : reader_ahead_next(ahead, &entries, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
      const struct entry *entry = &entries[i];
      *assertions += entry->kind == ENTRY_ASSERTION;
      if (entry->seq <= kept)
        push(r, entry, entry->leaf);
      else
        (void)merkle_push(whole, entry->leaf, &block);
      if (entry->seq == kept)
        merkle_copy(whole, &r->tree);
    }
  } while (!rc && count > 0);
  reader_ahead_stop(ahead);
  return rc;
}

static int prove_backup(struct reel *r, struct store *store, const struct metadata *metadata, uint64_t kept,
                        struct err *err) {
  struct merkle whole = {.size = 0};
  unsigned char root[DIGEST_SIZE];
  uint64_t assertions = 0;
  if (r->out->backup_seq != metadata->proof.last_seq)
    return err_set(err, ERR_CORRUPT, "the backup holds %" PRIu64 " entries, its metadata tells of %" PRIu64,
                   r->out->backup_seq, metadata->proof.last_seq);
  int rc = read_entries(r, store, r->out->backup_seq, kept, &whole, &assertions, err);
  if (rc)
    return rc;
  merkle_root(&whole, root);
  if (memcmp(root, metadata->proof.root, DIGEST_SIZE) != 0 || assertions != metadata->proof.assertion_count)
    return err_set(err, ERR_CORRUPT, "the backup's history_root or its number of assertions differs from its metadata");
  return 0;
}

/* Only the last entry that is kept. */
static int skip_backup(struct reel *r, struct store *store, uint64_t kept, struct err *err) {
  struct buf record;
  struct entry entry;
  bool found = kept == 0;
  int rc = 0;
  buf_init(&record, ENTRY_MAX_SIZE);
  if (kept > 0 && (rc = history_get(store, kept, &record, &entry, &found, err)) == 0 && found)
    push(r, &entry, NULL);
  if (!rc && !found)
    rc = err_set(err, ERR_CORRUPT, "entry %" PRIu64 " is missing", kept);
  buf_free(&record);
  return rc;
}

/* --- the logs --- */

static int take(void *ctx, const struct entry *entry, const unsigned char leaf[DIGEST_SIZE], bool *enough,
                struct err *err) {
  struct reel *r = ctx;
  (void)err;
  push(r, entry, leaf);
  *enough = r->settled;
  return 0;
}

/* Why the reel ends where it does. */
static void tell_end(struct reel *r, const struct follow *f, const struct log_source *source, uint32_t timeline) {
  struct point *out = r->out;
  char text[WALSCAN_TEXT_SIZE] = "";
  if (!source) {
    snprintf(out->why, POINT_WHY, "%.400s holds no logs of timeline %" PRIu32, r->sources->target, timeline);
    return;
  }
  out->broken = true;
  if (f->contradicts)
    snprintf(out->why, POINT_WHY, "%.400s holds another entry %" PRIu64 ": it is of another branch", r->sources->target,
             f->seq);
  else if (source->why[0])
    snprintf(out->why, POINT_WHY, "%s", source->why);
  else if (f->damage.fault != WAL_SOUND) {
    walscan_describe(&f->damage, source->dir, text);
    snprintf(out->why, POINT_WHY, "%s", text);
  } else if (f->missing_to > 0)
    snprintf(out->why, POINT_WHY, "entries %" PRIu64 " to %" PRIu64 " are missing in %.400s, later ones are there",
             f->seq + 1, f->missing_to, r->sources->target);
  else if (f->refused > 0)
    snprintf(out->why, POINT_WHY, "what %.400s has as entry %" PRIu64 " does not follow", r->sources->target,
             f->seq + 1);
  else if (source->head_seq > f->seq)
    snprintf(out->why, POINT_WHY, "%.400s says that it goes on to entry %" PRIu64 ", and it does not",
             r->sources->target, source->head_seq);
  else {
    out->broken = false;
    snprintf(out->why, POINT_WHY, "%.400s ends there", r->sources->target);
  }
}

static int follow_timelines(struct reel *r, uint32_t first, struct err *err) {
  struct follow f = {.meta = &r->out->meta, .seq = r->seq, .time_us = r->time_us, .take = take, .ctx = r};
  const struct log_source *source = NULL;
  uint32_t row = first;
  memcpy(f.id, r->id, ID_SIZE);
  int rc = point_follow(&f, r->sources, r->out->first_log, &row, &source, err);
  if (!rc && row < r->out->meta.count)
    tell_end(r, &f, source, r->out->meta.timelines[row].number);
  return rc;
}

/* --- all of it --- */

static int refuse(const struct reel *r, const char *backup, struct err *err) {
  const struct point *p = r->out;
  char time[TIMESTAMP_SIZE];
  timestamp_format((int64_t)p->newest_time_us, time);
  return err_set(err, p->broken ? ERR_CORRUPT : ERR_INVALID,
                 "there is no entry %" PRIu64 " to restore to: %.300s and what follows it reach to entry %" PRIu64
                 ", of %s; %s",
                 r->wish->seq, backup, p->newest_seq, time, p->why);
}

static int judge(struct reel *r, const char *backup, struct err *err) {
  struct point *p = r->out;
  if (r->settled && p->proof.last_seq == 0 && r->wish->kind == POINT_TIME)
    return err_set(err, ERR_INVALID, "there is no entry as old as that");
  if (r->settled)
    return 0;
  if (r->wish->kind == POINT_SEQ)
    return refuse(r, backup, err);
  if (p->broken)
    return err_set(err, ERR_CORRUPT,
                   "not all can be restored, but everything up to entry %" PRIu64 " (--to-seq %" PRIu64 "): %s", r->seq,
                   r->seq, p->why);
  if (r->wish->kind == POINT_TIME && r->seq == 0)
    return err_set(err, ERR_INVALID, "there is no entry as old as that");
  settle(r);
  return 0;
}

static int run(struct reel *r, struct store *store, const struct metadata *metadata, struct err *err) {
  struct point *p = r->out;
  struct history_meta backup = {0};
  uint32_t rows = 0;
  int rc = 0;
  if ((rc = history_meta_read(store, &backup, err)) || (rc = history_last(store, &p->backup_seq, err)) ||
      (rc = point_find_timelines(r->sources, &backup, r->wish->timeline, &p->meta, err)))
    goto out;
  uint64_t shared = history_meta_shared(&backup, &p->meta, &rows);
  uint64_t kept = shared < p->backup_seq ? shared : p->backup_seq;
  if (rows == 0) {
    rc = err_set(err, ERR_INVALID, "%s and the backup have no timeline in common", r->sources->target);
    goto out;
  }
  if (rows < backup.count || kept < p->backup_seq)
    p->first_log = 0; /* the logs of another timeline go on, with numbers of their own */
  snprintf(p->why, POINT_WHY, "the backup ends there%s", r->sources ? "" : ", and no archive is named");
  rc = metadata ? prove_backup(r, store, metadata, kept, err) : skip_backup(r, store, kept, err);
  if (!rc && r->sources && !r->settled)
    rc = follow_timelines(r, rows - 1, err);
  p->kept = kept;
  p->row = rows - 1;
  p->newest_seq = r->seq;
  p->newest_time_us = r->time_us;
out:
  history_meta_free(&backup);
  return rc;
}

/* What follows the backup's last entry was written to the log after what the backup has of it. */
static int find_first_log(const char *backup, uint32_t *number, struct err *err) {
  char wal[FILEIO_PATH_MAX];
  uint32_t *numbers = NULL;
  size_t count = 0;
  int rc = fileio_join(wal, backup, "wal", err);
  if (!rc)
    rc = walscan_list(wal, &numbers, &count, err);
  *number = !rc && count > 0 ? numbers[0] : 0;
  free(numbers);
  return rc;
}

static int open_and_run(struct reel *r, const struct log *log, const char *backup, const struct metadata *metadata,
                        struct err *err) {
  struct store *store = NULL;
  struct err second;
  int rc = find_first_log(backup, &r->out->first_log, err);
  if (!rc)
    rc = store_open_copy(backup, log, &store, err);
  if (rc)
    return rc;
  rc = run(r, store, metadata, err);
  int closed = store_close(store, rc ? &second : err);
  return rc ? rc : closed;
}

int point_find(const struct log *log, const char *backup, const struct metadata *metadata,
               const struct point_wish *wish, struct log_sources *sources, struct point *out, struct err *err) {
  struct reel r = {.wish = wish, .sources = sources, .out = out, .proves = true};
  *out = (struct point){.backup_seq = 0};
  int rc = open_and_run(&r, log, backup, metadata, err);
  if (rc || (rc = judge(&r, backup, err)))
    return rc;
  const struct timeline *current = history_meta_current(&out->meta);
  history_name(out->proof.history, out->meta.id, current->number, current->branch);
  if (out->proof.last_seq < out->kept)
    out->kept = out->proof.last_seq;
  return 0;
}

int point_survey(const struct log *log, const char *backup, struct log_sources *sources, uint32_t timeline,
                 struct point *out, struct err *err) {
  struct point_wish wish = {.kind = POINT_ALL, .timeline = timeline};
  struct reel r = {.wish = &wish, .sources = sources, .out = out};
  *out = (struct point){.backup_seq = 0};
  return open_and_run(&r, log, backup, NULL, err);
}

void point_free(struct point *point) {
  history_meta_free(&point->meta);
}
