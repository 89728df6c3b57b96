/* Catching up and rebuilding: pieces of the history are read ahead and projected one after another. */
#include "base/clock.h"
#include "projection/internal.h"
#include "projection/reader_ahead.h"

enum { CHECKPOINT_BYTES = 64 << 20, PROGRESS_US = 5000000 /* between two lines of progress */ };

static int project_range(struct projection *p, struct reader_ahead *ahead, uint64_t last_seq, struct err *err) {
  const struct entry *entries;
  uint64_t told = clock_monotonic();
  size_t count;
  while (p->state.applied_seq < last_seq) {
    int rc = reader_ahead_next(ahead, &entries, &count, err);
    if (rc == 0)
      rc = projection_apply(p, entries, count, err);
    if (rc == 0)
      rc = projection_checkpoint(p, CHECKPOINT_BYTES, err);
    if (rc)
      return rc;
    if (clock_monotonic() - told >= PROGRESS_US) {
      told = clock_monotonic();
      log_info(p->log, "Indexed %llu of %llu entries", (unsigned long long)p->state.applied_seq,
               (unsigned long long)last_seq);
    }
  }
  return 0;
}

/* The words of the runbook. All indexes are made in one pass; a line for each would push the first lines of a start out
 * of the ten that `journalctl -f` shows. */
static int tell_start(const struct projection *p, struct store *store, uint64_t last_seq, struct err *err) {
  uint64_t assertions;
  log_info(p->log, "Index rebuild started...");
  int rc = history_count_kind(store, last_seq, ENTRY_ASSERTION, &assertions, err);
  if (rc)
    return rc;
  for (size_t i = 0; i < INDEX_COUNT; i++) {
    if (i == INDEX_PREDICATE)
      log_info(p->log, "Rebuilding %s index from %llu assertions...", index_table[i].noun,
               (unsigned long long)assertions);
    else if (i == INDEX_CONCEPT)
      log_info(p->log, "Rebuilding %s index...", index_table[i].noun);
  }
  return 0;
}

int rebuild_run(struct projection *p, struct store *store, uint64_t last_seq, bool rebuild, struct err *err) {
  uint64_t started = clock_monotonic();
  struct reader_ahead *ahead = NULL;
  int rc = 0;
  if (rebuild)
    rc = tell_start(p, store, last_seq, err);
  else if (p->state.applied_seq < last_seq)
    log_info(p->log, "Projecting entries %llu to %llu", (unsigned long long)p->state.applied_seq + 1,
             (unsigned long long)last_seq);
  if (rc == 0 && p->state.applied_seq < last_seq)
    rc = reader_ahead_start(store, p->state.applied_seq + 1, last_seq, &ahead, err);
  if (rc == 0)
    rc = project_range(p, ahead, last_seq, err);
  reader_ahead_stop(ahead);
  if (rc == 0 && rebuild)
    rc = projection_checkpoint(p, 0, err);
  if (rc == 0 && rebuild)
    log_info(p->log, "Index rebuild complete in %.1fs", (double)(clock_monotonic() - started) / 1e6);
  return rc;
}
