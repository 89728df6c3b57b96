/*
 * Start-up of the history, in the order of docs/architecture.md: scan the log read-only, copy a tail aside that will be
 * cut, scrub pages, notice a log that is older than the database or not there, recover with a deadline, compare with
 * what was acknowledged, take what is missing from superseded logs. Logs the lines that operators' runbooks quote, up
 * to "Replayed N entries from WAL". Starts with everything or not at all: ERR_CORRUPT (exit 3, after "Failed to recover
 * WAL" and the runbook section to follow) and ERR_NOTFOUND ("No history in DIR", exit 3 too), both logged already.
 */
#ifndef STORE_STARTUP_H
#define STORE_STARTUP_H

#include "store/store.h"

struct startup_report {
  uint64_t last_seq;        /* all of 1..last_seq is there and durable */
  uint64_t replayed;        /* committed transactions after the last checkpoint */
  uint64_t from_superseded; /* entries taken from superseded logs */
  uint64_t wal_bytes_scanned;
  bool wal_replaced;    /* the log was older, missing or empty: indexes must be rebuilt */
  bool tail_cut;        /* a torn tail was copied aside and cut */
  uint64_t recovery_us; /* duration of it all */
};

/* `quick`: a restart under a living supervisor; scan from the last checkpoint only and skip the page scrub. The caller
 * holds the lock of the home; no other process is in the environment. */
NODISCARD int startup_run(const struct config *config, const struct log *log, struct metrics *metrics, bool quick,
                          struct store **out, struct startup_report *report, struct err *err);

/* The operator accepts that acknowledged entries after `to_seq` are lost: verifies that exactly 1..to_seq are there
 * (ERR_CONFLICT tells what is), opens a new timeline, rewrites acked.mark, logs the loss. For `stemedb accept-loss`;
 * the caller holds the lock, nothing runs. */
NODISCARD int startup_accept_loss(const struct config *config, const struct log *log, uint64_t to_seq, struct err *err);

/* For a private copy that was closed clean and from which entries were removed: its log, which names them still, is
 * removed, and a new, empty one begins behind all pages. ERR_CONFLICT if it was not closed clean. */
NODISCARD int startup_begin_log(const struct config *config, const struct log *log, struct err *err);

#endif
