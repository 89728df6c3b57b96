#include <inttypes.h>

#include "base/fault.h"
#include "store/startup_internal.h"

/* What is there must be exactly what the operator says. */
static int check_claim(const struct startup *s, uint64_t to_seq, struct err *err) {
  if (!s->cut && s->has_mark && s->last_seq >= s->mark.seq)
    return err_set(err, ERR_CONFLICT,
                   "Nothing is lost: entries 1 to %" PRIu64 " are there, %" PRIu64 " were acknowledged", s->last_seq,
                   s->mark.seq);
  if (s->last_seq != to_seq)
    return err_set(err, ERR_CONFLICT, "Entries 1 to %" PRIu64 " are there, not 1 to %" PRIu64 ": say --to-seq %" PRIu64,
                   s->last_seq, to_seq, s->last_seq);
  return 0;
}

static void tell_loss(const struct startup *s, const struct history_meta *meta) {
  char name[HISTORY_NAME_SIZE];
  const struct timeline *current = history_meta_current(meta);
  history_name(name, meta->id, current->number, current->branch);
  if (s->has_mark && s->mark.seq > s->last_seq)
    log_warn(s->log, "Loss accepted: acknowledged entries %" PRIu64 " to %" PRIu64 " are gone", s->last_seq + 1,
             s->mark.seq);
  else
    log_warn(s->log, "Loss accepted: whatever followed entry %" PRIu64 " is gone", s->last_seq);
  log_warn(s->log, "A new timeline begins after entry %" PRIu64 ": %s", s->last_seq, name);
}

/* The table of timelines first: if it ends here, the mark names another branch, and accepting begins anew. */
static int open_timeline(struct startup *s, struct history_meta *meta, struct err *err) {
  int code = 0;
  if ((code = history_meta_branch(meta, s->last_seq, 0, err)) || (code = history_meta_write(s->store, meta, err)))
    return code;
  FAULT("store.accept_loss.before_mark");
  if ((code = startup_write_mark(s, meta, err)))
    return code;
  tell_loss(s, meta);
  return startup_marry_wal(s, err);
}

int startup_accept_loss(const struct config *config, const struct log *log, uint64_t to_seq, struct err *err) {
  struct startup s = {.accepting = true};
  struct startup_report report;
  struct history_meta meta = {0};
  int code = startup_prepare(&s, config, log, NULL, &report, err);
  if (!code)
    code = startup_open(&s, &meta, err);
  if (!code)
    code = check_claim(&s, to_seq, err);
  if (!code)
    code = open_timeline(&s, &meta, err);
  history_meta_free(&meta);
  if (code) {
    store_abandon(s.store);
    return startup_tell(&s, code, err);
  }
  return store_close(s.store, err);
}
