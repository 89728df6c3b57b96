#include <inttypes.h>

#include "base/clock.h"
#include "base/fileio.h"
#include "committer/committer.h"
#include "store/ballast.h"

enum { SECOND_US = 1000 * 1000, ALIVE_US = 10 * SECOND_US, CHECKPOINT_US = 120 * SECOND_US };

void housekeeping_alive(struct committer *c) {
  segment_set_deadline(c->segment, clock_monotonic() + ALIVE_US);
}

void housekeeping_publish(struct committer *c) {
  struct watermark mark = {0};
  projection_watermark(c->projection, &mark);
  memcpy(mark.history_id, c->mark.history_id, HISTORY_ID_SIZE);
  mark.timeline = c->mark.timeline;
  mark.branch = c->mark.branch;
  mark.wal_file = c->wal_file;
  mark.wal_offset = c->wal_offset;
  segment_publish(c->segment, &mark);
  metric_set(metrics_cell(segment_metrics(c->segment), METRIC_ASSERTIONS_TOTAL, ""), mark.assertion_count);
  metric_set(metrics_cell(segment_metrics(c->segment), METRIC_RETRACTIONS_TOTAL, ""), mark.retraction_count);
}

void housekeeping_set_full(struct committer *c, bool is_full) {
  segment_set_disk_full(c->segment, is_full);
  metric_set(metrics_cell(segment_metrics(c->segment), METRIC_WRITABLE, ""), is_full ? 0 : 1);
}

int housekeeping_hold_log(struct committer *c, struct err *err) {
  bool wanted = segment_log_hold(c->segment);
  if (wanted == c->holding)
    return 0;
  if (projection_hold_log(c->projection, wanted, err))
    return err->code;
  c->holding = wanted;
  segment_set_log_held(c->segment, wanted);
  return 0;
}

int housekeeping_flush(struct committer *c, struct err *err) {
  uint32_t file = 0, offset = 0;
  if (c->config->archive_target[0] && history_log_end(c->store, &file, &offset, err))
    return err->code;
  if (history_flush(c->store, err))
    return err->code;
  c->wal_file = file;
  c->wal_offset = offset;
  return 0;
}

/* stemedb_wal_archive_lag_seconds */
static int watch_archive(struct committer *c, struct err *err) {
  uint64_t oldest = segment_archived_seq(c->segment) + 1, now = clock_now();
  struct metric_cell *cell = metrics_cell(segment_metrics(c->segment), METRIC_WAL_ARCHIVE_LAG, "");
  bool lags = c->config->archive_target[0] && oldest <= c->mark.seq, found = false;
  struct entry entry;
  struct buf record;
  int rc = 0;
  if (lags && c->lag.seq != oldest) {
    buf_init(&record, ENTRY_MAX_SIZE);
    rc = history_get(c->store, oldest, &record, &entry, &found, err);
    if (!rc && found)
      c->lag = (struct archive_lag){oldest, entry.time_us};
    buf_free(&record);
  }
  metric_set(cell, lags && now > c->lag.time_us ? now - c->lag.time_us : 0);
  return rc;
}

/* Nothing that was written waits for space any more: neither reads nor a restart will need it. */
static int write_out(struct committer *c, struct err *err) {
  int rc = store_checkpoint(c->store, 0, NULL, err);
  return rc ? rc : projection_checkpoint(c->projection, 0, err);
}

/* Writes are refused below the limit, and resumed well above it, so that they do not flicker. */
static int watch_disk(struct committer *c, struct err *err) {
  uint64_t free_bytes, least = c->config->min_free_bytes;
  if (fileio_free_bytes(c->config->data_dir, &free_bytes, err))
    return err->code;
  metric_set(metrics_cell(segment_metrics(c->segment), METRIC_DATA_FREE_BYTES, ""), free_bytes);
  metric_set(metrics_cell(segment_metrics(c->segment), METRIC_DATA_MIN_FREE_BYTES, ""), least);
  ballast_keep(c->config, c->log, free_bytes);
  bool was_full = segment_disk_full(c->segment), gave = ballast_give_back(c->config, c->log);
  if (!was_full && free_bytes < least) {
    log_error(c->log, "writes are refused: %" PRIu64 " bytes are free, %" PRIu64 " must be", free_bytes, least);
    housekeeping_set_full(c, true);
    return write_out(c, err);
  } else if (was_full && free_bytes >= least + least / 4) {
    log_info(c->log, "writes are accepted again: %" PRIu64 " bytes are free", free_bytes);
    housekeeping_set_full(c, false);
  }
  return gave ? write_out(c, err) : 0;
}

int housekeeping_tick(struct committer *c, struct err *err) {
  uint64_t now = clock_monotonic(), limit = c->config->checkpoint_bytes;
  if (now < c->tick_us)
    return 0;
  c->tick_us = now + SECOND_US;
  segment_set_deadline(c->segment, now + CHECKPOINT_US); /* a slow disk is not a hanging committer */
  if (watch_disk(c, err) || watch_archive(c, err) || store_checkpoint(c->store, limit, NULL, err) ||
      projection_checkpoint(c->projection, limit, err) || store_update_metrics(c->store, err))
    return err->code;
  return 0;
}
