/* Data folders as a node leaves them that was killed: entries with true ids, small log files, no clean end. */
#ifndef TESTS_STORE_CRASHED_H
#define TESTS_STORE_CRASHED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/timeline.h"

struct crash_plan {
  uint64_t entries;       /* 1..entries, all flushed */
  uint64_t per_txn;       /* entries in a transaction */
  uint64_t checkpoint_at; /* after this many entries; 0: never */
  uint64_t cache_bytes;   /* 0: 8 MiB. A small one writes pages before the checkpoint */
  uint64_t uncommitted;   /* so many more in a transaction that never ends, though its pages are written */
};

enum { CRASHED_LOG_BYTES = 256 << 10 };

/* Makes DATA_DIR/{DB_CONFIG,wal,db} with a history of `plan->entries` entries and acked.mark at the last one, in a
 * child process that ends without closing anything. Aborts if that fails. */
void crashed_create(const char *data_dir, const struct crash_plan *plan);

/* Goes on from entry `from` up to plan->entries in a folder that was started and stopped clean since, and is killed
 * again.
 */
void crashed_go_on(const char *data_dir, uint64_t from, const struct crash_plan *plan);

/* Appends the record of entry `seq`, always the same one. Some are large enough for overflow pages. */
void crashed_record(struct buf *out, uint64_t seq);

/* --- files --- */

/* Aborts if it fails: files and folders alike. */
void crashed_copy(const char *from, const char *to);
/* All of it; it may be absent. */
void crashed_remove(const char *path);
/* dir/name, good until exit. */
const char *crashed_path(const char *dir, const char *name);
/* The path of DATA_DIR/wal/log.NUMBER. */
const char *crashed_log(const char *data_dir, uint32_t number);
uint64_t crashed_size(const char *path);
void crashed_flip(const char *path, uint64_t offset);
void crashed_fill(const char *path, uint64_t offset, uint64_t len, int byte);
void crashed_truncate(const char *path, uint64_t size);

#endif
