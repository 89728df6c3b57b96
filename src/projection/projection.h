/*
 * The projection environment: Berkeley DB over data/db/indexes, everything derived from the history by one function,
 * thrown away and rebuilt at will. Not synced: after a crash it is an older, consistent state, and is caught up.
 * meta.kv tells what it holds, written in the same transaction.
 */
#ifndef PROJECTION_PROJECTION_H
#define PROJECTION_PROJECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/log.h"
#include "base/segment.h"
#include "model/entry.h"
#include "store/store.h"

struct projection;

/* The committer's: recovers the environment, or wipes it when it is missing, damaged, of another format or history,
 * ahead of the history, or `rebuild` is asked for; then projects up to `last_seq` of the store, with the contract's log
 * lines when it rebuilds. Progress is logged. */
NODISCARD int projection_open(const struct config *config, const struct log *log, struct metrics *metrics,
                              struct store *store, uint64_t last_seq, bool rebuild, struct projection **out,
                              struct err *err);
/* A worker's: joins the live environment, for reading. Thread-safe afterwards. */
NODISCARD int projection_join(const struct config *config, const struct log *log, struct metrics *metrics,
                              struct projection **out, struct err *err);
/* Takes NULL. Returns the first error, but always frees. */
int projection_close(struct projection *projection, struct err *err);

/* Projects entries with consecutive seqs from projection_applied()+1 on, in one transaction together with meta.kv: the
 * one code path for writing, catching up, rebuilding. Entries must be durable in the history. */
NODISCARD int projection_apply(struct projection *projection, const struct entry *entries, size_t count,
                               struct err *err);
/* The seq of the last projected entry. */
uint64_t projection_applied(const struct projection *projection);
/* Fills in seq, time, count and root of the last projected entry, and of settings and retractions. */
void projection_watermark(const struct projection *projection, struct watermark *mark);
/* Whether a damaged index was met, here or in another process of the node; the next projection_open rebuilds. After
 * ERR_CORRUPT from a function of projection/ this tells damage of the indexes, which a restart of the node heals, from
 * damage of the history (exit status 3). */
bool projection_rebuild_wanted(const struct projection *projection);
/* As store_checkpoint(): 0 checkpoints now, else one is started in a thread if it is due. Old logs are removed. */
NODISCARD int projection_checkpoint(struct projection *projection, uint64_t min_bytes, struct err *err);

/* While `hold`, no log file of the indexes is removed: a copy of them is being made. */
NODISCARD int projection_hold_log(struct projection *projection, bool hold, struct err *err);

#endif
