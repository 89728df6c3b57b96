/*
 * archive_mode=sync, and the archive cannot be written. What is appended here stays, unacknowledged and not yet
 * visible; its clients are told that nobody knows, every other write is refused, and it is tried again each second.
 * When the archive is back, the batch goes the rest of its way, and whoever asks again with the same Idempotency-Key
 * gets the answer.
 */
#include "base/clock.h"
#include "committer/committer.h"

enum { RETRY_US = 1000 * 1000, PATIENCE_US = 120 * 1000 * 1000 };

/* Archives up to where the log is durable. */
static int try_sync(struct committer *c, struct err *err) {
  segment_set_deadline(c->segment, clock_monotonic() + PATIENCE_US);
  int rc = archive_sync_to(&c->archive, c->wal_file, c->wal_offset, err);
  housekeeping_alive(c);
  return rc;
}

static void tell_writable(struct committer *c, bool stalled) {
  segment_set_stalled(c->segment, stalled);
  metric_set(metrics_cell(segment_metrics(c->segment), METRIC_WRITABLE, ""),
             stalled || segment_disk_full(c->segment) ? 0 : 1);
}

int stall_archive(struct committer *c, struct err *err) {
  struct err fault;
  c->stalled = false;
  if (c->config->archive_mode != ARCHIVE_SYNC)
    return 0;
  if (!c->archive.target[0] && archive_sync_open(&c->archive, c->config->archive_target, c->config->data_dir,
                                                 c->mark.history_id, c->mark.timeline, c->mark.branch, err))
    return err->code;
  if (try_sync(c, &fault) == 0)
    return 0;
  c->stalled = true;
  c->retry_us = clock_monotonic() + RETRY_US;
  log_error(c->log, "Writes are refused: the archive cannot be written, and archive_mode is sync: %s", fault.text);
  metric_add(metrics_cell(segment_metrics(c->segment), METRIC_WAL_ARCHIVE_FAILURES_TOTAL, ""), 1);
  tell_writable(c, true);
  return 0;
}

/* A command of its own: none of the batch's. */
static void refuse_frame(struct connection *connection, struct span frame, const struct log *log) {
  struct command command;
  struct err err;
  if (command_parse(frame, &command, &err) != 0) {
    log_error(log, "a worker's connection is closed: %s", err.text);
    connection_drop(connection);
    return;
  }
  reply_put_refused(&connection->out, command.tag, REFUSAL_ARCHIVE, NULL, 0);
  if (connection->out.failed)
    connection_drop(connection);
}

void stall_refuse(struct committer *c) {
  struct span frame;
  for (struct connection *k = c->connections; k; k = k->next)
    while (!k->gone && connection_take(k, &frame))
      refuse_frame(k, frame, c->log);
}

void stall_answer(struct committer *c) {
  struct batch *b = &c->batch;
  for (size_t i = 0; i < b->decision_count; i++) {
    struct decision *d = &b->decisions[i];
    if (d->reply != REPLY_REFUSED && (!d->replayed || d->first_seq > c->mark.seq)) {
      d->reply = REPLY_REFUSED;
      d->refusal = REFUSAL_UNKNOWN;
      d->item_count = 0;
    }
  }
}

bool stall_resume(struct committer *c) {
  struct err fault;
  if (clock_monotonic() < c->retry_us)
    return false;
  if (try_sync(c, &fault) != 0) {
    c->retry_us = clock_monotonic() + RETRY_US;
    metric_add(metrics_cell(segment_metrics(c->segment), METRIC_WAL_ARCHIVE_FAILURES_TOTAL, ""), 1);
    return false;
  }
  c->stalled = false;
  log_info(c->log, "Writes are accepted again: the archive can be written");
  tell_writable(c, false);
  return true;
}
