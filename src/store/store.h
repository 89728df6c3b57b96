/*
 * The history environment: Berkeley DB over data/ (logs in data/wal, data/db/assertions.kv), the only truth. One
 * process of a node, the committer, opens it for writing, through startup_run(); workers join it afterwards. Only
 * store/ and projection/ know Berkeley DB; its codes become err codes here. A checksum error is ERR_CORRUPT with file
 * and page; a panic for any other cause (the disk failed, a process of the node died) is ERR_IO: recovery may cure it.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "model/entry.h"
#include "model/timeline.h"

struct store;

/* Joins the live environment of a ready node, for reading. Thread-safe afterwards. */
NODISCARD int store_join(const struct config *config, const struct log *log, struct metrics *metrics,
                         struct store **out, struct err *err);
/* Opens DATA_DIR/db/assertions.kv of a copy that is closed clean and nobody else uses, for reading alone: without an
 * environment, without its log, and without writing a byte. ERR_NOTFOUND if there is none, ERR_CORRUPT if it is none.
 */
NODISCARD int store_open_copy(const char *data_dir, const struct log *log, struct store **out, struct err *err);
/* Closes it (a writer: with a checkpoint). Takes NULL. Returns the first error, but always frees. */
int store_close(struct store *store, struct err *err);

/* Makes an empty history in config->data_dir: folders, DB_CONFIG, environment, key 0 with a fresh id, acked.mark,
 * metadata.json. Fails with ERR_CONFLICT if there is one, or remains of one (wal, db or superseded logs). For `stemedb
 * init`; the caller holds the lock. */
NODISCARD int store_init(const struct config *config, const struct log *log, struct err *err);

/* What data/metadata.json tells beside version, time and the number of log files. */
struct store_metadata {
  uint64_t assertion_count, last_seq;
  unsigned char history_id[HISTORY_ID_SIZE];
  uint32_t timeline;
  uint64_t branch;
  unsigned char root[DIGEST_SIZE]; /* RFC 9162 root over entries 1..last_seq */
};

/* What a new history is filled with. */
struct store_filling {
  const struct history_meta *meta; /* its identity; `fill` may add a timeline, and writes it then */
  /* Appends entries 1, 2 … in as many transactions as it likes, and fills in last_seq, assertion_count and root of
   * *metadata. NULL: the history stays empty. */
  int (*fill)(void *ctx, struct store *store, struct store_metadata *metadata, struct err *err);
  void *ctx;
};

/* store_init() with entries: all of it is made in a folder that no start looks into, and moved into place when it is
 * complete. Whatever fails or is killed on the way leaves no history. ERR_CONFLICT as of store_init(). */
NODISCARD int store_make(const struct config *config, const struct log *log, const struct store_filling *filling,
                         struct err *err);

/* Replaces data/metadata.json; called at each clean stop with the last watermark. Needs no open store. */
NODISCARD int store_write_metadata(const struct config *config, const struct store_metadata *metadata, struct err *err);

/* --- history_append.c, history_get.c, history_read.c, history_truncate.c: entries --- */

/* Appends records with consecutive seqs, from history_last()+1 on, in one transaction that is not yet durable. All or
 * none. */
NODISCARD int history_append(struct store *store, const struct span *records, uint64_t first_seq, size_t count,
                             struct err *err);
/* Makes everything appended so far durable: one fdatasync of the log. An error is fatal to the node. */
NODISCARD int history_flush(struct store *store, struct err *err);
/* Removes the entries after `to_seq` from a copy that nobody serves, in several transactions, and flushes: what is to
 * be restored to a moment. Killed in between, it has removed some of the last ones. */
NODISCARD int history_truncate(struct store *store, uint64_t to_seq, struct err *err);
/* How far the log reaches now: the file, and the offset that the next record will have. What history_flush() makes
 * durable after this call reaches at least there. */
NODISCARD int history_log_end(struct store *store, uint32_t *file, uint32_t *offset, struct err *err);
/* The greatest seq stored, 0 if none. */
NODISCARD int history_last(struct store *store, uint64_t *seq, struct err *err);
/* Copies the record of `seq` to `out` (emptied first), checks it and decodes it into *entry, which borrows from `out`.
 */
NODISCARD int history_get(struct store *store, uint64_t seq, struct buf *out, struct entry *entry, bool *found,
                          struct err *err);
/* Copies records from `from_seq` to at most `to_seq` into `out` (emptied first), one after another, until about
 * `max_bytes` are full (at least one record). *count tells how many. No lock is held afterwards. Walk them with
 * history_next(). */
NODISCARD int history_read(struct store *store, uint64_t from_seq, uint64_t to_seq, size_t max_bytes, struct buf *out,
                           size_t *count, struct err *err);
/* Takes the next record off *rest, checks and decodes it. */
NODISCARD int history_next(struct span *rest, struct entry *entry, struct err *err);
/* How many of the entries 1..last_seq are of this kind. Reads all of them, without looking at their checksums. */
NODISCARD int history_count_kind(struct store *store, uint64_t last_seq, uint8_t kind, uint64_t *count,
                                 struct err *err);
/* The greatest seq <= `max_seq` whose time is <= `time_us`, by binary search (time rises with seq); 0 if none. */
NODISCARD int history_seq_at(struct store *store, int64_t time_us, uint64_t max_seq, uint64_t *seq, struct err *err);

/* Key 0. The copy is the caller's (history_meta_free). */
NODISCARD int history_meta_read(struct store *store, struct history_meta *out, struct err *err);
/* Writes key 0 durably. */
NODISCARD int history_meta_write(struct store *store, const struct history_meta *meta, struct err *err);

/* --- checkpoint.c --- */

/* 0: syncs acked.mark and checkpoints, and returns when that is done. Else, if at least `min_bytes` of log were written
 * since the last checkpoint and none is under way, starts one in a thread of its own, beside which commits go on; its
 * error is returned by a later call, and panics the environment meanwhile. *done (may be NULL) tells whether one was
 * done or started. One thread at a time may call this. */
NODISCARD int store_checkpoint(struct store *store, uint64_t min_bytes, bool *done, struct err *err);
/* Refreshes the gauges of WAL and cache (segments, bytes, disk usage, hit ratio, lock conflicts). */
NODISCARD int store_update_metrics(struct store *store, struct err *err);

#endif
