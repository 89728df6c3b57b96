#include "ops/load.h"

#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "ops/dump.h"
#include "ops/load_check.h"
#include "ops/tally.h"
#include "store/store.h"

enum {
  BATCH_ENTRIES = 1000,
  BATCH_BYTES = 4 << 20,
  BATCH_MAX = BATCH_BYTES + 2 * ENTRY_MAX_SIZE,
  LINE_ARENA = 64 << 20
};

/* One load under way. */
struct load {
  const struct config *config;
  const char *path;
  bool partial;
  struct report *report;
  struct dump_file *file;
  struct dump_head head;
  struct dump_end end;
  bool ended;   /* the last line was read */
  bool stopped; /* partial: at the first gap */
  struct tally tally;
  struct load_check *check;
  struct pipeline *pipeline;
  struct store *store;
  struct arena *arena;
  struct buf record, batch;
  size_t ends[BATCH_ENTRIES + 1];
  size_t count;
};

static int flush(struct load *l, struct err *err) {
  struct span records[BATCH_ENTRIES];
  if (l->count == 0)
    return 0;
  int rc = buf_check(&l->batch, "entries", err);
  for (size_t i = 0; i < l->count; i++)
    records[i] = span_of(l->batch.data + l->ends[i], l->ends[i + 1] - l->ends[i]);
  FAULT("ops.load.before_append");
  if (rc || (rc = history_append(l->store, records, l->tally.last_seq - l->count + 1, l->count, err)) ||
      (rc = store_checkpoint(l->store, l->config->checkpoint_bytes, NULL, err)))
    return rc;
  l->count = 0;
  buf_reset(&l->batch);
  return 0;
}

static int wrong_line(const struct piece_item *item, struct err *err, const char *what) {
  return err_set(err, ERR_INVALID, "line %" PRIu64 ": %s", item->place.offset, what);
}

/* What would be damage in a copy is a reason to refuse here. */
static int check_item(struct load *l, const struct piece_item *item, struct err *err) {
  if (!item->verified)
    return wrong_line(item, err, item->why);
  if (item->entry.seq != l->tally.last_seq + 1)
    return err_set(err, ERR_INVALID, "line %" PRIu64 ": entry %" PRIu64 " where entry %" PRIu64 " is to be",
                   item->place.offset, item->entry.seq, l->tally.last_seq + 1);
  if (item->entry.time_us <= l->tally.last_time_us)
    return wrong_line(item, err, "it is not later than the entry before it");
  int rc = load_check_body(l->check, &item->entry, err);
  if (rc)
    err_context(err, "line %" PRIu64, item->place.offset);
  return rc;
}

static int take(void *ctx, struct piece_item *item, struct err *err) {
  struct load *l = ctx;
  if (l->stopped)
    return 0;
  if (l->head.partial && item->verified && item->entry.seq > l->tally.last_seq + 1) {
    l->stopped = true;
    return 0;
  }
  int rc = check_item(l, item, err);
  if (rc || (rc = tally_take(&l->tally, item, err)))
    return rc;
  report_progress(l->report, "Loading", l->tally.last_seq, l->head.entries);
  buf_add_span(&l->batch, item->entry.record);
  l->ends[++l->count] = l->batch.len;
  return l->count == BATCH_ENTRIES || l->batch.len >= BATCH_BYTES ? flush(l, err) : 0;
}

static int take_line(struct load *l, struct span line, uint64_t number, struct err *err) {
  struct place place = {.offset = number};
  if (l->ended)
    return err_set(err, ERR_INVALID, "line %" PRIu64 " follows the last one", number);
  arena_reset(l->arena);
  buf_reset(&l->record);
  int rc = dump_read_line(l->arena, line, &l->record, &l->end, &l->ended, err);
  if (rc)
    return err_context(err, "line %" PRIu64, number);
  return l->ended ? 0 : pipeline_add(l->pipeline, buf_span(&l->record), &place, err);
}

static int read_lines(struct load *l, struct err *err) {
  struct span line;
  uint64_t number;
  bool found = true;
  while (found) {
    int rc = dump_file_next(l->file, &line, &number, &found, err);
    if (!rc && found)
      rc = take_line(l, line, number, err);
    if (rc)
      return rc;
  }
  return 0;
}

static int differs(struct err *err, const char *what) {
  return err_set(err, ERR_INVALID, "the last line names another %s than there is", what);
}

/* Compares with what the dump says of itself. */
static int compare(struct load *l, const unsigned char root[DIGEST_SIZE], struct err *err) {
  const struct tally *t = &l->tally;
  if (!l->ended)
    return err_set(err, ERR_INVALID, "the last line is missing: the dump was cut, or never finished");
  if (l->stopped)
    return 0;
  if (l->end.entries != t->entries || l->end.last_seq != t->last_seq ||
      (!l->head.partial && l->head.entries != t->entries))
    return differs(err, "number of entries");
  if (l->end.assertion_count != t->assertion_count)
    return differs(err, "number of assertions");
  if (!l->end.has_root || memcmp(l->end.root, root, DIGEST_SIZE) != 0)
    return differs(err, "root");
  return 0;
}

/* What a partial dump lacks is lost: what follows is of a branch of its own. */
static int open_timeline(struct load *l, struct err *err) {
  if (!l->head.partial)
    return 0;
  int rc = history_meta_branch(&l->head.meta, l->tally.last_seq, 0, err);
  return rc ? rc : history_meta_write(l->store, &l->head.meta, err);
}

static int fill(void *ctx, struct store *store, struct store_metadata *metadata, struct err *err) {
  struct load *l = ctx;
  int rc = 0;
  l->store = store;
  if ((rc = pipeline_open(take, l, &l->pipeline, err)) || (rc = read_lines(l, err)) ||
      (rc = pipeline_flush(l->pipeline, err)) || (rc = flush(l, err)))
    return rc;
  tally_root(&l->tally, metadata->root);
  metadata->last_seq = l->tally.last_seq;
  metadata->assertion_count = l->tally.assertion_count;
  return (rc = compare(l, metadata->root, err)) ? rc : open_timeline(l, err);
}

static int load_dump(struct load *l, const struct log *log, struct err *err) {
  struct store_filling filling = {.meta = &l->head.meta, .fill = fill, .ctx = l};
  if (l->head.partial && !l->partial)
    return err_set(err, ERR_INVALID, "it is a partial dump: --partial loads it up to its first gap");
  l->arena = arena_create(LINE_ARENA);
  if (!l->arena)
    return err_set(err, ERR_NOMEM, "no memory for a dump");
  int rc = load_check_open(&l->check, err);
  return rc ? rc : store_make(l->config, log, &filling, err);
}

int load_run(const struct config *config, const struct log *log, const char *path, bool partial, struct report *report,
             struct load_result *out, struct err *err) {
  struct load l = {.config = config, .path = path, .partial = partial, .report = report};
  buf_init(&l.record, ENTRY_MAX_SIZE);
  buf_init(&l.batch, BATCH_MAX);
  tally_begin(&l.tally, 1, report);
  int rc = dump_file_open(path, &l.file, &l.head, err);
  if (!rc && (rc = load_dump(&l, log, err)))
    err_context(err, "%.400s", path);
  *out = (struct load_result){.entries = l.tally.last_seq, .missing_from = l.stopped ? l.tally.last_seq + 1 : 0};
  tally_root(&l.tally, out->root);
  report_progress_end(report);
  pipeline_close(l.pipeline);
  load_check_close(l.check);
  dump_file_close(l.file);
  dump_head_free(&l.head);
  arena_free(l.arena);
  buf_free(&l.record);
  buf_free(&l.batch);
  return rc;
}
