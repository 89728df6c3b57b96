/* Catching up and rebuilding: the history is read in large pieces, and each is projected. */
#include <stdlib.h>

#include "base/clock.h"
#include "projection/internal.h"

enum {
  PIECE_BYTES = 4 << 20, /* of records read at once */
  PIECE_ENTRIES = 16384,
  CHECKPOINT_BYTES = 64 << 20,
  PROGRESS_US = 5000000 /* between two lines of progress */
};

struct piece {
  struct buf records;
  struct entry *entries; /* PIECE_ENTRIES */
};

/* Projects the records of a piece. */
static int project_piece(struct projection *p, struct piece *piece, struct err *err) {
  struct span rest = buf_span(&piece->records);
  while (rest.len) {
    size_t n = 0;
    int rc = 0;
    while (rest.len && n < PIECE_ENTRIES && rc == 0)
      rc = history_next(&rest, &piece->entries[n++], err);
    if (rc == 0)
      rc = projection_apply(p, piece->entries, n, err);
    if (rc)
      return rc;
  }
  return 0;
}

static int project_range(struct projection *p, struct store *store, uint64_t last_seq, struct piece *piece,
                         struct err *err) {
  uint64_t told = clock_monotonic();
  while (p->state.applied_seq < last_seq) {
    uint64_t next = p->state.applied_seq + 1;
    size_t count = 0;
    int rc = history_read(store, next, last_seq, PIECE_BYTES, &piece->records, &count, err);
    if (rc == 0 && count == 0)
      rc = err_set(err, ERR_CORRUPT, "the history has no seq %llu", (unsigned long long)next);
    if (rc == 0)
      rc = project_piece(p, piece, err);
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

static void tell_start(const struct projection *p, uint64_t last_seq) {
  log_info(p->log, "Index rebuild started...");
  for (size_t i = 0; i < INDEX_COUNT; i++) {
    if (i == INDEX_PREDICATE)
      log_info(p->log, "Rebuilding %s index from %llu assertions...", index_table[i].noun,
               (unsigned long long)last_seq);
    else
      log_info(p->log, "Rebuilding %s index...", index_table[i].noun);
  }
}

int rebuild_run(struct projection *p, struct store *store, uint64_t last_seq, bool rebuild, struct err *err) {
  uint64_t started = clock_monotonic();
  struct piece piece = {.entries = calloc(PIECE_ENTRIES, sizeof(struct entry))};
  buf_init(&piece.records, PIECE_BYTES + 2 * ENTRY_MAX_SIZE);
  if (rebuild)
    tell_start(p, last_seq);
  else if (p->state.applied_seq < last_seq)
    log_info(p->log, "Projecting entries %llu to %llu", (unsigned long long)p->state.applied_seq + 1,
             (unsigned long long)last_seq);
  int rc = piece.entries ? project_range(p, store, last_seq, &piece, err)
                         : err_set(err, ERR_NOMEM, "no memory to rebuild the indexes");
  if (rc == 0 && rebuild)
    rc = projection_checkpoint(p, 0, err);
  if (rc == 0 && rebuild)
    log_info(p->log, "Index rebuild complete in %.1fs", (double)(clock_monotonic() - started) / 1e6);
  free(piece.entries);
  buf_free(&piece.records);
  return rc;
}
