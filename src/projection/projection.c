/* Opening, checking, joining and closing the projections. */
#include <stdlib.h>
#include <string.h>

#include "projection/internal.h"

enum { SCRATCH_MAX = 1 << 30 };

static struct projection *projection_new(const struct config *config, const struct log *log, struct metrics *metrics,
                                         struct err *err) {
  struct projection *p = calloc(1, sizeof(*p));
  if (!p) {
    err_set(err, ERR_NOMEM, "no memory to open the indexes");
    return NULL;
  }
  p->log = log;
  p->metrics = metrics;
  if (fileio_join(p->dir, config->data_dir, "db/indexes", err) != 0) {
    free(p);
    return NULL;
  }
  return p;
}

/* Reads meta.kv into p->state; *found is false if it was never written or is of another format. */
static int read_meta(struct projection *p, bool *found, struct err *err) {
  unsigned char record[META_SIZE];
  size_t len;
  int rc = penv_get(p, p->meta, span_of(meta_key, META_KEY_SIZE), record, sizeof(record), &len, found, err);
  if (rc == 0 && *found)
    *found = meta_decode(span_of(record, len), &p->state);
  return rc;
}

/* Tells in *mismatch (NULL: nothing) why what is there does not belong to this history. */
static int compare_history(const struct projection *p, struct store *store, const struct history_meta *history,
                           uint64_t last_seq, const char **mismatch, struct err *err) {
  struct buf record;
  struct entry entry;
  bool found = false;
  int rc = 0;
  buf_init(&record, ENTRY_MAX_SIZE);
  if (p->state.applied_seq > 0 && p->state.applied_seq <= last_seq)
    rc = history_get(store, p->state.applied_seq, &record, &entry, &found, err);
  if (rc == 0)
    *mismatch = meta_mismatch(&p->state, history, found ? entry.id : NULL);
  buf_free(&record);
  return rc;
}

/* Looks at what was opened. *mismatch: why it must be wiped. Else p->state and p->merkle are set. */
static int check(struct projection *p, struct store *store, const struct history_meta *history, uint64_t last_seq,
                 const char **mismatch, struct err *err) {
  bool found;
  uint64_t count;
  int rc = read_meta(p, &found, err);
  if (rc)
    return rc;
  if (!found) {
    *mismatch = "they are of another format, or were never filled";
    return 0;
  }
  rc = compare_history(p, store, history, last_seq, mismatch, err);
  if (rc || *mismatch)
    return rc;
  rc = merkle_load(p, store, p->state.applied_seq, &p->merkle, &count, err);
  if (rc == 0 && count != p->state.assertion_count)
    rc = penv_damaged(p, err, "the counts of assertions differ");
  p->state.branch = history_meta_current(history)->branch;
  return rc;
}

/* Fresh, empty projections of this history. */
static int make_empty(struct projection *p, const struct config *config, const struct history_meta *history,
                      struct err *err) {
  int rc = penv_wipe(p, err);
  if (rc == 0)
    rc = penv_open(p, config, true, err);
  p->state = (struct meta){.branch = history_meta_current(history)->branch};
  memcpy(p->state.history_id, history->id, HISTORY_ID_SIZE);
  p->merkle.size = 0;
  return rc;
}

/* Opens what is there, if it is sound and of this history. *reason: why it is not and has to be made anew; it is closed
 * then. An error is not the projections' fault. */
static int open_existing(struct projection *p, const struct config *config, struct store *store,
                         const struct history_meta *history, uint64_t last_seq, const char **reason, struct err *err) {
  struct err later;
  int rc = penv_open(p, config, true, err);
  if (rc == ERR_NOMEM || rc == ERR_FULL)
    return rc;
  if (rc) {
    log_warn(p->log, "The indexes cannot be opened: %s", err->text);
    *reason = "they cannot be opened";
    return 0;
  }
  rc = check(p, store, history, last_seq, reason, err);
  if (rc && penv_rebuild_wanted(p)) {
    log_warn(p->log, "The indexes cannot be read: %s", err->text);
    *reason = "they are damaged";
    rc = 0;
  }
  if (rc || *reason)
    penv_close(p, false, &later);
  return rc;
}

static const char *reason_to_rebuild(const struct projection *p, bool rebuild) {
  if (!penv_complete(p))
    return "they are missing";
  if (penv_rebuild_wanted(p))
    return "they were found damaged";
  return rebuild ? "the write-ahead log was replaced" : NULL;
}

static int open_and_project(struct projection *p, const struct config *config, struct store *store,
                            const struct history_meta *history, uint64_t last_seq, bool rebuild, struct err *err) {
  struct err later;
  const char *reason = reason_to_rebuild(p, rebuild);
  int rc = 0;
  if (!reason)
    rc = open_existing(p, config, store, history, last_seq, &reason, err);
  if (rc == 0 && !reason) {
    rc = rebuild_run(p, store, last_seq, false, err);
    if (rc == 0 || !penv_rebuild_wanted(p))
      return rc;
    log_warn(p->log, "The indexes cannot be caught up: %s", err->text);
    penv_close(p, false, &later);
    reason = "they are damaged";
    rc = 0;
  }
  if (rc)
    return rc;
  log_info(p->log, "Rebuilding indexes... (%s)", reason);
  rc = make_empty(p, config, history, err);
  return rc ? rc : rebuild_run(p, store, last_seq, true, err);
}

int projection_open(const struct config *config, const struct log *log, struct metrics *metrics, struct store *store,
                    uint64_t last_seq, bool rebuild, struct projection **out, struct err *err) {
  struct history_meta history;
  struct err later;
  struct projection *p = projection_new(config, log, metrics, err);
  if (!p)
    return err->code;
  int rc = history_meta_read(store, &history, err);
  if (rc) {
    free(p);
    return rc;
  }
  p->store = store;
  p->scratch = arena_create(SCRATCH_MAX);
  rc = p->scratch ? fileio_mkdirs(p->dir, 0750, err) : err_set(err, ERR_NOMEM, "no memory to project");
  if (rc == 0)
    rc = open_and_project(p, config, store, &history, last_seq, rebuild, err);
  history_meta_free(&history);
  if (rc) {
    projection_close(p, &later);
    return rc;
  }
  *out = p;
  return 0;
}

int projection_join(const struct config *config, const struct log *log, struct metrics *metrics,
                    struct projection **out, struct err *err) {
  struct projection *p = projection_new(config, log, metrics, err);
  if (!p)
    return err->code;
  int rc = penv_open(p, config, false, err);
  if (rc) {
    free(p);
    return rc;
  }
  *out = p;
  return 0;
}

int projection_close(struct projection *p, struct err *err) {
  if (!p)
    return 0;
  int rc = penv_close(p, p->writer, err);
  arena_free(p->scratch);
  free(p);
  return rc;
}

uint64_t projection_applied(const struct projection *p) {
  return p->state.applied_seq;
}

void projection_watermark(const struct projection *p, struct watermark *mark) {
  mark->visible_seq = p->state.applied_seq;
  mark->time_us = p->state.time_us;
  mark->assertion_count = p->state.assertion_count;
  mark->settings_seq = p->state.settings_seq;
  mark->first_setting_seq = p->state.first_setting_seq;
  mark->retraction_count = p->state.retraction_count;
  mark->first_retraction_seq = p->state.first_retraction_seq;
  merkle_root(&p->merkle, mark->root);
}

int projection_checkpoint(struct projection *p, uint64_t min_bytes, struct err *err) {
  bool started;
  int rc =
      min_bytes == 0 ? checkpoint_run(&p->checkpoint, err) : checkpoint_start(&p->checkpoint, min_bytes, &started, err);
  return rc == ERR_CORRUPT ? penv_damaged(p, err, err->text) : rc;
}

bool projection_rebuild_wanted(const struct projection *p) {
  return penv_rebuild_wanted(p);
}

int projection_hold_log(struct projection *p, bool hold, struct err *err) {
  int ret = p->env.handle->log_set_config(p->env.handle, DB_LOG_AUTO_REMOVE, hold ? 0 : 1);
  return ret ? penv_error(p, ret, err, "holding the log of the indexes") : 0;
}
