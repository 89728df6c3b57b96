#include "base/clock.h"
#include "base/fault.h"
#include "committer/committer.h"

/* A batch is full after so many entries or bytes of records; its last command may go beyond. */
enum { BATCH_ENTRIES = 2000, BATCH_BYTES = 8 << 20 };

static bool full(const struct committer *c) {
  const struct batch *b = &c->batch;
  return b->decision_count >= c->config->batch_commands || b->entry_count >= BATCH_ENTRIES ||
         b->records.len >= BATCH_BYTES;
}

static int take_command(struct committer *c, struct span frame, struct connection *connection, struct err *err) {
  struct command command;
  if (command_parse(frame, &command, err))
    return err->code;
  return command.type == COMMAND_RETRACT || command.type == COMMAND_REINSTATE
             ? retract_add(c, &command, frame, connection, err)
             : decide(c, &command, connection, err);
}

/* Takes the next command of a connection; a malformed one ends the connection. */
static int take_one(struct committer *c, struct connection *connection, bool *any, struct err *err) {
  struct span frame;
  if (!connection_take(connection, &frame))
    return 0;
  *any = true;
  if (take_command(c, frame, connection, err) == 0)
    return 0;
  if (err->code != ERR_INVALID)
    return err->code;
  log_error(c->log, "a worker's connection is closed: %s", err->text);
  connection_drop(connection);
  return 0;
}

/* One command of each connection in turn, until nothing waits or the batch is full. */
static int gather(struct committer *c, bool *any, struct err *err) {
  bool more = true;
  while (more) {
    more = false;
    for (struct connection *k = c->connections; k && !full(c); k = k->next)
      if (take_one(c, k, &more, err))
        return err->code;
    *any = *any || more;
  }
  return 0;
}

/* Nothing after the append may fail and be gone on from: what is stored would not be what is told. */
static int store_batch(struct committer *c, struct err *err) {
  struct batch *b = &c->batch;
  FAULT("committer.before_append");
  if (history_append(c->store, b->spans, c->mark.seq + 1, b->entry_count, err)) {
    if (err->code != ERR_FULL)
      return err->code;
    log_error(c->log, "writes are refused: %s", err->text);
    housekeeping_set_full(c, true);
    batch_refuse_entries(b);
    return 0;
  }
  FAULT("committer.after_append");
  if (housekeeping_flush(c, err))
    return err->code;
  FAULT("committer.after_flush");
  return stall_archive(c, err);
}

/* The batch is durable wherever it has to be. */
static int publish_batch(struct committer *c, struct err *err) {
  const struct batch *b = &c->batch;
  c->mark.seq = b->last_seq;
  c->last_time_us = b->last_time_us;
  if (mark_write(c->mark_fd, &c->mark, err))
    return err->code;
  FAULT("committer.after_mark");
  if (projection_apply(c->projection, b->entries, b->entry_count, err))
    return err->code;
  FAULT("committer.after_project");
  housekeeping_publish(c);
  if (c->config->archive_mode == ARCHIVE_SYNC)
    segment_set_archived_seq(c->segment, c->mark.seq);
  FAULT("committer.after_publish");
  return 0;
}

static void put_reply(const struct committer *c, const struct decision *d) {
  const struct batch *b = &c->batch;
  struct buf *out = &d->connection->out;
  const struct refused_item *items = b->items ? b->items + d->first_item : NULL;
  const struct commit_receipt *receipts = b->receipts + d->first_receipt;
  switch (d->reply) {
  case REPLY_COMMITTED:
    if (d->replayed)
      reply_put_replayed(out, d->tag, d->first_seq, d->count);
    else
      reply_put_committed(out, d->tag, receipts, d->count);
    break;
  case REPLY_IMPORTED:
    reply_put_imported(out, d->tag, d->count ? receipts[d->count - 1].seq : c->mark.seq, d->count, d->duplicates, items,
                       d->item_count);
    break;
  case REPLY_RETRACTED: reply_put_retracted(out, d->tag, d->replayed, &d->receipt, d->direct, d->cascaded); break;
  default: reply_put_refused(out, d->tag, d->refusal, items, d->item_count); break;
  }
  if (out->failed)
    connection_drop(d->connection);
}

static void count_batch(const struct committer *c) {
  struct metrics *metrics = segment_metrics(c->segment);
  metric_observe(metrics_cell(metrics, METRIC_COMMIT_BATCH_SIZE, ""), c->batch.decision_count);
  uint64_t assertions = 0;
  for (size_t i = 0; i < c->batch.entry_count; i++)
    assertions += c->batch.entries[i].kind == ENTRY_ASSERTION;
  metric_add(metrics_cell(metrics, METRIC_ASSERTIONS_INGESTED_TOTAL, ""), assertions);
}

/* Decides what waits: first a retraction whose turn has come, then the commands of the connections. */
static int decide_all(struct committer *c, bool *any, struct err *err) {
  if (retract_turn(c, err))
    return err->code;
  *any = c->batch.decision_count > 0;
  return gather(c, any, err);
}

static int commit_batch(struct committer *c, struct err *err) {
  struct batch *b = &c->batch;
  if (batch_finish(b, err))
    return err->code;
  b->entries[0].cover = c->retract.stage == RETRACT_COMPUTED ? c->retract.cover : NULL;
  if (store_batch(c, err))
    return err->code;
  if (c->stalled)
    stall_answer(c);
  else if (b->entry_count > 0 && publish_batch(c, err))
    return err->code;
  if (c->stalled)
    return 0;
  count_batch(c);
  return retract_stored(c, err);
}

static void reply_all(const struct committer *c) {
  const struct batch *b = &c->batch;
  for (size_t i = 0; i < b->decision_count; i++)
    if (!b->decisions[i].connection->gone)
      put_reply(c, &b->decisions[i]);
}

/* Refuses what waits, or ends the stall: the batch of then goes on; its clients have their answers. */
static int wait_for_archive(struct committer *c, struct err *err) {
  if (!stall_resume(c)) {
    stall_refuse(c);
    return 0;
  }
  if (c->batch.entry_count > 0 && publish_batch(c, err))
    return err->code;
  segment_set_archived_seq(c->segment, c->mark.seq);
  return retract_stored(c, err);
}

int commit_waiting(struct committer *c, bool *any, struct err *err) {
  struct batch *b = &c->batch;
  *any = false;
  if (c->stalled)
    return wait_for_archive(c, err);
  batch_begin(b, c->mark.seq, c->last_time_us, clock_now());
  if (decide_all(c, any, err) || (b->entry_count > 0 && commit_batch(c, err)))
    return err->code;
  if (b->decision_count > 0)
    FAULT("committer.before_reply");
  reply_all(c);
  if (c->stalled)
    b->decision_count = 0; /* they were told */
  return 0;
}
